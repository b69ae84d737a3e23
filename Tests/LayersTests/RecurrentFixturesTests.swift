import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's RNN, LSTM and GRU: outputs, last states and all gradients, of whole and of packed sequences.
@Suite struct RecurrentFixturesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let operation: String
    let arguments: JSONValue
    let isPacked: Bool
    var testDescription: String { name + (isPacked ? ".packed" : ".full") }
    var fullName: String { testDescription }

    func integer(_ name: String) -> Int? { arguments[name]?.integer }
  }

  static let fixture = try? Fixture("torch-rnn")
  static let cases: [Case] = (fixture?.config["cases"]?.members ?? []).flatMap { member in
    [false, true].map {
      Case(
        name: member.name, operation: member.value["operation"]?.string ?? "",
        arguments: member.value["arguments"] ?? .object([]), isPacked: $0)
    }
  }

  @Test(.enabled(if: fixture != nil)) func thereAreCases() { #expect(!Self.cases.isEmpty) }

  @Test(arguments: cases) func agreesWithPyTorch(_ test: Case) throws {
    let key = RandomKey(seed: 1)
    let inputs = try #require(test.integer("input_size"))
    let width = try #require(test.integer("hidden_size"))
    let layers = try #require(test.integer("num_layers"))
    let isBidirectional = test.arguments["bidirectional"]?.bool ?? false
    switch test.operation {
    case "RNN":
      let activation = try #require(Activation(test.arguments["nonlinearity"]?.string ?? "tanh"))
      try check(
        RNN(
          inputs: inputs, width: width, layers: layers, activation: activation,
          isBidirectional: isBidirectional, key: key), test)
    case "LSTM":
      try check(
        LSTM(
          inputs: inputs, width: width, layers: layers, cellOutputs: test.integer("proj_size"),
          isBidirectional: isBidirectional, key: key), test)
    case "GRU":
      try check(
        GRU(
          inputs: inputs, width: width, layers: layers, isBidirectional: isBidirectional, key: key),
        test)
    default: Issue.record("unknown operation \(test.operation)")
    }
  }

  private func check<Cell>(_ network: Recurrent<Cell>, _ test: Case) throws {
    let fixture = Self.fixture!
    let model = network.replacingTensors(
      try network.leaves.map { leaf in
        let weight = try #require(fixture.weight("\(test.name).\(leaf.name)"), "\(leaf.name)")
        try #require(weight.shape == leaf.tensor.shape)
        return weight
      })
    let names = ["x", "h0", "c0"].filter { fixture["input.\(test.fullName).\($0)"] != nil }
    let given = names.map { fixture["input.\(test.fullName).\($0)"]! }
    let lengths = test.isPacked ? fixture["input.lengths"] : nil
    let results = ["output", "h", "c"].filter { fixture["output.\(test.fullName).\($0)"] != nil }

    func run(_ model: Recurrent<Cell>, _ inputs: [Tensor]) -> [Tensor] {
      let state = model.cells.indices.map { i in
        RecurrentState(
          hidden: inputs[1].element(0, i), cell: inputs.count > 2 ? inputs[2].element(0, i) : nil)
      }
      let (y, end) = model(inputs[0], state: state, lengths: lengths)
      let last = [stack(end.map(\.hidden))]
      return [y] + last + (inputs.count > 2 ? [stack(end.map { $0.cell! })] : [])
    }
    for (name, value) in zip(results, run(model, given)) {
      let error = distance(value, fixture["output.\(test.fullName).\(name)"]!)
      #expect(error < 1e-5, "\(name) is \(error) away")
    }
    let gradient = valueAndGradient(at: Pair(model, given)) { pair in
      zip(results, run(pair.first, pair.second)).map { name, value in
        (value * fixture["input.\(test.fullName).probe.\(name)"]!).sum()
      }.reduce(Tensor(0)) { $0 + $1 }
    }.gradient
    let slopes =
      zip(names, gradient.second).map { ($0, $1) }
      + gradient.first.leaves.map { ($0.name, $0.tensor) }
    for (name, slope) in slopes {
      let expected = fixture["train.\(test.fullName).grad.\(name)"]
      guard let expected else { continue }
      let error = distance(slope, expected)
      #expect(error < 1e-4, "gradient by \(name) is \(error) away")
    }
    #expect(!fixture.names("train.\(test.fullName).grad.").isEmpty)
  }
}
