internal import Synchronization

/// One operation of the graph: a primitive, its operands and, once computed, its values.
///
/// A node never changes what it means. What may change is how much of it is still kept: an evaluation takes the operands
/// away from nodes whose values it has stored, so that a graph never outlives its use.
public final class Node: Sendable {
  package let primitive: any Primitive
  package let outputTypes: [TensorType]
  /// Creation order; operands have smaller numbers, which makes sorting by number a topological order.
  package let number: Int
  private let state: Mutex<State>

  package struct State {
    /// Nil where they were taken away.
    var inputs: [Tensor]?
    var values: [Storage?]
  }

  private static let counter = Atomic<Int>(0)

  /// The number that the next node will have at least.
  package static var nextNumber: Int { counter.load(ordering: .relaxed) }

  package init(_ primitive: any Primitive, _ inputs: [Tensor], types: [TensorType]) {
    self.primitive = primitive
    outputTypes = types
    number = Node.counter.add(1, ordering: .relaxed).newValue
    state = Mutex(State(inputs: inputs, values: []))
  }

  /// A leaf that has its value already.
  package init(value: Storage, type: TensorType) {
    primitive = Constant()
    outputTypes = [type]
    number = Node.counter.add(1, ordering: .relaxed).newValue
    state = Mutex(State(inputs: [], values: [value]))
  }

  package var inputs: [Tensor] { state.withLock { $0.inputs ?? [] } }

  /// Whether it was computed from operands that it no longer has.
  package var isDetached: Bool { state.withLock { $0.inputs == nil } }

  /// The stored value of output `index`, nil where it was never computed or not kept.
  package func value(_ index: Int) -> Storage? {
    state.withLock { $0.values.isEmpty ? nil : $0.values[index] }
  }

  /// Whether the value of some output is stored: such a node is a leaf of every later program.
  package var isComputed: Bool { state.withLock { !$0.values.isEmpty } }

  package func setValues(_ values: [Storage?]) {
    state.withLock { $0.values = values }
  }

  /// Takes the operands away and returns them.
  package func detach() -> [Tensor] {
    state.withLock { state in
      guard let inputs = state.inputs, !inputs.isEmpty else { return [] }
      state.inputs = nil
      return inputs
    }
  }

  /// Frees long chains by iteration: by recursion 50,000 nodes overflow the stack.
  deinit {
    var pending = detach()
    while var last = pending.popLast() {
      if isKnownUniquelyReferenced(&last.node) { pending += last.node.detach() }
    }
  }
}
