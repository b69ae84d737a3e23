public import Tensors

/// Zero mean and unit variance over the last axes, then weight and bias (Ba et al., arXiv:1607.06450).
public struct LayerNorm: Layer {
  /// Of the shape that is normalised; nil where there is none.
  public var weight: Tensor?
  public var bias: Tensor?
  public var epsilon: Double
  /// How many of the last axes are normalised.
  public let axes: Int

  /// Weight 1 and bias 0.
  /// - Parameter shape: the sizes of the last axes.
  public init(
    shape: [Int], epsilon: Double = 1e-5, hasWeight: Bool = true, hasBias: Bool = true
  ) {
    weight = hasWeight ? .ones(shape) : nil
    bias = hasBias ? .zeros(shape) : nil
    self.epsilon = epsilon
    axes = shape.count
  }

  /// Over one axis.
  public init(width: Int, epsilon: Double = 1e-5, hasWeight: Bool = true, hasBias: Bool = true) {
    self.init(shape: [width], epsilon: epsilon, hasWeight: hasWeight, hasBias: hasBias)
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, axes: axes)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("axes", axes)
  }
}

/// x / √(mean(x²) + ε) · weight over the last axes (Zhang and Sennrich, arXiv:1910.07467).
public struct RMSNorm: Layer {
  /// Of the normalised axes; nil where there is none.
  public var weight: Tensor?
  public var epsilon: Double
  private let axes: Int

  /// - Parameter shape: of the last axes, over which the mean is. Weight 1.
  public init(shape: [Int], epsilon: Double = 1e-6, hasWeight: Bool = true) {
    weight = hasWeight ? .ones(shape) : nil
    self.epsilon = epsilon
    axes = shape.count
  }

  /// Over one axis.
  public init(width: Int, epsilon: Double = 1e-6, hasWeight: Bool = true) {
    self.init(shape: [width], epsilon: epsilon, hasWeight: hasWeight)
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    rmsNorm(x, weight: weight, epsilon: epsilon, axes: axes)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("axes", axes)
  }
}

/// The norm of a Transformer's tokens, as its configuration chooses.
public enum TokenNorm: Layer {
  case layer(LayerNorm)
  case rms(RMSNorm)

  public enum Kind: String, Sendable, Hashable, Codable { case layer, rms }

  public init(_ kind: Kind, width: Int, epsilon: Double) {
    switch kind {
    case .layer: self = .layer(LayerNorm(width: width, epsilon: epsilon))
    case .rms: self = .rms(RMSNorm(width: width, epsilon: epsilon))
    }
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    switch self {
    case .layer(let norm): norm(x, phase)
    case .rms(let norm): norm(x, phase)
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    switch self {
    case .layer(var norm):
      visitor.inline(&norm)
      self = .layer(norm)
    case .rms(var norm):
      visitor.inline(&norm)
      self = .rms(norm)
    }
  }
}

/// Group norm of [batch, …, channels] over all inner axes and each of `groups` ranges of channels (Wu and He,
/// arXiv:1803.08494).
public struct GroupNorm: Layer {
  /// [channels]; nil where there is none.
  public var weight: Tensor?
  public var bias: Tensor?
  public let groups: Int
  public var epsilon: Double

  /// Weight 1 and bias 0.
  public init(groups: Int, channels: Int, epsilon: Double = 1e-5, isAffine: Bool = true) {
    guard groups > 0, channels % groups == 0 else {
      fail("group norm: \(channels) channels do not divide into \(groups) groups")
    }
    weight = isAffine ? .ones([channels]) : nil
    bias = isAffine ? .zeros([channels]) : nil
    self.groups = groups
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    self(x, activation: .identity)
  }

  /// The norm and then an activation, in one pass where it is ReLU or SiLU.
  public func callAsFunction(_ x: Tensor, activation: Activation) -> Tensor {
    let (inside, after) = activation.fused
    return after(
      groupNorm(
        x, groups: groups, weight: weight, bias: bias, epsilon: epsilon, activation: inside))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("groups", groups)
    visitor.fixed("epsilon", epsilon)
  }
}

/// Divides by the activity of `size` neighbouring channels (Krizhevsky et al. 2012, section 3.3; with PyTorch's division of
/// `alpha` by the size).
public struct LocalResponseNorm: Layer {
  public var size: Int
  public var alpha: Double
  public var beta: Double
  public var k: Double

  public init(size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.k = k
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    localResponseNorm(x, size: size, alpha: alpha, beta: beta, k: k)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.fixed("size", size)
    visitor.fixed("numbers", [alpha, beta, k])
  }
}
