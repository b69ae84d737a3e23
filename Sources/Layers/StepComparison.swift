public import Tensors

extension CompiledStep {
  /// Does one step on two devices and finds the first operation whose values differ by more than `tolerance` of its largest
  /// element; nil where there is none. Whole numbers and truth values must be the same. Neither state nor batch changes.
  /// - Throws: where a device refuses the program or fails.
  public func firstDifference(
    _ state: State, _ batch: Batch, between a: Device, and b: Device, tolerance: Double = 1e-3
  ) throws -> ComputationDifference? {
    let trace = trace(of: state, batch)
    let arguments = try Evaluation.values(
      of: state.tensors + batch.tensors + trace.captured, on: .cpu)
    let named = state.leaves.map { ("state", $0.name) } + batch.leaves.map { ("batch", $0.name) }
    let names = named.enumerated().map { i, leaf in
      (i, leaf.1.isEmpty ? leaf.0 : "\(leaf.0).\(leaf.1)")
    }
    return try trace.program.firstDifference(
      of: arguments, names: Dictionary(uniqueKeysWithValues: names), between: a, and: b,
      tolerance: tolerance)
  }
}
