import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's `nn.Transformer`, with norms before and after the branches: outputs and all gradients.
@Suite struct TransformerFixturesTests {
  static let fixture = try? Fixture("torch-transformer")
  static let cases = (fixture?.config["cases"]?.members ?? []).map(\.name)

  @Test(.enabled(if: fixture != nil)) func thereAreCases() { #expect(!Self.cases.isEmpty) }

  @Test(arguments: cases) func agreesWithPyTorch(_ name: String) throws {
    let fixture = Self.fixture!
    let arguments = try #require(fixture.config["cases"]?[name]?["arguments"])
    func integer(_ name: String) throws -> Int { try #require(arguments[name]?.integer) }
    let form = Transformer(
      width: try integer("d_model"), heads: try integer("nhead"),
      encoderLayers: try integer("num_encoder_layers"),
      decoderLayers: try integer("num_decoder_layers"), inner: try integer("dim_feedforward"),
      activation: try #require(Activation(arguments["activation"]?.string ?? "relu")),
      isNormFirst: arguments["norm_first"]?.bool ?? false,
      epsilon: arguments["layer_norm_eps"]?.double ?? 1e-5, key: RandomKey(seed: 1))
    let model = form.replacingTensors(
      try form.leaves.map { leaf in
        let weight = try #require(fixture.weight("\(name).\(leaf.name)"), "\(leaf.name)")
        try #require(weight.shape == leaf.tensor.shape)
        return weight
      })
    let given = ["source", "target"].map { fixture["input.\(name).\($0)"]! }
    let mask = fixture["input.source_padding"]!.cast(to: .float32).equal(to: 0).expanded([1, 2])
    func run(_ model: Transformer, _ inputs: [Tensor]) -> [Tensor] {
      let memory = model.encoder(inputs[0], mask: mask)
      return [memory, model.decoder(inputs[1], memory: memory, memoryMask: mask)]
    }
    let results = ["memory", "output"]
    for (result, value) in zip(results, run(model, given)) {
      #expect(distance(value, fixture["output.\(name).\(result)"]!) < 5e-5, "\(result)")
    }
    let gradient = valueAndGradient(at: Pair(model, given)) { pair in
      zip(results, run(pair.first, pair.second)).map {
        ($1 * fixture["input.\(name).probe.\($0)"]!).sum()
      }.reduce(Tensor(0)) { $0 + $1 }
    }.gradient
    let slopes =
      zip(["source", "target"], gradient.second).map { ($0, $1) }
      + gradient.first.leaves.map { ($0.name, $0.tensor) }
    for (leaf, slope) in slopes {
      let expected = try #require(fixture["train.\(name).grad.\(leaf)"])
      #expect(distance(slope, expected) < 1e-4, "gradient by \(leaf)")
    }
    #expect(slopes.count == fixture.names("train.\(name).grad.").count)
  }
}
