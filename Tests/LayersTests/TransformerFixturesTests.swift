import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's `nn.Transformer`, with norms before and after the branches: outputs and all gradients.
@Suite struct TransformerFixturesTests {
  static let cases = Fixture.cases(["Transformer"])

  @Test(.enabled(if: Fixture.areOwn)) func thereAreCases() { #expect(Self.cases.count >= 2) }

  @Test(arguments: cases) func agreesWithPyTorch(_ example: Fixture.Case) throws {
    let form = Transformer(
      width: example.integer("d_model") ?? 512, heads: example.integer("nhead") ?? 8,
      encoderLayers: example.integer("num_encoder_layers") ?? 6,
      decoderLayers: example.integer("num_decoder_layers") ?? 6,
      inner: example.integer("dim_feedforward") ?? 2048,
      activation: try #require(Activation(example.string("activation") ?? "relu")),
      isNormFirst: example.isTrue("norm_first") ?? false,
      epsilon: example.double("layer_norm_eps") ?? 1e-5, key: RandomKey(seed: 1))
    let model = try example.weights(into: form)
    let given = try ["source", "target"].map { try example.input($0) }
    let padding = try example.fixture.tensor("input.source_padding")
    let mask = padding.cast(to: .float32).equal(to: 0).expanded([1, 2])
    func run(_ model: Transformer, _ inputs: [Tensor]) -> [Tensor] {
      let memory = model.encoder(inputs[0], mask: mask)
      return [memory, model.decoder(inputs[1], memory: memory, memoryMask: mask)]
    }
    let results = ["memory", "output"]
    for (result, value) in zip(results, run(model, given)) {
      #expect(try distance(value, example.output(result)) < 5e-5, "\(result)")
    }
    let probes = try results.map { try example.probe($0) }
    let gradient = valueAndGradient(at: Pair(model, given)) { pair in
      zip(probes, run(pair.first, pair.second)).map { ($0 * $1).sum() }.reduce(Tensor(0)) {
        $0 + $1
      }
    }.gradient
    let slopes =
      zip(["source", "target"], gradient.second).map { ($0, $1) }
      + gradient.first.leaves.map { ($0.name, $0.tensor) }
    let noise = example.gradientNoise
    for (leaf, slope) in slopes {
      let expected = try #require(example.gradient(leaf))
      #expect(distance(slope, expected, least: noise) < 1e-4, "gradient by \(leaf)")
    }
    #expect(slopes.count == example.gradients.count)
  }
}
