import Documents
import Layers
import Tensors
import TestSupport
import Testing

/// PyTorch's `MultiheadAttention` and scaled dot-product attention, with gradients.
@Suite struct AttentionFixturesTests {
  static let fixture = try? Fixture("torch-attention")
  static let cases = (fixture?.config["cases"]?.members ?? []).map(\.name)

  @Test(.enabled(if: fixture != nil)) func thereAreCases() { #expect(!Self.cases.isEmpty) }

  private func layer(_ arguments: JSONValue) throws -> MultiHeadAttention {
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
  private func mask(_ name: String) -> Tensor? {
    let fixture = Self.fixture!
    func seen(_ mask: Tensor) -> Tensor {
      mask.dataType.isFloatingPoint ? mask : mask.cast(to: .float32).equal(to: 0)
    }
    if let padding = fixture["input.\(name).key_padding_mask"] {
      return seen(padding).expanded([1, 2])
    }
    guard let mask = fixture["input.\(name).attn_mask"] else { return nil }
    // One matrix for all, or one for every head of every sequence.
    return mask.rank == 2
      ? seen(mask) : seen(mask).reshaped([3, 3, mask.shape[1], mask.shape[2]])
  }

  @Test(arguments: cases.filter { !$0.hasPrefix("sdpa") })
  func layerAgreesWithPyTorch(_ name: String) throws {
    let fixture = Self.fixture!
    let test = try #require(fixture.config["cases"]?[name])
    let form = try layer(try #require(test["arguments"]))
    let layer = form.replacingTensors(
      try form.leaves.map { leaf in
        let weight = try #require(fixture.weight("\(name).\(leaf.name)"), "\(leaf.name)")
        try #require(weight.shape == leaf.tensor.shape, "\(leaf.name)")
        return weight
      })
    let names = ["query", "key", "value"].filter { fixture["input.\(name).\($0)"] != nil }
    let given = names.map { fixture["input.\(name).\($0)"]! }
    let mask = mask(name)
    let expectedWeights = fixture["output.\(name).weights"]

    func memory(_ layer: MultiHeadAttention, _ inputs: [Tensor]) -> KeyValues? {
      inputs.count > 1
        ? layer.keyValues(of: inputs[1], values: inputs.count > 2 ? inputs[2] : nil) : nil
    }
    func run(_ layer: MultiHeadAttention, _ inputs: [Tensor]) -> Tensor {
      memory(layer, inputs).map { layer(inputs[0], $0, mask: mask) } ?? layer(inputs[0], mask: mask)
    }
    let expected = fixture["output.\(name).output"]!
    #expect(distance(run(layer, given), expected) < 1e-5)
    let slow = layer.withWeights(given[0], memory(layer, given), mask: mask)
    #expect(distance(slow.output, expected) < 1e-5)
    if let expectedWeights {
      let weights = expectedWeights.rank == 3 ? slow.weights.mean([1]) : slow.weights
      #expect(distance(weights, expectedWeights) < 1e-5)
    }

    let probe = fixture["input.\(name).probe.output"]!
    let gradient = valueAndGradient(at: Pair(layer, given)) { pair in
      var sum = (run(pair.first, pair.second) * probe).sum()
      if let probe = fixture["input.\(name).probe.weights"] {
        let weights = pair.first.withWeights(
          pair.second[0], memory(pair.first, pair.second), mask: mask
        ).weights
        sum = sum + ((probe.rank == 3 ? weights.mean([1]) : weights) * probe).sum()
      }
      return sum
    }.gradient
    let slopes =
      zip(names, gradient.second).map { ($0, $1) }
      + gradient.first.leaves.map { ($0.name, $0.tensor) }
    for (leaf, slope) in slopes {
      guard let expected = fixture["train.\(name).grad.\(leaf)"] else { continue }
      #expect(distance(slope, expected) < 1e-4, "gradient by \(leaf)")
    }
    #expect(!fixture.names("train.\(name).grad.").isEmpty)
  }

  @Test(arguments: cases.filter { $0.hasPrefix("sdpa") })
  func dotProductsAgreeWithPyTorch(_ name: String) throws {
    let fixture = Self.fixture!
    let call = try #require(fixture.config["cases"]?[name]?["call"])
    // [batch, heads, length, width] there.
    let given = ["query", "key", "value"].map {
      fixture["input.\(name).\($0)"]!.transposed([0, 2, 1, 3])
    }
    let scale = call["scale"]?.double
    let isCausal = call["is_causal"]?.bool ?? false
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
    let result = fixture.names("output.\(name).").first!
    #expect(distance(run(given), fixture["output.\(name).\(result)"]!) < 1e-5)
    let gradient = valueAndGradient(at: given) {
      (run($0) * fixture["input.\(name).probe.\(result)"]!).sum()
    }.gradient
    for (argument, slope) in zip(["query", "key", "value"], gradient) {
      let expected = fixture["train.\(name).grad.\(argument)"]!
      #expect(distance(slope.transposed([0, 2, 1, 3]), expected) < 1e-4)
    }
  }
}
