import Documents
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

/// GPT-2 with the weights and names of published files: states, cache, gradients and training.
@Suite struct GPTFixturesTests {
  static let fixtures = Fixture.all {
    $0.config["model_type"]?.string == "gpt2" && $0.config["n_layer"] != nil
  }
  static let whole = fixtures.filter { $0["train.loss"] != nil }

  @Test(.enabled(if: Fixture.areOwn)) func thereAreFixtures() { #expect(!Self.whole.isEmpty) }

  private func prefix(_ fixture: Fixture) -> String {
    fixture.weight("wte.weight") == nil ? "transformer." : ""
  }

  private func model(_ fixture: Fixture) throws -> GPT {
    func integer(_ name: String) throws -> Int { try #require(fixture.config[name]?.integer) }
    #expect(fixture.config["activation_function"]?.string ?? "gelu_new" == "gelu_new")
    let configuration = try GPTConfiguration(
      vocabulary: integer("vocab_size"), context: integer("n_positions"),
      width: integer("n_embd"), layers: integer("n_layer"), heads: integer("n_head"),
      inner: fixture.config["n_inner"]?.integer,
      epsilon: fixture.config["layer_norm_epsilon"]?.double ?? 1e-5)
    return try fixture.weights(
      into: GPT(configuration, key: RandomKey(seed: 1)), prefix: prefix(fixture))
  }

  @Test(arguments: fixtures) func statesAndLogitsAreTheReferences(_ fixture: Fixture) throws {
    let model = try model(fixture)
    let ids = try fixture.tensor("input.input_ids")
    for (i, state) in model.hiddenStates(ids).enumerated() {
      if let expected = fixture["output.hidden_states.\(i)"] {
        #expect(distance(state, expected) < 5e-5, "state \(i)")
      } else if let first = fixture["output.hidden_states.\(i).first4096"] {
        #expect(distance(state.flattened().sliced(0, 0..<first.count), first) < 2e-4, "state \(i)")
      }
    }
    let logits = model(ids)
    if let expected = fixture["output.logits"] {
      #expect(distance(logits, expected) < 5e-5)
    } else {
      let last = try fixture.tensor("output.logits.last")
      #expect(distance(logits.element(1, -1).sliced(1, 0..<last.shape[1]), last) < 2e-4)
      #expect(try distance(logits.logSumExp(), fixture.tensor("output.logits.logsumexp")) < 2e-5)
      #expect(
        try logits.argmax().integers() == fixture.tensor("output.logits.argmax").integers())
    }
  }

  @Test(arguments: whole) func gradientsAndTrainingAreTheReferences(_ fixture: Fixture) throws {
    let ids = try fixture.tensor("input.input_ids")
    try expectTraining(of: model(fixture), fixture, prefix: prefix(fixture)) { model in
      NextToken.loss(ids) { model($0) }
    }
  }

  @Test(arguments: whole) func cachesHoldTheReferencesKeysAndValues(_ fixture: Fixture) throws {
    let model = try model(fixture)
    let ids = try fixture.tensor("input.input_ids")
    var caches = model.caches(batch: ids.shape[0], capacity: ids.shape[1])
    let logits = model(ids, caches: &caches)
    #expect(try distance(logits, fixture.tensor("output.logits")) < 5e-5)
    for (part, entries) in [
      ("key", caches[0].entries.keys), ("value", caches[0].entries.values),
    ] {
      guard let expected = fixture["output.past_key_values.0.\(part)"] else { continue }
      #expect(distance(entries.transposed([0, 2, 1, 3]), expected) < 5e-5, "\(part)")
    }
  }
}
