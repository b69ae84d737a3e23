import Documents
import Foundation
import Samplers
import Tensors
import TestSupport
import Testing

/// Drawn tokens against the probabilities that they must have.
@Suite struct TokenSamplingTests {
  @Test(arguments: GenerationFixtures.rows("sampling"))
  func `Tokens are drawn as often as their probabilities say`(_ row: GenerationFixtures.Row) throws
  {
    var settings = try row["settings"].settings()
    settings.doSample = true
    settings.maxNewTokens = 40
    settings.numReturnSequences = 500
    let (logits, probabilities) = (row["logits"].floats, row["probabilities"].floats)
    let generator = TokenGenerator(TableModel(logits.map { _ in logits }))
    let texts = try generator([[0]], settings, key: RandomKey(seed: 7))
    var counts = logits.map { _ in 0 }
    for text in texts { for token in text.tokens { counts[token] += 1 } }
    #expect(counts.reduce(0, +) == 20_000)
    for (count, p) in zip(counts, probabilities) where p == 0 { #expect(count == 0) }
    let limit = try #require(row["chi_square_critical_1e-6"].double)
    #expect(chiSquare(counts, probabilities.map { Double($0) }).value < limit)
  }

  private static func table(_ scale: Float) -> [[Float]] {
    (0..<9).map { (i: Int) -> [Float] in
      (0..<9).map { (j: Int) -> Float in Float((i * 7 + j * 4) % 9) * scale }
    }
  }

  @Test func `A key decides the text, whatever is generated beside it`() throws {
    let rows = Self.table(0.2)
    let generator = TokenGenerator(TableModel(rows))
    var settings = GenerationSettings(temperature: 1)
    settings.maxNewTokens = 30
    func texts(_ prompts: [[Int]], seed: UInt64) throws -> [[Int]] {
      try generator(prompts, settings, key: RandomKey(seed: seed)).map(\.tokens)
    }
    let alone = try texts([[1]], seed: 3)
    #expect(try texts([[1]], seed: 3) == alone)
    #expect(try texts([[1], [5, 2]], seed: 3)[0] == alone[0])
    #expect(try texts([[1]], seed: 4) != alone)
  }

  @Test func `Drawn beams differ and a key decides them`() throws {
    let rows = Self.table(0.1)
    let generator = TokenGenerator(TableModel(rows))
    var settings = GenerationSettings(temperature: 1)
    settings.maxNewTokens = 10
    settings.numBeams = 3
    settings.numReturnSequences = 3
    let one = try generator([[1]], settings, key: RandomKey(seed: 1))
    #expect(one == (try generator([[1]], settings, key: RandomKey(seed: 1))))
    #expect(one != (try generator([[1]], settings, key: RandomKey(seed: 2))))
    #expect(Set(one.map(\.tokens)).count == 3)
  }

  @Test func `A large vocabulary is cut where a sort would cut it`() throws {
    let logits = (RandomKey(seed: 5).normal([50_000]) * 4).floats()
    let order = logits.indices.sorted { logits[$0] > logits[$1] }
    let text = TokenHistory([0])
    func kept(_ rule: any LogitsProcessor) -> Set<Int> {
      var row = logits
      rule(&row, text)
      return Set(row.indices.filter { row[$0] > -.infinity })
    }
    for k in [1, 2, 50, 777, 49_999] { #expect(kept(TopK(k)) == Set(order.prefix(k))) }
    let exponentials = order.map { exp(Double(logits[$0] - logits[order[0]])) }
    let sum = exponentials.reduce(0, +)
    for p in [0.1, 0.5, 0.9, 0.999] {
      var (gathered, count) = (0.0, 0)
      while gathered < p * sum {
        gathered += exponentials[count]
        count += 1
      }
      #expect(kept(TopP(p)) == Set(order.prefix(count)))
    }
  }

  @Test func `Bad settings and prompts are refused by name`() {
    let generator = TokenGenerator(TableModel([[0, 1], [1, 0]]))
    func expectError(_ part: String, _ change: (inout GenerationSettings) -> Void) {
      var settings = GenerationSettings()
      change(&settings)
      let error = #expect(throws: GenerationError.self) { _ = try generator([[0]], settings) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(part))
    }
    expectError("top_p") { $0.topP = 1.5 }
    expectError("temperature") { $0.temperature = -1 }
    expectError("num_beam_groups") { ($0.numBeams, $0.numBeamGroups) = (4, 3) }
    expectError("num_return_sequences") { $0.numReturnSequences = 2 }
    expectError("max_length") { $0.maxLength = 0 }
    #expect(throws: GenerationError.prompt(index: 0, problem: "is missing")) {
      _ = try generator([])
    }
    #expect(throws: GenerationError.self) { _ = try generator([[0], []]) }
    #expect(throws: GenerationError.self) { _ = try generator([[-1]]) }
  }

  @Test func `Settings are written and read under their published names`() throws {
    let text = """
      {"max_new_tokens": 5, "eos_token_id": [1, 2], "early_stopping": "never", "top_k": null,
      "sequence_bias": [[[3, 4], -1.5]], "forced_eos_token_id": 2, "transformers_version": "5"}
      """
    let settings = try JSONDecoder().decode(GenerationSettings.self, from: Data(text.utf8))
    #expect(settings.maxNewTokens == 5 && settings.eosTokenId == [1, 2] && settings.topK == 0)
    #expect(settings.earlyStopping == .never && settings.forcedEosTokenId == [2])
    #expect(settings.sequenceBias == [.init([3, 4], -1.5)])
    let again = try JSONDecoder().decode(
      GenerationSettings.self, from: JSONEncoder().encode(settings))
    #expect(again == settings)
  }

  @Test func `A stream gives the same tokens asynchronously`() async throws {
    let generator = TokenGenerator(TableModel([[0, 2, 1], [1, 0, 3], [2, 1, 0]]))
    var settings = GenerationSettings(temperature: 1)
    settings.maxNewTokens = 20
    var tokens: [[Int?]] = []
    for await next in try generator.stream([[0], [1]], settings).async { tokens.append(next) }
    #expect(tokens == Array(try generator.stream([[0], [1]], settings)))
    #expect(tokens.count == 20)
  }
}
