package import Layers
package import Tensors
package import Testing

extension Module {
  /// The module with float64 in place of all floating-point tensors.
  package func inDoublePrecision() -> Self {
    mapTensors { $0.dataType.isFloatingPoint ? $0.cast(to: .float64) : $0 }
  }

  /// The module with normal numbers in place of all floating-point tensors, so that no default of 0 or 1 hides a mistake.
  /// Buffers are drawn from 0.5 … 1.5, since variances are positive.
  package func randomized(_ seed: UInt64 = 5) -> Self {
    let key = RandomKey(seed: seed)
    return replacingTensors(
      leaves.enumerated().map { i, leaf in
        guard leaf.tensor.dataType.isFloatingPoint else { return leaf.tensor }
        let (shape, type) = (leaf.tensor.shape, leaf.tensor.dataType)
        return leaf.isBuffer
          ? key.fork(i).uniform(shape, in: 0.5..<1.5, type) : key.fork(i).normal(shape, type)
      })
  }
}

/// Compares the gradient of Σ output · probe by the module's trained tensors and by the input with central differences in
/// float64, along two random directions for each tensor.
package func checkGradient<M: Module>(
  of module: M, at input: Tensor, tolerance: Double = 1e-6,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ output: (_ module: inout M, _ input: Tensor) -> Tensor
) {
  let point = Pair(module.inDoublePrecision(), input.cast(to: .float64)).evaluated()
  func loss(_ pair: Pair<M, Tensor>) -> Tensor {
    var pair = pair
    let y = output(&pair.first, pair.second)
    return (y * RandomKey(seed: 17).normal(y.shape, y.dataType)).sum()
  }
  let gradient = valueAndGradient(at: point) { loss($0) }.gradient.evaluated().tensors
  let (tensors, leaves) = (point.tensors, point.leaves)
  for (i, leaf) in leaves.enumerated() where !leaf.isBuffer && leaf.tensor.dataType == .float64 {
    for seed in 0..<2 {
      let direction = RandomKey(seed: 23).fork(2 * i + seed).normal(leaf.tensor.shape, .float64)
      func moved(_ distance: Double) -> Double {
        var moved = tensors
        moved[i] = tensors[i] + direction * distance
        return loss(point.replacingTensors(moved)).scalar
      }
      let step = 1e-5
      let difference = (moved(step) - moved(-step)) / (2 * step)
      let slope = (gradient[i] * direction).sum().scalar
      #expect(
        abs(slope - difference) <= tolerance * max(1, abs(difference)),
        "\(leaf.name): gradient \(slope), differences \(difference)",
        sourceLocation: sourceLocation)
    }
  }
}
