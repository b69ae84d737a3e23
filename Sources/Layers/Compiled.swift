internal import Synchronization
public import Tensors

/// A step that is traced once for every set of shapes and then runs as a program.
///
/// The state is written in place exactly where nobody else holds its memory, so a copy that was kept does not change. All
/// of the state's and the batch's tensors are arguments; learning rates, counts and random keys belong there too. Any other
/// value is part of the program: a plain value that the module names with `visitor.fixed` makes another program when it
/// changes, and a step whose two traces differ is refused.
public final class CompiledStep<State: Module, Batch: Module, Result: Module>: Sendable {
  private let step: @Sendable (inout State, Batch) -> Result
  private let entries = Mutex<[Key: Entry]>([:])

  private struct Key: Hashable {
    let device: Device
    let types: [TensorType]
    let structure: Int
  }

  private struct Entry: Sendable {
    let executable: any Executable
    let captured: [Storage]
    let result: Result
    let resultTypes: [TensorType]
    /// The state as the step leaves it, where its structure changes (an optional becomes a value); nil otherwise.
    let changedState: State?
    let stateCount: Int
    let stateTypes: [TensorType]
  }

  fileprivate init(_ step: @escaping @Sendable (inout State, Batch) -> Result) { self.step = step }

  /// Does the step on the task's current device. A device that fails ends the program with a sentence.
  public func callAsFunction(_ state: inout State, _ batch: Batch) -> Result {
    // Within another trace or gradient the step is part of that.
    if Evaluation.mode != .free { return step(&state, batch) }
    do {
      return try self(&state, batch, on: .current)
    } catch {
      Device.failed(error)
    }
  }

  /// Does the step on a device; the state stays there until it is read or needed elsewhere.
  ///
  /// Where several devices work together, each tensor of the batch that has an axis is split along its first, and all else
  /// goes to every device: a step is the same as on one device if it takes `meanAcrossDevices` of gradients, losses and
  /// running statistics. The result is the first device's.
  /// - Throws: where the device refuses the program or fails; the state is as it was before, except for tensors that the
  ///   device had taken over when it failed: reading these ends the program.
  public func callAsFunction(
    _ state: inout State, _ batch: Batch, on device: Device
  ) throws -> Result {
    var visitor = Visitor(.tensors)
    state.visit(&visitor)
    let stateTypes = visitor.tensors.map(\.type)
    var copy = batch
    copy.visit(&visitor)
    var tensors = visitor.tensors
    visitor.tensors = []
    let key = Key(
      device: device, types: tensors.map(\.type), structure: visitor.structure.finalize())
    let entry = try entries.withLock { $0[key] } ?? trace(state, batch, key)

    var arguments =
      try Evaluation.values(of: tensors, on: device, keepsGraph: device != .cpu) + entry.captured
    // Let go of everything else that refers to the state's memory, so that it can be written in place.
    state.replaceTensors([Tensor](repeating: Self.nothing, count: stateTypes.count))
    tensors = []
    copy = batch
    let values: [Storage]
    do {
      values = try entry.executable.run(&arguments)
    } catch {
      state.replaceTensors(zip(arguments, stateTypes).map { Tensor($0, $1) })
      throw error
    }

    let types = entry.stateTypes + entry.resultTypes
    let results = zip(values, types).map { Tensor($0, $1) }
    if let changed = entry.changedState { state = changed }
    state.replaceTensors(Array(results[..<entry.stateCount]))
    return entry.result.replacingTensors(Array(results[entry.stateCount...]))
  }

  /// Bytes of intermediate values of all programs compiled so far.
  public var arenaByteCount: Int {
    entries.withLock { $0.values.map(\.executable.arenaByteCount).reduce(0, +) }
  }

  /// The number of programs compiled so far: one for every set of shapes.
  public var programCount: Int { entries.withLock { $0.count } }

  private static var nothing: Tensor { placeholder }

  // MARK: Tracing

  private struct Traced {
    let trace: Program.Trace
    let state: State
    let result: Result
    let stateTensors: [Tensor]
    let resultTensors: [Tensor]
  }

  private func traced(_ state: State, _ batchTypes: [TensorType], _ batch: Batch) -> Traced {
    let stateArguments = state.tensors.map { Tensor(Placeholder($0.type), []) }
    let batchArguments = batchTypes.map { Tensor(Placeholder($0), []) }
    var traced = state.replacingTensors(stateArguments)
    let before = plainValues(traced)
    let input = batch.replacingTensors(batchArguments)
    let result = Evaluation.$mode.withValue(.trace) { step(&traced, input) }
    checkPlainValues(before, plainValues(traced))
    let (stateTensors, resultTensors) = (traced.tensors, result.tensors)
    let trace = Program.trace(
      stateTensors + resultTensors, arguments: stateArguments + batchArguments)
    return Traced(
      trace: trace, state: traced, result: result, stateTensors: stateTensors,
      resultTensors: resultTensors)
  }

  /// The step's program; its arguments are the tensors of state and batch, then what it captured.
  func trace(of state: State, _ batch: Batch) -> Program.Trace {
    traced(state, batch.tensors.map(\.type), batch).trace
  }

  private func trace(_ state: State, _ batch: Batch, _ key: Key) throws -> Entry {
    let types = batch.tensors.map(\.type)
    let parts = try types.map { type throws(ShapeError) in
      try type.part(of: key.device.replicaCount)
    }
    let first = traced(state, parts, batch)
    let second = traced(state, parts, batch)
    if let difference = first.trace.program.firstDifference(to: second.trace.program) {
      fail(
        "a compiled step must do the same whenever it is traced, but two traces differ at \(difference). "
          + "Clocks, counters and Swift's random numbers belong outside; random keys and counts into the state"
      )
    }
    let captured = try Evaluation.values(of: first.trace.captured, on: key.device)
    let stateCount = state.tensors.count
    let isSame = first.stateTensors.count == stateCount
    let roles = ArgumentRoles(
      donated: 0..<stateCount,
      split: Set(types.indices.filter { parts[$0] != types[$0] }.map { stateCount + $0 }))
    let entry = Entry(
      executable: try key.device.executor.compile(first.trace.program, roles), captured: captured,
      result: withoutGraph(first.result),
      resultTypes: first.resultTensors.map(\.type),
      changedState: isSame ? nil : withoutGraph(first.state),
      stateCount: first.stateTensors.count, stateTypes: first.stateTensors.map(\.type))
    entries.withLock { $0[key] = entry }
    return entry
  }

  /// The module without its tensors' graph, as a form to fill.
  private func withoutGraph<M: Module>(_ module: M) -> M { module.mapTensors { _ in Self.nothing } }

  private func checkPlainValues(_ before: [String], _ after: [String]) {
    guard before.count == after.count else { return }
    if let (old, new) = zip(before, after).first(where: { $0 != $1 }) {
      fail(
        "a compiled step changes the plain value \(old) to \(new); it would change only once, when the step is traced. "
          + "Make it a tensor of the state")
    }
  }
}

/// Compiles a step that changes a state and returns a result (losses, metrics, samples).
public func compiled<State: Module, Batch: Module, Result: Module>(
  _ step: @escaping @Sendable (_ state: inout State, _ batch: Batch) -> Result
) -> CompiledStep<State, Batch, Result> {
  CompiledStep(step)
}

/// Compiles a function of a model and an input that changes nothing.
public func compiled<Model: Module, Input: Module, Result: Module>(
  _ function: @escaping @Sendable (_ model: Model, _ input: Input) -> Result
) -> @Sendable (Model, Input) -> Result {
  let step = CompiledStep { (state: inout Nothing, batch: Pair<Model, Input>) in
    function(batch.first, batch.second)
  }
  return { model, input in
    var nothing = Nothing()
    return step(&nothing, Pair(model, input))
  }
}

extension TensorType {
  /// What each of `count` devices gets of a batch's tensor.
  fileprivate func part(of count: Int) throws(ShapeError) -> TensorType {
    guard count > 1, let size = shape.first else { return self }
    guard size % count == 0 else {
      throw ShapeError(
        "a batch of \(size) cannot be split over \(count) devices; take a multiple of \(count)")
    }
    return with([size / count] + shape.dropFirst())
  }
}

/// What stands in a state's place while a step runs.
private let placeholder = Tensor(0)

/// The stored values of a module that are not tensors, in words: what a trace would freeze.
private func plainValues<M: Module>(_ module: M) -> [String] {
  var values: [String] = []
  func walk(_ value: Any, _ path: String) {
    if value is Tensor { return }
    let mirror = Mirror(reflecting: value)
    if mirror.children.isEmpty {
      if mirror.displayStyle == nil || mirror.displayStyle == .enum {
        values.append("\(path) = \(value)")
      }
      return
    }
    for (i, child) in mirror.children.enumerated() {
      walk(child.value, path.isEmpty ? child.label ?? "\(i)" : "\(path).\(child.label ?? "\(i)")")
    }
  }
  walk(module, "")
  return values
}
