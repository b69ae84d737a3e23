public import Tensors

/// Runs `body` once for every step of `inputs`, handing `carry` from step to step.
///
///     let h = scan(cell.start(2), over: x) { state, x in cell(x, &state) }.outputs   // [time, batch, width]
///
/// - Parameters:
///   - inputs: tensors whose leading axis is the step; the body gets one slice of each.
///   - length: the number of steps, where there are no inputs.
///   - reversed: steps run from the last to the first; outputs still stand at their own step.
///   - memory: what is kept for the gradient. `.carryOnly` computes the rest again: with length 1 this is activation
///     checkpointing.
/// - Returns: the carry after the last step, and the outputs of all steps along a new leading axis.
public func scan<Carry: Module, Input: Module, Output: Module>(
  _ carry: Carry, over inputs: Input, length: Int? = nil, reversed: Bool = false,
  memory: ScanMemory = .everything, _ body: (_ carry: inout Carry, _ input: Input) -> Output
) -> (carry: Carry, outputs: Output) {
  let stacks = inputs.tensors
  guard let length = length ?? stacks.first?.shape.first else {
    fail("scan: without inputs the number of steps must be given")
  }
  for stack in stacks where stack.shape.first != length {
    fail(
      "scan: \(stack.label) has shape \(stack.shape), but there are \(length) steps along the first axis"
    )
  }
  var output: Output?
  let result = Scan.run(
    carry: carry.tensors, stacks: stacks, length: length, isReversed: reversed, memory: memory
  ) { carryTensors, slices in
    var state = carry.replacingTensors(carryTensors)
    let value = body(&state, inputs.replacingTensors(slices))
    output = value
    return (state.tensors, value.tensors)
  }
  return (carry.replacingTensors(result.carry), output!.replacingTensors(result.outputs))
}

/// Runs `body` without keeping its intermediate values: the gradient computes them again (Chen et al. 2016,
/// arXiv:1604.06174). Parameters that the body captures get their gradients as ever.
public func checkpointed<Output: Module>(_ body: () -> Output) -> Output {
  let result = scan(Nothing(), over: Nothing(), length: 1, memory: .carryOnly) { _, _ in body() }
  return result.outputs.mapTensors { $0.squeezed(0) }
}
