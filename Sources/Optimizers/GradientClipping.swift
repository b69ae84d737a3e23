public import Layers
public import Tensors

extension Module {
  /// The 2-norm of all trained tensors together: float32, shape [].
  public var globalNorm: Tensor {
    let squares = leaves.filter(\.isTrained).map { $0.tensor.square().sum().cast(to: .float32) }
    guard let first = squares.first else { return Tensor(0) }
    return stack([first] + squares.dropFirst()).sum().sqrt()
  }

  /// The gradient scaled down so that its global norm is at most `limit` (Pascanu et al., arXiv:1211.5063), and the norm it
  /// had before.
  public func clipped(toGlobalNorm limit: Double) -> (gradient: Self, norm: Tensor) {
    let norm = globalNorm
    // The small number is PyTorch's; it keeps a norm of 0 from dividing by itself.
    let scale = minimum(limit / (norm + 1e-6), 1)
    let leaves = leaves
    let clipped = leaves.map {
      $0.isTrained ? $0.tensor * scale.cast(to: $0.tensor.dataType) : $0.tensor
    }
    return (replacingTensors(clipped), norm)
  }
}
