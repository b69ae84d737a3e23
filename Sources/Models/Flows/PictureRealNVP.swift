public import Layers
public import Tensors

/// Sizes of a RealNVP of pictures.
public struct PictureRealNVPConfiguration: Codable, Hashable, Sendable {
  /// Height and width of the pictures: divisible by 2 for every scale.
  public var size: Int
  public var channels: Int
  /// Scales: at each the picture has half the height and width of the one before.
  public var scales: Int
  /// Couplings of each scale.
  public var couplings: Int
  /// Channels inside the couplings.
  public var filters: Int
  /// How far the logit keeps off the ends of the interval.
  public var alpha: Double

  public init(
    size: Int = 28, channels: Int = 1, scales: Int = 2, couplings: Int = 6, filters: Int = 64,
    alpha: Double = 0.05
  ) {
    self.size = size
    self.channels = channels
    self.scales = scales
    self.couplings = couplings
    self.filters = filters
    self.alpha = alpha
  }
}

/// Couplings at one scale of a picture: every square of pixels becomes channels, couplings change them in turn, and half of
/// them leave (arXiv:1605.08803, sections 3.4 to 3.6).
public struct FlowScale: Module {
  public var couplings: [AffineCoupling]

  init(channels: Int, couplings: Int, filters: Int, _ key: RandomKey) {
    self.couplings = (0..<couplings).map {
      AffineCoupling(channels: channels, filters: filters, key: key.fork($0))
    }
  }

  /// Channels are moved on by one after every second coupling, so that all of them meet.
  func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    var z = x.squeezedCheckerboard()
    var sum = Tensor.zeros([x.shape[0]], x.dataType)
    for (i, coupling) in couplings.enumerated() {
      let step = coupling.forward(z)
      z = i % 2 == 1 ? step.z.rotated() : step.z
      sum = sum + step.logDeterminant
    }
    return (z, sum)
  }

  func inverse(_ z: Tensor) -> Tensor {
    var x = z
    for (i, coupling) in couplings.enumerated().reversed() {
      x = coupling.inverse(i % 2 == 1 ? x.rotated(back: true) : x)
    }
    return x.unsqueezedCheckerboard()
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor("couplings", &couplings) }
}

/// A multi-scale RealNVP (Dinh et al., arXiv:1605.08803): an exact density of pictures [batch, height, width, channels] of
/// real numbers within 0 … 256, such as `PixelLogit.dequantized` makes of 8-bit pixels. Images z are [batch, numbers].
public struct PictureRealNVP: FlowModel {
  public let configuration: PictureRealNVPConfiguration
  public var standard: ElementwiseAffine
  public var scales: [FlowScale]
  private let logit: PixelLogit

  /// - Parameter examples: pictures [count, height, width, channels], by whose mean and deviation pixels are scaled.
  public init(
    _ configuration: PictureRealNVPConfiguration, examples: Tensor, key: RandomKey
  ) {
    self.configuration = configuration
    logit = PixelLogit(alpha: configuration.alpha)
    standard = ElementwiseAffine(standardizing: logit.forward(examples).z).evaluated()
    var channels = configuration.channels
    scales = (0..<configuration.scales).map { scale in
      channels *= scale == 0 ? 4 : 2
      return FlowScale(
        channels: channels, couplings: configuration.couplings, filters: configuration.filters,
        key.fork(scale))
    }
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let start = logit.forward(x)
    let scaled = standard.forward(start.z)
    var (z, sum) = (scaled.z, start.logDeterminant + scaled.logDeterminant)
    var left: [Tensor] = []
    for (i, scale) in scales.enumerated() {
      let step = scale.forward(z)
      sum = sum + step.logDeterminant
      // The last coupling changed the first half: it leaves, and the other goes on.
      let parts = i == scales.count - 1 ? [step.z] : step.z.split(-1, into: 2)
      left.append(parts[0].flattened(1..<4))
      if let rest = parts.dropFirst().first { z = rest }
    }
    return (concatenate(left, axis: 1), sum)
  }

  public func inverse(_ z: Tensor) -> Tensor {
    let configuration = configuration
    var side = configuration.size
    var channels = configuration.channels
    var shapes: [[Int]] = []
    for i in 0..<configuration.scales {
      side /= 2
      let isLast = i == configuration.scales - 1
      channels *= isLast ? 4 : 2
      shapes.append([z.shape[0], side, side, channels])
    }
    let left = z.split(1, sizes: shapes.map { $0.dropFirst().reduce(1, *) })
    var x: Tensor?
    for (i, scale) in scales.enumerated().reversed() {
      let part = left[i].reshaped(shapes[i])
      x = scale.inverse(x.map { concatenate([part, $0], axis: -1) } ?? part)
    }
    return logit.inverse(standard.inverse(x ?? z))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("standard", &standard)
    visitor("scales", &scales)
    visitor.fixed("configuration", configuration)
  }
}
