internal import Synchronization

/// A compiled program with memory of its own: what an evaluation or a compiled step runs.
package final class CPUExecutable: Executable {
  private let state: Mutex<State>
  private let resultTypes: [TensorType]

  fileprivate struct State {
    let program: CPUProgram
    let arena: Storage
    /// Memory that arguments left behind, for the results of the next run.
    var spare: [Int: [Storage]] = [:]
  }

  package init(_ program: Program) {
    let compiled = CPUProgram(program)
    resultTypes = program.outputs.map { program.types[$0] }
    state = Mutex(State(program: compiled, arena: Storage(byteCount: compiled.arenaByteCount)))
  }

  /// Computes the results.
  ///
  /// An argument that nobody but `arguments` holds is written over where the plan allows it, or its memory serves the next
  /// run; the array is empty afterwards. Whoever wants to keep a value simply keeps a reference: then the result gets
  /// memory of its own.
  package func run(_ arguments: inout [Storage]) -> [Storage] {
    state.withLock { state in state.run(&arguments) }
  }

  /// Bytes of intermediate values.
  package var arenaByteCount: Int { state.withLock { $0.arena.byteCount } }
}

extension CPUExecutable.State {
  fileprivate mutating func run(_ arguments: inout [Storage]) -> [Storage] {
    var isFree = arguments.indices.map {
      isKnownUniquelyReferenced(&arguments[$0]) && arguments[$0].isWritable
    }
    var news: [Storage] = []
    for (number, byteCount) in program.newResults.enumerated() {
      if let mate = program.donations[number], isFree[mate] {
        isFree[mate] = false
        news.append(arguments[mate])
      } else {
        news.append(spare[byteCount]?.popLast() ?? Storage(byteCount: byteCount))
      }
    }
    var argumentPointers = unsafe arguments.map { unsafe Optional($0.pointer) }
    var newPointers = unsafe news.map { unsafe Optional($0.pointer) }
    if unsafe argumentPointers.isEmpty { unsafe argumentPointers.append(nil) }
    if unsafe newPointers.isEmpty { unsafe newPointers.append(nil) }
    unsafe program.run(&argumentPointers, &newPointers, arena.pointer)

    let results = program.results.map { result in
      switch result {
      case .argument(let i): arguments[i]
      case .new(let i): news[i]
      }
    }
    spare = [:]
    let passedOn = Set(program.results)
    for i in arguments.indices where isFree[i] && !passedOn.contains(.argument(i)) {
      spare[arguments[i].byteCount, default: []].append(arguments[i])
    }
    arguments = []
    return results
  }
}
