import Layers
import Tensors
import TestSupport
import Testing

@Suite struct RecurrentTests {
  private let key = RandomKey(seed: 3)

  /// An LSTM whose gates i and f have the given biases and see nothing, so that c' = f c + i tanh(x).
  private func gated(input: Double, forget: Double) -> LSTMCell {
    let biases = [input, forget, 0, 20]
    return LSTMCell(
      weights: RecurrentWeights(
        input: Tensor([0, 0, 1, 0] as [Double], shape: [4, 1]), hidden: .zeros([4, 1], .float64),
        inputBias: Tensor(biases)))
  }

  @Test("With open gates an LSTM's memory is a running sum; with a shut forget gate it has none")
  func runningSum() {
    let x = key.normal([2, 9, 1], .float64)
    let sum = LSTM(cells: [gated(input: 40, forget: 40)])(x).state[0].cell!
    #expect(distance(sum, x.tanh().sum([1])) < 1e-12)
    let last = LSTM(cells: [gated(input: 40, forget: -40)])(x).state[0].cell!
    #expect(distance(last, x.element(1, -1).tanh()) < 1e-12)
  }

  @Test("A GRU whose update gate is 1 copies its state")
  func copies() {
    var cell = GRUCell(inputs: 3, width: 4, key: key)
    cell.weights.inputBias = concatenate([.zeros([4]), .fill(200, [4]), .zeros([4])])
    let start = RecurrentState(hidden: key.fork(1).normal([2, 4]))
    let end = GRU(cells: [cell])(key.fork(2).normal([2, 50, 3]), state: [start]).state[0]
    #expect(end.hidden.floats() == start.hidden.floats())
  }

  @Test("What stands beyond a row's length changes nothing, in either direction")
  func padding() {
    let network = LSTM(inputs: 3, width: 5, layers: 2, isBidirectional: true, key: key)
    let lengths = Tensor([4, 2, 6] as [Int32])
    let x = key.fork(1).normal([3, 6, 3])
    let isPadding = Tensor.indices([3, 6, 1], axis: 1)
      .greaterOrEqual(to: lengths.reshaped([3, 1, 1]))
    let other = select(isPadding, x * 7 + 3, x)
    let (a, b) = (network(x, lengths: lengths), network(other, lengths: lengths))
    #expect(a.outputs.floats() == b.outputs.floats())
    for (one, two) in zip(a.state.tensors, b.state.tensors) {
      #expect(one.floats() == two.floats())
    }
    // A row alone, cut to its length, gives the same.
    let alone = network(x.sliced(0, 1..<2).sliced(1, 0..<2))
    #expect(distance(a.outputs.sliced(0, 1..<2).sliced(1, 0..<2), alone.outputs) < 1e-6)
    #expect(distance(a.state[1].hidden.sliced(0, 1..<2), alone.state[1].hidden) < 1e-6)
  }

  @Test("Step by step, in chunks and time-major a network gives what it gives at once")
  func steps() {
    let network = GRU(inputs: 3, width: 5, layers: 2, key: key)
    let x = key.fork(1).normal([2, 6, 3])
    let whole = network(x)
    var state = network.start(batch: 2)
    let single = (0..<6).map { network.step(x.element(1, $0), &state) }
    #expect(distance(stack(single, axis: 1), whole.outputs) < 1e-6)
    let first = network(x.sliced(1, 0..<2))
    let second = network(x.sliced(1, 2..<6), state: first.state)
    #expect(
      distance(concatenate([first.outputs, second.outputs], axis: 1), whole.outputs) < 1e-6)
    #expect(distance(second.state[1].hidden, whole.state[1].hidden) < 1e-6)
    let timeMajor = network(x.swapped(0, 1), isTimeMajor: true).outputs
    #expect(distance(timeMajor.swapped(0, 1), whole.outputs) < 1e-6)
  }

  @Test("Gradients are those of central differences")
  func differences() {
    let x = key.fork(1).normal([2, 3, 2])
    let lengths = Tensor([3, 2] as [Int32])
    checkGradient(of: RNN(inputs: 2, width: 3, key: key), at: x) { $0($1).outputs }
    checkGradient(
      of: LSTM(inputs: 2, width: 3, layers: 2, cellOutputs: 2, isBidirectional: true, key: key),
      at: x
    ) { $0($1, lengths: lengths).outputs }
    checkGradient(of: GRU(inputs: 2, width: 3, isBidirectional: true, key: key), at: x) {
      $0($1, lengths: lengths).outputs
    }
  }

  @Test("Every tensor is named once; plain values belong to a compiled step's key")
  func names() {
    let lstm = LSTM(
      inputs: 2, width: 3, layers: 2, cellOutputs: 2, isBidirectional: true, key: key)
    #expect(forgottenTensors(in: lstm) == [])
    #expect(lstm.leaves.map(\.name).contains("weight_hr_l1_reverse"))
    let plain = RNN(inputs: 2, width: 3, key: key)
    let relu = RNN(inputs: 2, width: 3, activation: .relu, key: key)
    #expect(structure(of: plain) != structure(of: relu))
  }
}
