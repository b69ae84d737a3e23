import Documents
import Foundation
import Samplers
import TestSupport
import Testing

/// Greedy and beam search in a language model that is one table.
@Suite struct SearchFixturesTests {
  @Test(arguments: GenerationFixtures.rows("search"))
  func `A search finds the texts and scores of the reference`(_ row: GenerationFixtures.Row) throws
  {
    let generator = TokenGenerator(TableModel(row["table"].floatRows))
    let prompts = row["prompts"].intRows
    for example in row["cases"].elements ?? [] {
      let settings = try #require(example["settings"]).settings()
      let sequences = example["sequences"]?.intRows ?? []
      let transitions = example["transition_scores"]?.floatRows ?? []
      let name = String(decoding: (example["settings"] ?? .null).encoded(), as: UTF8.self)
      guard settings.numBeams > 1 else {
        try expectGreedy(generator, prompts, settings, sequences, transitions, name)
        continue
      }
      let found = try generator(prompts, settings)
      #expect(found.count == sequences.count)
      let scores = example["sequences_scores"]?.floats ?? []
      for (i, text) in found.enumerated() {
        let whole = prompts[text.prompt] + text.tokens
        let missing = max(0, sequences[i].count - whole.count)
        let logProbabilities =
          (text.logProbabilities ?? []) + [Float](repeating: 0, count: missing)
        #expect(isNear(Float(text.score ?? .nan), scores[i]), "\(name)")
        // Texts of the same steps in another order are equally probable: which comes first is left to rounding.
        if areNear(logProbabilities.sorted(), transitions[i].sorted()), whole != sequences[i] {
          continue
        }
        #expect(whole + [Int](repeating: 11, count: missing) == sequences[i], "\(name)")
        #expect(areNear(logProbabilities, transitions[i]), "\(name)")
      }
    }
  }

  private func expectGreedy(
    _ generator: TokenGenerator<TableModel>, _ prompts: [[Int]],
    _ settings: GenerationSettings, _ sequences: [[Int]], _ transitions: [[Float]], _ name: String
  ) throws {
    var stream = try generator.stream(prompts, settings)
    var scores = prompts.map { _ in [Float]() }
    while stream.next() != nil {
      for (i, row) in stream.scores.enumerated() {
        let sum = log(row.reduce(0) { $0 + exp(Double($1)) })
        scores[i].append(row[stream.texts[i].tokens.last ?? 0] - Float(sum))
      }
    }
    #expect(stream.texts.map(\.tokens) == sequences, "\(name)")
    for (own, expected) in zip(scores, transitions) { #expect(areNear(own, expected), "\(name)") }
  }

  @Test(arguments: GenerationFixtures.rows("search"))
  func `A wide beam finds the best of all texts`(_ row: GenerationFixtures.Row) throws {
    let exhaustive = row["exhaustive"]
    let generator = TokenGenerator(TableModel(row["table"].floatRows))
    var settings = try exhaustive.settings()
    settings.earlyStopping = .never
    settings.numBeams = 1500
    settings.numReturnSequences = 3
    let found = try generator(row["prompts"].intRows, settings)
    for (prompt, best) in (exhaustive["best"]?.elements ?? []).enumerated() {
      let own = found.filter { $0.prompt == prompt }
      #expect(own.map(\.tokens) == best.elements?.compactMap { $0["new_tokens"]?.ints })
      let scores = best.elements?.compactMap { $0["score"]?.float } ?? []
      #expect(areNear(own.map { Float($0.score ?? .nan) }, scores))
    }
  }

  @Test func `Groups of beams begin differently`() throws {
    let rows: [[Float]] = (0..<8).map { (i: Int) -> [Float] in
      (0..<8).map { (j: Int) -> Float in Float((j * 5 + i * 3) % 8) * 0.3 }
    }
    let generator = TokenGenerator(TableModel(rows))
    var settings = GenerationSettings()
    settings.numBeams = 4
    settings.numBeamGroups = 4
    settings.diversityPenalty = 100
    settings.numReturnSequences = 4
    settings.maxNewTokens = 5
    let found = try generator([[0, 1]], settings)
    #expect(Set(found.compactMap { $0.tokens.first }).count == 4)
    let scores: [Double] = found.compactMap { $0.score }
    #expect(scores == scores.sorted(by: >))
  }
}
