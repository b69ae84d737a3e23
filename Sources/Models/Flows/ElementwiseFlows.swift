public import Layers
public import Tensors

/// Scales and shifts every element of examples [batch, shape…] by numbers of its own, or of its channel.
public struct ElementwiseAffine: Flow {
  /// [shape…] or [channels].
  public var shift: Tensor
  /// [shape…] or [channels].
  public var logScale: Tensor

  /// The map that gives every element of the examples [count, shape…] mean 0 and deviation 1; every channel, this is ActNorm
  /// begun with the first batch (arXiv:1807.03039, section 3.1).
  /// - Parameter least: the smallest deviation that is divided by.
  public init(standardizing examples: Tensor, byChannel: Bool = false, least: Double = 1e-2) {
    let axes = byChannel ? Array(0..<examples.rank - 1) : [0]
    let deviation = maximum(examples.variance(axes), least * least).sqrt()
    logScale = -deviation.log()
    shift = -examples.mean(axes) / deviation
  }

  /// The identity.
  public init(shape: [Int]) {
    shift = .zeros(shape)
    logScale = .zeros(shape)
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let repeats = x.shape.dropFirst().reduce(1, *) / max(logScale.count, 1)
    return (
      x * logScale.exp() + shift, (logScale.sum() * Double(repeats)).broadcast(to: [x.shape[0]])
    )
  }

  public func inverse(_ z: Tensor) -> Tensor { (z - shift) * (-logScale).exp() }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("shift", &shift)
    visitor("log_scale", &logScale)
  }
}

/// Numbers within 0 … levels as numbers within −½ … ½, for which Glow takes them. Its log determinant counts the division.
public struct PixelRange: Flow {
  public let levels: Double

  public init(levels: Double = 256) { self.levels = levels }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let volume = Tensor(levels, x.dataType).log() * -Double(x.shape.dropFirst().reduce(1, *))
    return (x / levels - 0.5, volume.broadcast(to: [x.shape[0]]))
  }

  public func inverse(_ z: Tensor) -> Tensor { (z + 0.5) * levels }

  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("levels", levels) }
}

/// Takes samples out of their interval: logit(α + (1 − 2 α) x / levels), for x within 0 … levels (arXiv:1605.08803,
/// section 4.1). Its log determinant counts the division by `levels` too, so that densities are those of x.
public struct PixelLogit: Flow {
  public let levels: Double
  public let alpha: Double

  public init(levels: Double = 256, alpha: Double = 0.05) {
    self.levels = levels
    self.alpha = alpha
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let p = x * ((1 - 2 * alpha) / levels) + alpha
    let (on, off) = (p.log(), (1 - p).log())
    let volumes = Tensor((1 - 2 * alpha) / levels, x.dataType).log() - on - off
    return (on - off, volumes.flattened(1..<x.rank).sum([1]))
  }

  public func inverse(_ z: Tensor) -> Tensor {
    (z.sigmoid() - alpha) * (levels / (1 - 2 * alpha))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("levels", levels)
    visitor.fixed("alpha", alpha)
  }

  /// Integers with uniform noise of 0 ..< 1: what a density can be a density of. The mean of −log p over the noise is never
  /// less than −log of the probability that the density gives the integers (Theis et al., arXiv:1511.01844, section 3.1).
  public static func dequantized(_ pixels: Tensor, _ key: RandomKey) -> Tensor {
    pixels.cast(to: .float32) + key.uniform(pixels.shape)
  }
}

extension Tensor {
  /// Every 2×2 pixels as the channels of one: [batch, height, width, channels] → [batch, height / 2, width / 2,
  /// 4 · channels]. The diagonal comes first, then the other two, so that half the channels are one colour of a checkerboard.
  public func squeezedCheckerboard() -> Tensor {
    guard rank == 4, shape[1] % 2 == 0, shape[2] % 2 == 0 else {
      fail("a picture of shape \(shape) does not consist of squares of 2×2 pixels")
    }
    let squares = reshaped([shape[0], shape[1] / 2, 2, shape[2] / 2, 2, shape[3]])
    func pixels(_ row: Int, _ column: Int) -> Tensor {
      squares.element(4, column).element(2, row)
    }
    return concatenate(
      [pixels(0, 0), pixels(1, 1), pixels(0, 1), pixels(1, 0)], axis: 3)
  }

  /// The inverse of `squeezedCheckerboard`.
  public func unsqueezedCheckerboard() -> Tensor {
    let parts = split(3, into: 4)
    let rows = [stack([parts[0], parts[2]], axis: 3), stack([parts[3], parts[1]], axis: 3)]
    return stack(rows, axis: 2).reshaped([
      shape[0], 2 * shape[1], 2 * shape[2], shape[3] / 4,
    ])
  }

  /// The elements along the last axis moved on by one place, the first becoming the last; or back.
  func rotated(back: Bool = false) -> Tensor {
    let width = shape[rank - 1]
    if width < 2 { return self }
    let parts = split(-1, sizes: back ? [width - 1, 1] : [1, width - 1])
    return concatenate([parts[1], parts[0]], axis: -1)
  }
}
