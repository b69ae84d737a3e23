public import Tensors

/// Summaries of windows of an image, [batch, spatial…, channels], over 1 to 3 spatial axes.
///
/// Lists have one number for all spatial axes, or one for each.
public enum Pooling: Layer, Hashable {
  /// The greatest value of every window. `stride` is the size where there is none; `roundsUp` is PyTorch's ceil mode.
  case max(
    _ size: [Int], stride: [Int]? = nil, padding: SpatialPadding = .none, roundsUp: Bool = false)
  /// The mean of every window; `countsPadding` says whether padding takes part as zeros.
  case average(
    _ size: [Int], stride: [Int]? = nil, padding: SpatialPadding = .none, roundsUp: Bool = false,
    countsPadding: Bool = true)
  /// Greatest values of a given number of bins along each axis.
  case adaptiveMax([Int])
  /// Means of a given number of bins along each axis.
  case adaptiveAverage([Int])
  /// The mean over all spatial axes: [batch, channels].
  case globalAverage

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    switch self {
    case .max(let size, let stride, let padding, let roundsUp):
      maxPooling(x, size: size, stride: stride, padding: padding, roundsUp: roundsUp)
    case .average(let size, let stride, let padding, let roundsUp, let countsPadding):
      averagePooling(
        x, size: size, stride: stride, padding: padding, roundsUp: roundsUp,
        countsPadding: countsPadding)
    case .adaptiveMax(let bins): adaptiveMaxPooling(x, to: bins)
    case .adaptiveAverage(let bins): adaptiveAveragePooling(x, to: bins)
    case .globalAverage: globalAveragePooling(x)
    }
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("pooling", self) }
}

/// What a classifier keeps of a whole image: [batch, spatial…, channels] → [batch, features].
public enum GlobalPooling: String, Layer, Codable, Hashable {
  case average = "avg"
  case max
  /// The mean of both.
  case averageMax = "avgmax"
  /// Means, then greatest values.
  case averageAndMax = "catavgmax"

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let greatest = self == .average ? nil : x.max(Array(1..<(x.rank - 1)))
    return switch self {
    case .average: globalAveragePooling(x)
    case .max: greatest!
    case .averageMax: (globalAveragePooling(x) + greatest!) * 0.5
    case .averageAndMax: concatenate([globalAveragePooling(x), greatest!], axis: -1)
    }
  }

  /// Features by channels.
  public func features(of channels: Int) -> Int {
    self == .averageAndMax ? 2 * channels : channels
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.fixed("pooling", self) }
}

/// An image [batch, spatial…, channels] with its spatial sizes multiplied by a factor.
public struct Upsample: Layer {
  /// One for all spatial axes, or one for each.
  public var factors: [Double]
  public var mode: ResamplingMode
  public var alignsCorners: Bool

  public init(
    factors: [Double] = [2], mode: ResamplingMode = .nearest, alignsCorners: Bool = false
  ) {
    self.factors = factors
    self.mode = mode
    self.alignsCorners = alignsCorners
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    x.resized(by: factors, mode: mode, alignsCorners: alignsCorners)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("factors", factors)
    visitor.fixed("mode", mode)
    visitor.fixed("alignsCorners", alignsCorners)
  }
}
