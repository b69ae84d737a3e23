public import Layers
public import Tensors

extension Module {
  /// The 2-norm of all trained tensors together: shape [], float32, or float64 where a tensor is.
  public var globalNorm: Tensor {
    let trained = leaves.filter(\.isTrained).map(\.tensor)
    let type = trained.contains { $0.dataType == .float64 } ? DataType.float64 : .float32
    let squares = trained.map { $0.cast(to: type).square().sum() }
    guard !squares.isEmpty else { return Tensor(0) }
    return stack(squares).sum().sqrt()
  }

  /// The gradient scaled down so that its global norm is at most `limit` (Pascanu et al., arXiv:1211.5063), and the norm it
  /// had before.
  public func clipped(toGlobalNorm limit: Double) -> (gradient: Self, norm: Tensor) {
    let norm = globalNorm
    // The small number is PyTorch's; it keeps a norm of 0 from dividing by itself.
    let scale = minimum(limit / (norm + 1e-6), 1)
    return (mapTrained { $0 * scale.cast(to: $0.dataType) }, norm)
  }

  /// The gradient with every number moved to the nearest of −limit … limit.
  public func clipped(toValues limit: Double) -> Self {
    guard limit >= 0 else { fail("numbers cannot be clipped to ±\(limit)") }
    return mapTrained { $0.clipped(to: -limit...limit) }
  }

  /// The module with its trained tensors changed.
  private func mapTrained(_ transform: (Tensor) -> Tensor) -> Self {
    replacingTensors(leaves.map { $0.isTrained ? transform($0.tensor) : $0.tensor })
  }
}
