internal import Synchronization

/// How a value is read outside compiled steps.
///
/// Reading a value evaluates its graph and takes the graph apart: a node that somebody still holds afterwards keeps its
/// value, all others are gone. So a training loop that is not compiled does constant work a step, however little of it is
/// printed. Inside `valueAndGradient` the graph stays whole, since it is still to be differentiated.
package enum Evaluation {
  /// What may be done with the graph right now.
  package enum Mode: Sendable {
    case free
    /// A gradient will be taken of the graph: it must stay whole.
    case gradient
    /// A program is being traced: there are no values.
    case trace
  }

  @TaskLocal package static var mode = Mode.free

  private static let cache = Mutex(ExecutableCache())

  /// One evaluation at a time; walkers of the graph take the same lock, so none sees a graph half taken apart.
  package static func exclusively<R: Sendable>(_ body: () -> R) -> R {
    isCompiling ? body() : cache.withLock { _ in body() }
  }

  /// Whether an evaluation of this task, which has the lock, compiles its program: primitives may take gradients there.
  @TaskLocal private static var isCompiling = false

  /// Computes the tensors on the current device and keeps their values in the graph.
  package static func values(of tensors: [Tensor]) -> [Storage] {
    do {
      return try values(of: tensors, on: .current, keepsGraph: mode == .gradient)
    } catch {
      Device.failed(error)
    }
  }

  /// The same on any device. Where it fails, values can be computed elsewhere as long as the graph was kept.
  package static func values(of tensors: [Tensor], on device: Device, keepsGraph: Bool = true)
    throws -> [Storage]
  {
    guard mode != .trace else {
      fail(
        "a value was read while a step is being compiled: there is none yet. "
          + "Return the tensor from the step and read it outside; for a choice between values use select(_:_:_:)"
      )
    }
    try cache.withLock { cache in
      let roots = tensors.filter { !$0.node.isComputed || $0.node.value($0.index) == nil }
      if !roots.isEmpty { try evaluate(roots, on: device, keepsGraph: keepsGraph, &cache) }
    }
    return tensors.map { tensor in
      guard let value = tensor.node.value(tensor.index) else {
        fail("\(tensor.label) lost its value")
      }
      return value
    }
  }

  private static func evaluate(
    _ roots: [Tensor], on device: Device, keepsGraph: Bool, _ cache: inout ExecutableCache
  ) throws {
    var nodes = Program.reachable(from: roots)
    var builder = ProgramBuilder()
    var values: [ObjectIdentifier: [Int]] = [:]
    var arguments: [Storage] = []
    for node in nodes where node.isComputed {
      values[ObjectIdentifier(node)] = node.outputTypes.indices.map { index in
        guard let value = node.value(index) else { return -1 }
        arguments.append(value)
        return builder.argument(node.outputTypes[index])
      }
    }
    nodes.removeAll { $0.isComputed }
    for node in nodes {
      let operands = node.inputs.map { values[ObjectIdentifier($0.node)]![$0.index] }
      values[ObjectIdentifier(node)] = builder.add(node.primitive, operands, node.outputTypes)
    }

    let wanted = Set(roots.map { ObjectIdentifier($0.node) })
    if !keepsGraph { for node in nodes { _ = node.detach() } }
    var held: [Node] = []
    for i in nodes.indices {
      // After the graph was taken apart only `nodes` refers to what nobody outside holds.
      let isHeld = !keepsGraph && !isKnownUniquelyReferenced(&nodes[i])
      if isHeld || wanted.contains(ObjectIdentifier(nodes[i])) { held.append(nodes[i]) }
    }
    let outputs = held.flatMap { values[ObjectIdentifier($0)]! }
    let program = builder.finish(outputs)
    let executable = try $isCompiling.withValue(true) {
      try cache.executable(for: program, on: device)
    }
    let results = try executable.run(&arguments)
    var position = 0
    for node in held {
      let count = node.outputTypes.count
      node.setValues(Array(results[position..<(position + count)]))
      position += count
    }
  }
}

/// Executables of evaluated graphs by program, so that a loop that is not compiled traces and flattens, no more.
private struct ExecutableCache {
  private struct Key: Hashable {
    let program: Program
    let device: Device
  }

  private var executables: [Key: any Executable] = [:]
  private var age: [Key] = []
  private let capacity = 256

  mutating func executable(for program: Program, on device: Device) throws -> any Executable {
    let key = Key(program: program, device: device)
    if let known = executables[key] { return known }
    let made = try device.executor.compile(program, ArgumentRoles())
    executables[key] = made
    age.append(key)
    if age.count > capacity { executables.removeValue(forKey: age.removeFirst()) }
    return made
  }
}
