public import Tensors

/// A layer whose outputs are sums of products with one weight, [outputs, …] of which each row makes an output.
public protocol WeightedLayer: Layer {
  var weight: Tensor { get set }
}

extension Linear: WeightedLayer {}
extension Convolution: WeightedLayer {}
extension Embedding: WeightedLayer {}

/// A layer whose weight, as a matrix [outputs, inputs · kernel], is divided by its largest singular value (Miyato et al.,
/// arXiv:1802.05957), so that the layer's slope is at most about 1.
///
/// The singular vectors are found by power iteration, which goes on in every training pass, and count as constants in the
/// gradient. Inference leaves them as they are.
public struct SpectralNorm<Base: WeightedLayer>: Layer {
  public var base: Base
  /// The left singular vector, [outputs].
  public var left: Tensor
  /// The right singular vector, [inputs · kernel].
  public var right: Tensor
  /// Power iterations of a training pass.
  public let iterations: Int

  /// Vectors begin at random and are improved by 15 iterations, as in PyTorch.
  public init(_ base: Base, iterations: Int = 1, key: RandomKey) {
    self.base = base
    self.iterations = iterations
    let matrix = Self.matrix(base.weight)
    left = Self.unit(key.normal([matrix.shape[0]], matrix.dataType))
    right = .zeros([matrix.shape[1]], matrix.dataType)
    improve(15)
  }

  /// The largest singular value, as far as the vectors tell: shape [].
  public var norm: Tensor {
    matrixProduct(matrixProduct(left.expanded(0), Self.matrix(base.weight)), right.expanded(1))
      .reshaped([])
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    if phase.isTraining { improve(iterations) }
    var layer = base
    layer.weight = base.weight / norm
    return layer(x, phase)
  }

  private mutating func improve(_ iterations: Int) {
    let matrix = Self.matrix(base.weight).stopped()
    for _ in 0..<iterations {
      right = Self.unit(matrixProduct(left.expanded(0), matrix).squeezed(0))
      left = Self.unit(matrixProduct(matrix, right.expanded(1)).squeezed(1))
    }
  }

  private static func matrix(_ weight: Tensor) -> Tensor {
    weight.reshaped([weight.shape[0], -1])
  }

  private static func unit(_ x: Tensor) -> Tensor {
    x / maximum(x.square().sum().sqrt(), 1e-12)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&base)
    visitor.buffer("weight_u", &left)
    visitor.buffer("weight_v", &right)
    visitor.fixed("iterations", iterations)
  }
}
