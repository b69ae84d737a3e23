import Documents
import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct TokenizerFixturesTests {
  @Test("There are byte-level tokenizers and trainings to check", .enabled(if: Fixture.areOwn))
  func present() {
    #expect(!TokenizerFixtures.models.isEmpty)
    #expect(!TokenizerFixtures.trainings.isEmpty)
  }

  @Test("Texts have the reference's ids and come back", arguments: TokenizerFixtures.models)
  func cases(_ model: TokenizerFixtures.Model) throws {
    var checked = 0
    for row in try model.rows("cases") where row["pair"] == nil {
      let text = try #require(row["text"]?.string)
      let ids = (row["ids"]?.elements ?? []).compactMap(\.integer)
      #expect(model.tokenizer.encode(text) == ids, "\(text.debugDescription)")
      try checkDecoding(model.tokenizer, ids, row)
      checked += 1
    }
    #expect(checked > 0)
  }

  @Test("Any ids give the reference's text", arguments: TokenizerFixtures.models)
  func decoding(_ model: TokenizerFixtures.Model) throws {
    for row in try model.rows("decode") {
      let ids = (row["ids"]?.elements ?? []).compactMap(\.integer)
      try checkDecoding(model.tokenizer, ids, row)
    }
  }

  private func checkDecoding(
    _ tokenizer: BytePairTokenizer, _ ids: [Int], _ row: JSONValue
  ) throws {
    if let decoded = row["decoded"]?.string {
      #expect(tokenizer.decode(ids).isExactly(decoded), "\(ids)")
    }
    if let decoded = row["decoded_skip"]?.string {
      let bytes = tokenizer.decodeBytes(ids, skippingSpecialTokens: true)
      #expect(String(decoding: bytes, as: UTF8.self).isExactly(decoded), "\(ids)")
    }
  }

  @Test("Training learns the reference's tokens and merges", arguments: TokenizerFixtures.trainings)
  func training(_ training: TokenizerFixtures.Training) throws {
    let golden = training.golden
    let trainer = try #require(golden["trainer"])
    let name = try #require(golden["corpus"]?.string)
    let size = try #require(trainer["vocab_size"]?.integer)
    let corpus = try Data(contentsOf: training.folder.appendingPathComponent(name))
    var learner = try BytePairTrainer(
      vocabularySize: size,
      specialTokens: trainer["special_tokens"]?.elements?.compactMap(\.string) ?? [],
      minimumFrequency: trainer["min_frequency"]?.integer ?? 0)
    for line in corpus.split(separator: 0x0A) { learner.count(bytes: [UInt8](line)) }
    let document = try JSONValue(parsing: learner.train().tokenizerJSON())
    let vocabulary = document["model"]?["vocab"]?.members?.map { ExactText($0.name) }
    #expect(
      vocabulary == golden["vocab"]?.elements?.compactMap { $0.string.map { ExactText($0) } })
    let merges = golden["merges"]?.elements?.map { merge in
      merge.string ?? merge.elements?.compactMap(\.string).joined(separator: " ") ?? ""
    }
    #expect(document["model"]?["merges"]?.elements?.map(\.string) == merges)
  }

  @Test("What is written is read as the same tokenizer", arguments: TokenizerFixtures.models)
  func roundTrip(_ model: TokenizerFixtures.Model) throws {
    let again = try BytePairTokenizer(tokenizerJSON: model.tokenizer.tokenizerJSON())
    #expect(again.tokens == model.tokenizer.tokens)
    #expect(again.model.merges == model.tokenizer.model.merges)
    #expect(again.model.byteTokens == model.tokenizer.model.byteTokens)
    #expect(again.addedTokens == model.tokenizer.addedTokens)
  }

  @Test("A hostile tokenizer.json is refused")
  func hostile() throws {
    var checked = 0
    for folder in Fixture.places {
      let hostile = folder.appendingPathComponent("hostile")
      let names = (try? FileManager.default.contentsOfDirectory(atPath: hostile.path)) ?? []
      for name in names where name.hasPrefix("tokenizer-") && name.hasSuffix(".json") {
        #expect(throws: TokenizerError.self, "\(name)") {
          try BytePairTokenizer(contentsOf: hostile.appendingPathComponent(name))
        }
        checked += 1
      }
    }
    if Fixture.areOwn { #expect(checked > 0) }
  }
}
