package import StableHLO

/// What a scan keeps for its gradient.
public enum ScanMemory: Sendable {
  /// All intermediate values that the gradient reads.
  case everything
  /// The carry of every step; the rest is computed again (activation checkpointing is a scan of length 1 of this kind).
  case carryOnly
}

/// The one loop: runs a body program `length` times.
///
/// Operands are the first carry, tensors whose leading axis is the step (`stacks`), and captured tensors that are the same
/// at every step. Results are the last carry and the body's outputs, stacked along a new leading axis.
package struct Scan: Primitive {
  /// Arguments: carry, one slice of every stack, captured. Outputs: next carry, outputs of the step. Never pruned, so that
  /// scans of one body can be recognised.
  package let body: Program
  package let carryCount: Int
  package let stackCount: Int
  package let length: Int
  /// Steps run from the last to the first.
  package let isReversed: Bool
  package let memory: ScanMemory

  package var name: String { "scan of \(length) steps" }
  package var capturedCount: Int { body.inputCount - carryCount - stackCount }

  package func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    guard inputs.count == body.inputCount else {
      throw ShapeError("the body takes \(body.inputCount) tensors, not \(inputs.count)")
    }
    for i in 0..<body.inputCount {
      let isStack = (carryCount..<(carryCount + stackCount)).contains(i)
      let expected = isStack ? body.types[i].with([length] + body.types[i].shape) : body.types[i]
      guard inputs[i] == expected else {
        throw ShapeError("operand \(i) is \(inputs[i]), the body takes \(expected)")
      }
    }
    for i in 0..<carryCount where body.types[body.outputs[i]] != body.types[i] {
      throw ShapeError(
        "the carry is \(body.types[i]) before a step and \(body.types[body.outputs[i]]) after it; they must agree"
      )
    }
    return body.outputs.enumerated().map { i, value in
      i < carryCount
        ? body.types[value] : body.types[value].with([length] + body.types[value].shape)
    }
  }

  package func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    var gradient = ScanGradient(self, inputs)
    return gradient.gradient(dy)
  }

  package func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    PreparedKernel(host: ScanKernel(self))
  }

  package func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    let carry = Array(operands[..<carryCount])
    let stacks = Array(operands[carryCount..<(carryCount + stackCount)])
    let captured = Array(operands[(carryCount + stackCount)...])
    let counter = ValueType.scalar(.i64)
    let start = function.constant(isReversed ? length - 1 : 0, counter)
    let zero = function.constant(0, counter)
    let step = function.constant(isReversed ? -1 : 1, counter)
    let limit = function.constant(isReversed ? 0 : length - 1, counter)
    let blank = outputs[carryCount...].map { function.constant(0, $0.hlo) }
    let results = function.whileLoop([start] + carry + blank) { f, values in
      isReversed
        ? f.compare(.greaterOrEqual, values[0], limit) : f.compare(.lessOrEqual, values[0], limit)
    } body: { f, values in
      let t = values[0]
      let slices = stacks.map { stack in
        let starts = [t] + stack.shape.dropFirst().map { _ in zero }
        let slice = f.dynamicSlice(stack, starts: starts, sizes: [1] + stack.shape.dropFirst())
        return f.reshape(slice, to: Array(stack.shape.dropFirst()))
      }
      let results = body.emit(Array(values[1...carryCount]) + slices + captured, into: &f)
      let stacked = zip(values[(1 + carryCount)...], results[carryCount...]).map { stack, value in
        let slice = f.reshape(value, to: [1] + value.shape)
        return f.dynamicUpdateSlice(stack, slice, starts: [t] + value.shape.map { _ in zero })
      }
      return [f.binary(.add, t, step)] + results[..<carryCount] + stacked
    }
    return Array(results.dropFirst())
  }
}

extension Scan {
  /// Runs `body` over the steps; it gets the carry and one slice of every stack.
  ///
  /// What the body reads from outside and everything that is the same at every step is captured and computed once; with
  /// a single step the body stays whole, since it may be there to be computed again.
  package static func run(
    carry: [Tensor], stacks: [Tensor], length: Int, isReversed: Bool = false,
    memory: ScanMemory = .everything,
    _ body: (_ carry: [Tensor], _ slices: [Tensor]) -> (carry: [Tensor], outputs: [Tensor])
  ) -> (carry: [Tensor], outputs: [Tensor]) {
    let carryArguments = carry.map { Tensor(Placeholder($0.type), []) }
    let sliceArguments = stacks.map {
      Tensor(Placeholder($0.type.with(Array($0.shape.dropFirst()))), [])
    }
    let start = Node.nextNumber
    let result = Evaluation.$mode.withValue(.trace) { body(carryArguments, sliceArguments) }
    let trace = Program.trace(
      result.carry + result.outputs, arguments: carryArguments + sliceArguments, keepsUnused: true,
      capturesBefore: length == 1 ? start : nil)
    let scan = Scan(
      body: trace.program, carryCount: carry.count, stackCount: stacks.count, length: length,
      isReversed: isReversed,
      memory: memory)
    let results = Tensor.apply(scan, carry + stacks + trace.captured)
    return (Array(results[..<carry.count]), Array(results[carry.count...]))
  }

  /// The same body with more outputs.
  func widened(by values: [Int]) -> Scan {
    var wide = body
    wide.outputs += values
    return Scan(
      body: wide, carryCount: carryCount, stackCount: stackCount, length: length,
      isReversed: isReversed,
      memory: memory)
  }

  /// Whether this scan computes everything that `other` does, as its first results.
  func extends(_ other: Scan) -> Bool {
    guard carryCount == other.carryCount, stackCount == other.stackCount, length == other.length,
      isReversed == other.isReversed, body.outputs.starts(with: other.body.outputs)
    else { return false }
    var narrowed = body
    narrowed.outputs = other.body.outputs
    return narrowed == other.body
  }

  /// The scan without the outputs whose place in `isRead` is false, and the operands that are left.
  func pruned(_ isRead: [Bool]) -> (scan: Scan, operands: [Int]) {
    var body = self.body
    body.outputs = body.outputs.indices.filter { $0 < carryCount || isRead[$0] }.map {
      body.outputs[$0]
    }
    let kept = body.dropUnusedInputs(keeping: carryCount)
    let stackCount = kept.filter { $0 >= carryCount && $0 < carryCount + self.stackCount }.count
    let scan = Scan(
      body: body, carryCount: carryCount, stackCount: stackCount, length: length,
      isReversed: isReversed,
      memory: memory)
    return (scan, kept)
  }
}
