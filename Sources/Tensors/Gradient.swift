/// Reverse-mode differentiation: the sum over `outputs` of seed · ∂output/∂input, for every input.
///
/// One sweep over the graph from the newest operation to the oldest, in which every primitive turns the gradients of its
/// results into gradients of its operands. The result is graph again, so it can be differentiated once more.
/// Outside `valueAndGradient` the gradient comes before the first look at a value: reading one takes its graph apart
/// (`Evaluation`). A value computed since the inputs were made and then read could depend on them, and is refused.
/// - Returns: a gradient of the input's type, or nil where no output depends on the input in a differentiable way.
public func gradients(of outputs: [Tensor], seeds: [Tensor], by inputs: [Tensor]) -> [Tensor?] {
  var cotangents: [ObjectIdentifier: [Tensor?]] = [:]
  func add(_ gradient: Tensor, to tensor: Tensor) {
    let key = ObjectIdentifier(tensor.node)
    var slots = cotangents[key] ?? tensor.node.outputTypes.map { _ in nil }
    slots[tensor.index] = slots[tensor.index].map { $0 + gradient } ?? gradient
    cotangents[key] = slots
  }
  for (output, seed) in zip(outputs, seeds) where output.dataType.isFloatingPoint {
    guard seed.shape == output.shape else {
      fail("gradients: the seed has shape \(seed.shape), the output \(output.shape)")
    }
    add(seed.cast(to: output.dataType), to: output)
  }

  let (dependent, lost) = Evaluation.exclusively { dependentNodes(of: outputs, on: inputs) }
  if let lost {
    fail(
      "gradients: \(Tensor(lost, 0).label) \(lost.outputTypes[0].shape) was read before the gradient was taken, and reading "
        + "it took its graph apart, so how it depends on the inputs is not known any more. Compute it inside "
        + "valueAndGradient, or take the gradient before reading the value; if it is a constant, say so with stopped()"
    )
  }
  let isInput = Set(inputs.map { ObjectIdentifier($0.node) })
  for node in dependent.reversed() where !isInput.contains(ObjectIdentifier(node)) {
    guard let dy = cotangents.removeValue(forKey: ObjectIdentifier(node)) else { continue }
    let operands = node.inputs
    let results = node.outputTypes.indices.map { Tensor(node, $0) }
    let gradients = node.primitive.gradient(dy, outputs: results, inputs: operands)
    for (operand, gradient) in zip(operands, gradients) {
      guard let gradient, operand.dataType.isFloatingPoint else { continue }
      guard gradient.type == operand.type else {
        fail(
          "\(node.primitive.name): its gradient has type \(gradient.type), its operand \(operand.type)"
        )
      }
      add(gradient, to: operand)
    }
  }
  return inputs.map { cotangents[ObjectIdentifier($0.node)]?[$0.index] }
}

/// The nodes on a path from an input to an output, oldest first, and a node whose paths are not known any more. No node is
/// older than the oldest input.
private func dependentNodes(
  of outputs: [Tensor], on inputs: [Tensor]
) -> (dependent: [Node], lost: Node?) {
  let oldest = inputs.map(\.node.number).min() ?? .max
  let isInput = Set(inputs.map { ObjectIdentifier($0.node) })
  var seen: Set<ObjectIdentifier> = []
  var nodes: [Node] = []
  var lost: Node?
  var pending = outputs.map(\.node)
  while let node = pending.popLast() {
    guard node.number >= oldest, seen.insert(ObjectIdentifier(node)).inserted else { continue }
    nodes.append(node)
    if node.primitive is Stop { continue }
    if node.isDetached, !isInput.contains(ObjectIdentifier(node)),
      node.outputTypes.contains(where: \.dataType.isFloatingPoint)
    {
      lost = node
    }
    for input in node.inputs { pending.append(input.node) }
  }
  nodes.sort { $0.number < $1.number }
  var depends = isInput
  let dependent = nodes.filter { node in
    let key = ObjectIdentifier(node)
    if depends.contains(key) { return true }
    guard node.inputs.contains(where: { depends.contains(ObjectIdentifier($0.node)) }) else {
      return false
    }
    depends.insert(key)
    return true
  }
  return (dependent, lost)
}
