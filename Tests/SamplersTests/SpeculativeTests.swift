import Documents
import Foundation
import Samplers
import Tensors
import TestSupport
import Testing

@Suite struct SpeculativeTests {
  @Test(arguments: GenerationFixtures.rows("speculative"))
  func `Proposed tokens are accepted as the reference does`(_ row: GenerationFixtures.Row) throws {
    let draft = row["draft_logits"].floatRows.map(Self.softmax)
    let target = row["target_logits"].floatRows.map(Self.softmax)
    let choice = SpeculativeChoice(
      row["draft_tokens"].ints, draft: draft, target: target,
      uniform: row["uniform"].floats.map { Double($0) })
    #expect(choice.accepted == row["accepted"].integer)
    #expect(areNear(choice.next, row["next_token_probabilities"].floats))
    let total = zip(draft, target).map { q, p in zip(q, p).reduce(0) { $0 + min($1.0, $1.1) } }
    #expect(areNear(total, row["acceptance_probability"].floats))
  }

  private static func softmax(_ logits: [Float]) -> [Float] {
    Tensor(logits).softmax().floats()
  }

  /// Rows of a table that differ, and those of another model that differ from them.
  private static func table(_ shift: Float) -> [[Float]] {
    (0..<6).map { (i: Int) -> [Float] in
      (0..<6).map { (j: Int) -> Float in
        sin(Float(i * 5 + j * 3)) * 1.2 + shift * cos(Float(i * 2 + j * 7))
      }
    }
  }

  @Test(arguments: [0, 0.3, 1.5] as [Float])
  func `Pairs of tokens are as likely as without a draft`(shift: Float) throws {
    let (target, draft) = (Self.table(0), Self.table(shift))
    var settings = GenerationSettings(temperature: 0.9)
    settings.topP = 0.95
    settings.maxNewTokens = 20_000
    settings.numAssistantTokens = 3
    var stream = try TokenGenerator(TableModel(target)).stream(
      [0], draft: TokenGenerator(TableModel(draft)), settings, key: RandomKey(seed: 11))
    while stream.next() != nil {}
    let tokens = stream.text.tokens
    #expect(tokens.count == 20_001)
    #expect(shift > 0 || stream.accepted == stream.proposed)
    for row in 0..<6 {
      var (counts, logits) = ([Int](repeating: 0, count: 6), target[row])
      for (a, b) in zip(tokens, tokens.dropFirst()) where a == row { counts[b] += 1 }
      for rule in [Temperature(0.9), TopP(0.95)] as [any LogitsProcessor] {
        rule(&logits, TokenHistory([row]))
      }
      let probabilities = Self.softmax(logits).map { Double($0) }
      for (count, p) in zip(counts, probabilities) where p == 0 { #expect(count == 0) }
      let (value, cells) = chiSquare(counts, probabilities)
      #expect(value < chiSquareLimit(cells: cells))
    }
  }

  @Test func `Greedy texts are the same with a draft`() throws {
    let generator = TokenGenerator(TableModel(Self.table(0)))
    var settings = GenerationSettings()
    settings.maxNewTokens = 40
    settings.noRepeatNgramSize = 3
    settings.eosTokenId = [5]
    var stream = try generator.stream(
      [0, 1], draft: TokenGenerator(TableModel(Self.table(0.7))), settings)
    while stream.next() != nil {}
    let alone = try generator([[0, 1]], settings)
    #expect(Array(stream.text.continuation) == alone[0].tokens)
  }
}
