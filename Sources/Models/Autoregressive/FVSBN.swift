public import Layers
public import Tensors

/// A fully visible sigmoid belief net (Neal 1992; Frey 1998): a logistic regression of every pixel on those before it,
/// p(xᵢ = 1 | x<ᵢ) = σ(bᵢ + Σ Wᵢⱼ xⱼ) over j < i.
public struct FVSBN: BinarySymbolModel {
  /// [pixels, pixels], of which the part below the diagonal counts.
  public var weight: Tensor
  /// [pixels].
  public var bias: Tensor

  /// The model in which pixels are independent.
  /// - Parameter means: how often each pixel is 1 in the data, [pixels].
  public init(means: Tensor) {
    bias = means.logit()
    weight = .zeros([means.count, means.count], means.dataType)
  }

  public init(weight: Tensor, bias: Tensor) {
    self.weight = weight
    self.bias = bias
  }

  public var length: Int? { bias.count }

  public func onLogits(of x: Tensor) -> Tensor {
    let isEarlier = Tensor.indices(weight.shape, axis: 1).less(
      than: Tensor.indices(weight.shape, axis: 0))
    let used = select(isEarlier, weight, weight.zerosLike())
    return matrixProduct(x.cast(to: weight.dataType), used.transposed()) + bias
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
  }
}
