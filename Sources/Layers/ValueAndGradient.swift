public import Tensors

/// The loss of a model and its gradient, which is a model of the same structure: trained tensors are gradients, buffers
/// keep their values.
///
/// - Parameter loss: gives a scalar. A trained tensor that it does not depend on is a mistake and ends the program with
///   the tensor's name; what should not be trained does not belong into `model`.
public func valueAndGradient<M: Module>(
  at model: M, _ loss: (_ model: M) -> Tensor
) -> (value: Tensor, gradient: M) {
  var copy = model
  return valueAndGradient(updating: &copy) { loss($0) }
}

/// The same for a model whose forward pass changes it (running statistics). Trained tensors keep their values.
public func valueAndGradient<M: Module>(
  updating model: inout M, _ loss: (_ model: inout M) -> Tensor
) -> (value: Tensor, gradient: M) {
  valueAndGradient(updating: &model, at: \.self, loss)
}

/// The same for one part of a model; the rest is constant. Freezing is differentiating at less.
public func valueAndGradient<M: Module, Part: Module>(
  updating model: inout M, at part: WritableKeyPath<M, Part>, _ loss: (_ model: inout M) -> Tensor
) -> (value: Tensor, gradient: Part) {
  let original = model[keyPath: part]
  let (value, slopes) = valueAndSlopes(updating: &model, at: part, loss)
  let leaves = original.leaves
  let missing = zip(leaves, slopes).filter { $0.isTrained && $1 == nil }.map(\.0.name)
  guard missing.isEmpty else { fail("no gradient reaches \(missing.joined(separator: ", "))") }
  return (value, original.replacingTensors(zip(leaves, slopes).map { $1 ?? $0.tensor }))
}

/// The same with the gradient of every tensor: nil for buffers, and where the loss does not depend on the tensor.
package func valueAndSlopes<M: Module, Part: Module>(
  updating model: inout M, at part: WritableKeyPath<M, Part>, _ loss: (_ model: inout M) -> Tensor
) -> (value: Tensor, slopes: [Tensor?]) {
  let original = model[keyPath: part]
  let leaves = original.leaves
  // Every tensor gets a node of its own: equal values stay distinct, and errors can name them.
  let aliases = leaves.map { Tensor(Alias($0.name), [$0.tensor]) }
  model[keyPath: part] = original.replacingTensors(aliases)
  let mode = Evaluation.mode == .trace ? Evaluation.Mode.trace : .gradient
  let value = Evaluation.$mode.withValue(mode) { loss(&model) }
  guard value.count == 1, value.dataType.isFloatingPoint else {
    fail("valueAndGradient: the loss is \(value.type), not one number; take a mean or a sum")
  }
  let trained = leaves.indices.filter { leaves[$0].isTrained }
  let slopes = gradients(of: [value], seeds: [value.onesLike()], by: trained.map { aliases[$0] })
  restore(&model[keyPath: part], aliases, leaves)
  var result = [Tensor?](repeating: nil, count: leaves.count)
  for (i, slope) in zip(trained, slopes) { result[i] = slope }
  return (value, result)
}

/// Takes the aliases out again: tensors that the loss left alone are what they were.
private func restore<M: Module>(_ part: inout M, _ aliases: [Tensor], _ leaves: [Visitor.Leaf]) {
  let after = part.tensors
  guard after.count == leaves.count else {
    fail(
      "valueAndGradient: the loss changed the number of tensors from \(leaves.count) to \(after.count)"
    )
  }
  part.replaceTensors(
    after.indices.map { after[$0].isIdentical(to: aliases[$0]) ? leaves[$0].tensor : after[$0] })
}
