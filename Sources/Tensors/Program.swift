/// A traced graph in flat form: numbered values, instructions in order. Values 0 ..< inputCount are the arguments.
package struct Program: Sendable {
  package struct Instruction: Sendable {
    package var primitive: any Primitive
    package var operands: [Int]
    /// Results are numbered `first`, `first + 1`, …
    package var first: Int
    package var resultCount: Int
    package var results: Range<Int> { first..<(first + resultCount) }
  }

  /// The type of every value.
  package var types: [TensorType] = []
  package var inputCount = 0
  package var instructions: [Instruction] = []
  package var outputs: [Int] = []

  package init() {}

  package func operandTypes(_ instruction: Instruction) -> [TensorType] {
    instruction.operands.map { types[$0] }
  }
  package func resultTypes(_ instruction: Instruction) -> [TensorType] {
    instruction.results.map { types[$0] }
  }
}

extension Program: Hashable {
  package static func == (a: Program, b: Program) -> Bool {
    guard a.inputCount == b.inputCount, a.outputs == b.outputs, a.types == b.types,
      a.instructions.count == b.instructions.count
    else { return false }
    return zip(a.instructions, b.instructions).allSatisfy { x, y in
      x.operands == y.operands && x.first == y.first && x.primitive.isEqual(to: y.primitive)
    }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(types)
    hasher.combine(outputs)
    for instruction in instructions {
      instruction.primitive.hash(into: &hasher)
      hasher.combine(instruction.operands)
    }
  }

  /// The first instruction in which two programs differ, in words; nil where they are equal.
  package func firstDifference(to other: Program) -> String? {
    for (x, y) in zip(instructions, other.instructions)
    where x.operands != y.operands || !x.primitive.isEqual(to: y.primitive) {
      return "\(x.primitive) and \(y.primitive)"
    }
    return self == other ? nil : "their numbers of operations or results"
  }
}

extension Program: CustomStringConvertible {
  package var description: String {
    var lines = [
      "arguments " + (0..<inputCount).map { "%\($0): \(types[$0])" }.joined(separator: ", ")
    ]
    for instruction in instructions {
      let results = instruction.results.map { "%\($0)" }.joined(separator: ", ")
      let operands = instruction.operands.map { "%\($0)" }.joined(separator: ", ")
      lines.append(
        "\(results) = \(instruction.primitive.name)(\(operands)): \(types[instruction.first])")
    }
    lines.append("return " + outputs.map { "%\($0)" }.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }
}

// MARK: - Tracing

extension Program {
  /// A graph made flat: its program and the tensors that are its arguments after `arguments`.
  package struct Trace: Sendable {
    package var program: Program
    package var captured: [Tensor]
  }

  /// Flattens the graph that leads from `arguments` to `outputs`.
  ///
  /// What does not depend on the arguments is not computed by the program but captured: values that are known already and
  /// whole subexpressions, as far out as possible. With no arguments only known values are captured.
  /// - Parameters:
  ///   - keepsUnused: Keeps every instruction: the body of a loop may be asked for more of its values.
  ///   - capturesBefore: Captures only what is older than this number: what came later is computed by the program even
  ///     where it does not depend on the arguments.
  package static func trace(
    _ outputs: [Tensor], arguments: [Tensor] = [], keepsUnused: Bool = false,
    capturesBefore: Int? = nil
  ) -> Trace {
    let nodes = reachable(from: outputs, stoppingAt: arguments)
    var values: [ObjectIdentifier: [Int]] = [:]
    values.reserveCapacity(nodes.count)
    var builder = ProgramBuilder()
    for argument in arguments {
      values[ObjectIdentifier(argument.node), default: argument.node.outputTypes.map { _ in -1 }][
        argument.index] = builder.argument(argument.type)
    }
    let isInvariant =
      arguments.isEmpty && capturesBefore == nil
      ? [] : invariantNodes(nodes, arguments, capturesBefore)
    var captured: [Tensor] = []

    func operand(_ tensor: Tensor) -> Int {
      let key = ObjectIdentifier(tensor.node)
      if let known = values[key], known[tensor.index] >= 0 { return known[tensor.index] }
      captured.append(tensor)
      let value = builder.argument(tensor.type)
      values[key, default: tensor.node.outputTypes.map { _ in -1 }][tensor.index] = value
      return value
    }
    // Captured tensors must be numbered before the first instruction.
    for node in nodes where !node.isComputed && !isInvariant.contains(ObjectIdentifier(node)) {
      for input in node.inputs where isCaptured(input, isInvariant, values) { _ = operand(input) }
    }
    for output in outputs where isCaptured(output, isInvariant, values) { _ = operand(output) }
    for node in nodes
    where values[ObjectIdentifier(node)] == nil && !node.isComputed
      && !isInvariant.contains(ObjectIdentifier(node))
    {
      values[ObjectIdentifier(node)] = builder.add(
        node.primitive, node.inputs.map(operand), node.outputTypes)
    }
    return Trace(
      program: builder.finish(outputs.map(operand), keepsUnused: keepsUnused), captured: captured)
  }

  private static func isCaptured(
    _ tensor: Tensor, _ isInvariant: Set<ObjectIdentifier>, _ values: [ObjectIdentifier: [Int]]
  ) -> Bool {
    let key = ObjectIdentifier(tensor.node)
    if let known = values[key], known[tensor.index] >= 0 { return false }
    return tensor.node.isComputed || isInvariant.contains(key)
  }

  /// All nodes that lead to `outputs`, operands first.
  package static func reachable(from outputs: [Tensor], stoppingAt arguments: [Tensor] = [])
    -> [Node]
  {
    var seen = Set(arguments.map { ObjectIdentifier($0.node) })
    var nodes: [Node] = []
    var pending = outputs.map(\.node)
    while let node = pending.popLast() {
      guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
      nodes.append(node)
      if !node.isComputed { for input in node.inputs { pending.append(input.node) } }
    }
    nodes.sort { $0.number < $1.number }
    return nodes
  }

  /// The nodes that do not depend on any argument, except those that cost nothing to make anew (numbers, indices).
  private static func invariantNodes(_ nodes: [Node], _ arguments: [Tensor], _ capturesBefore: Int?)
    -> Set<
      ObjectIdentifier
    >
  {
    var dependent = Set(arguments.map { ObjectIdentifier($0.node) })
    var invariant: Set<ObjectIdentifier> = []
    var free: Set<ObjectIdentifier> = []
    for node in nodes {
      let key = ObjectIdentifier(node)
      let inputs = node.isComputed ? [] : node.inputs
      let isInside = capturesBefore.map { node.number > $0 } ?? false
      if isInside || inputs.contains(where: { dependent.contains(ObjectIdentifier($0.node)) }) {
        dependent.insert(key)
      } else if !node.isComputed, !(node.primitive is Placeholder),
        inputs.allSatisfy({ free.contains(ObjectIdentifier($0.node)) })
      {
        free.insert(key)
      } else {
        invariant.insert(key)
      }
    }
    return invariant
  }
}
