import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's RNN, LSTM and GRU: outputs, last states and all gradients, of whole and of packed sequences.
@Suite struct RecurrentFixturesTests {
  static let cases = Fixture.cases(["RNN", "LSTM", "GRU"])
  /// Every case in every way that its fixture uses it.
  static let uses = cases.flatMap { example in ["full", "packed"].map { Use(example, $0) } }
    .filter { !$0.run.inputs.isEmpty }

  struct Use: Sendable, CustomTestStringConvertible {
    let example: Fixture.Case
    let run: Fixture.Case
    let isPacked: Bool
    var testDescription: String { run.description }

    init(_ example: Fixture.Case, _ use: String) {
      self.example = example
      run = example.used(use)
      isPacked = use == "packed"
    }
  }

  @Test(.enabled(if: Fixture.areOwn)) func thereAreCases() { #expect(Self.uses.count >= 40) }

  @Test(arguments: uses) func agreesWithPyTorch(_ use: Use) throws {
    let example = use.example
    let key = RandomKey(seed: 1)
    let inputs = try #require(example.integer("input_size"))
    let width = try #require(example.integer("hidden_size"))
    let layers = example.integer("num_layers") ?? 1
    let isBidirectional = example.isTrue("bidirectional") ?? false
    let hasBias = example.isTrue("bias") ?? true
    switch example.operation {
    case "RNN":
      let activation = try #require(Activation(example.string("nonlinearity") ?? "tanh"))
      try check(
        RNN(
          inputs: inputs, width: width, layers: layers, activation: activation, hasBias: hasBias,
          isBidirectional: isBidirectional, key: key), use)
    case "LSTM":
      let projection = example.integer("proj_size") ?? 0
      try check(
        LSTM(
          inputs: inputs, width: width, layers: layers,
          cellOutputs: projection == 0 ? nil : projection, hasBias: hasBias,
          isBidirectional: isBidirectional, key: key), use)
    default:
      try check(
        GRU(
          inputs: inputs, width: width, layers: layers, hasBias: hasBias,
          isBidirectional: isBidirectional, key: key), use)
    }
  }

  private func check<Cell>(_ form: Recurrent<Cell>, _ use: Use) throws {
    let test = use.run
    let isTimeMajor = use.example.isTrue("batch_first") != true
    let model = try use.example.weights(into: form)
    let names = ["x", "h0", "c0"].filter { test.inputs.contains($0) }
    let given = try names.map { try test.input($0) }
    let lengths = use.isPacked ? try test.fixture.tensor("input.lengths") : nil
    let results = names.contains("c0") ? ["output", "h", "c"] : ["output", "h"]

    func run(_ model: Recurrent<Cell>, _ inputs: [Tensor]) -> [Tensor] {
      let state =
        inputs.count == 1
        ? nil
        : model.cells.indices.map { i in
          RecurrentState(
            hidden: inputs[1].element(0, i),
            cell: inputs.count > 2 ? inputs[2].element(0, i) : nil)
        }
      let (y, end) = model(
        inputs[0], state: state, lengths: lengths, isTimeMajor: isTimeMajor)
      return [y, stack(end.map(\.hidden))] + (inputs.count > 2 ? [stack(end.map { $0.cell! })] : [])
    }
    for (name, value) in zip(results, run(model, given)) {
      let error = try distance(value, test.output(name))
      #expect(error < 1e-5, "\(name) is \(error) away")
    }
    let probes = try results.map { try test.probe($0) }
    let gradient = valueAndGradient(at: Pair(model, given)) { pair in
      zip(probes, run(pair.first, pair.second)).map { ($0 * $1).sum() }.reduce(Tensor(0)) {
        $0 + $1
      }
    }.gradient
    let slopes = Dictionary(
      uniqueKeysWithValues: zip(names, gradient.second).map { ($0, $1) }
        + gradient.first.leaves.map { ($0.name, $0.tensor) })
    #expect(!test.gradients.isEmpty)
    for name in test.gradients {
      let slope = try #require(slopes[name], "no gradient by \(name)")
      let error = try distance(slope, #require(test.gradient(name)))
      #expect(error < 1e-4, "gradient by \(name) is \(error) away")
    }
  }
}
