import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's `MultiheadAttention` and scaled dot-product attention, with gradients.
@Suite struct AttentionFixturesTests {
  static let layers = Fixture.cases(["MultiheadAttention"])
  static let products = Fixture.cases(["scaled_dot_product_attention"])

  @Test(.enabled(if: Fixture.areOwn)) func thereAreCases() {
    #expect(Self.layers.count >= 8 && Self.products.count >= 3)
  }

  private func layer(_ example: Fixture.Case) throws -> MultiHeadAttention {
    let arguments = example.arguments
    let width = try #require(arguments["embed_dim"]?.integer)
    let heads = try #require(arguments["num_heads"]?.integer)
    let (keyWidth, valueWidth) = (arguments["kdim"]?.integer, arguments["vdim"]?.integer)
    let hasBias = arguments["bias"]?.bool ?? true
    var result = MultiHeadAttention(
      width: width, heads: heads, keyWidth: keyWidth, valueWidth: valueWidth, hasBias: hasBias,
      key: RandomKey(seed: 1))
    if result.qkv == nil, hasBias { result.joinBiases() }
    if arguments["add_bias_kv"]?.bool ?? false {
      result.extraKey = .zeros([1, 1, width])
      result.extraValue = .zeros([1, 1, width])
    }
    result.hasZeroKey = arguments["add_zero_attn"]?.bool ?? false
    return result
  }

  /// PyTorch's masks name what is hidden; ours what may be seen.
  private func mask(_ example: Fixture.Case, heads: Int) throws -> Tensor? {
    func seen(_ mask: Tensor) -> Tensor {
      mask.dataType.isFloatingPoint ? mask : mask.cast(to: .float32).equal(to: 0)
    }
    let padding =
      example.inputs.contains("key_padding_mask")
      ? seen(try example.input("key_padding_mask")).expanded([1, 2]) : nil
    guard example.inputs.contains("attn_mask") else { return padding }
    var mask = seen(try example.input("attn_mask"))
    // One matrix for all, or one for every head of every sequence.
    if mask.rank == 3 { mask = mask.reshaped([-1, heads, mask.shape[1], mask.shape[2]]) }
    return padding.map { mask.and($0) } ?? mask
  }

  @Test(arguments: layers) func layerAgreesWithPyTorch(_ example: Fixture.Case) throws {
    let layer = try example.weights(into: layer(example))
    let names = ["query", "key", "value"].filter { example.inputs.contains($0) }
    let given = try names.map { try example.input($0) }
    let mask = try mask(example, heads: layer.heads)
    let expectedWeights = try? example.output("weights")

    func memory(_ layer: MultiHeadAttention, _ inputs: [Tensor]) -> KeyValues? {
      inputs.count > 1
        ? layer.keyValues(of: inputs[1], values: inputs.count > 2 ? inputs[2] : nil) : nil
    }
    func run(_ layer: MultiHeadAttention, _ inputs: [Tensor]) -> Tensor {
      memory(layer, inputs).map { layer(inputs[0], $0, mask: mask) } ?? layer(inputs[0], mask: mask)
    }
    let expected = try example.output("output")
    #expect(distance(run(layer, given), expected) < 1e-5)
    let slow = layer.withWeights(given[0], memory(layer, given), mask: mask)
    #expect(distance(slow.output, expected) < 1e-5)
    if let expectedWeights {
      let weights = expectedWeights.rank == 3 ? slow.weights.mean([1]) : slow.weights
      #expect(distance(weights, expectedWeights) < 1e-5)
    }

    let (probe, probeOfWeights) = (try example.probe("output"), try? example.probe("weights"))
    let gradient = valueAndGradient(at: Pair(layer, given)) { pair in
      var sum = (run(pair.first, pair.second) * probe).sum()
      if let probeOfWeights {
        let weights = pair.first.withWeights(
          pair.second[0], memory(pair.first, pair.second), mask: mask
        ).weights
        sum =
          sum + ((probeOfWeights.rank == 3 ? weights.mean([1]) : weights) * probeOfWeights).sum()
      }
      return sum
    }.gradient
    let slopes = Dictionary(
      uniqueKeysWithValues: zip(names, gradient.second).map { ($0, $1) }
        + gradient.first.leaves.map { ($0.name, $0.tensor) })
    #expect(!example.gradients.isEmpty)
    let noise = example.gradientNoise
    for name in example.gradients {
      let slope = try #require(slopes[name], "no gradient by \(name)")
      let expected = try #require(example.gradient(name))
      #expect(distance(slope, expected, least: noise) < 1e-4, "gradient by \(name)")
    }
  }

  @Test(arguments: products) func dotProductsAgreeWithPyTorch(_ example: Fixture.Case) throws {
    let call = example.config["call"]
    // [batch, heads, length, width] there.
    let given = try ["query", "key", "value"].map {
      try example.input($0).transposed([0, 2, 1, 3])
    }
    let scale = call?["scale"]?.double
    let isCausal = call?["is_causal"]?.bool ?? false
    let (queries, keys) = (given[0].shape[1], given[1].shape[1])
    // PyTorch's first query stands at the first key.
    let mask =
      isCausal
      ? Tensor.indices([queries, keys], axis: 1)
        .lessOrEqual(to: .indices([queries, keys], axis: 0)) : nil
    func run(_ inputs: [Tensor]) -> Tensor {
      Tensors.attention(inputs[0], inputs[1], inputs[2], mask: mask, scale: scale)
        .transposed([0, 2, 1, 3])
    }
    let probe = try example.probe("output")
    #expect(try distance(run(given), example.output("output")) < 1e-5)
    let gradient = valueAndGradient(at: given) { (run($0) * probe).sum() }.gradient
    let noise = example.gradientNoise
    for (argument, slope) in zip(["query", "key", "value"], gradient) {
      let expected = try #require(example.gradient(argument))
      #expect(distance(slope.transposed([0, 2, 1, 3]), expected, least: noise) < 1e-4)
    }
  }
}
