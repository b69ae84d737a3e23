import Documents
import Foundation
import Testing
import Tokenizers

@Suite struct TrainingFixturesTests {
  @Test("Training learns what the reference does", arguments: TokenizerFixtures.trainings)
  func training(_ file: TokenizerFixtures.File) throws {
    let golden = try JSONValue(parsing: [UInt8](Data(contentsOf: file.url)))
    let corpus = try Data(
      contentsOf: file.folder.appendingPathComponent(try #require(golden["corpus"]?.string)))
    var trainer = try trainer(golden)
    for line in corpus.split(separator: 0x0A) { trainer.count(bytes: [UInt8](line)) }
    let learnt = try JSONValue(parsing: trainer.train().tokenizerJSON())
    let model = try #require(learnt["model"])
    if golden["exact"]?.bool == true {
      try expectExactly(model, golden)
    } else {
      try expectNearly(model, golden)
    }
  }

  private func trainer(_ golden: JSONValue) throws -> TokenizerTrainer {
    let options = try #require(golden["trainer"])
    func part(_ name: String) -> JSONPart? {
      golden[name].flatMap { $0.isNull ? nil : JSONPart($0, at: name) }
    }
    let unknown = options["unk_token"]?.string
    let special = options["special_tokens"]?.elements?.compactMap {
      $0.string ?? $0["content"]?.string
    }
    return try TokenizerTrainer(
      try method(options), vocabularySize: try #require(options["vocab_size"]?.integer),
      specialTokens: special ?? [], unknownToken: unknown,
      normalizer: try part("normalizer").map { try Normalizer($0) },
      preTokenizer: try part("pre_tokenizer").map { try PreTokenizer($0) })
  }

  private func method(_ options: JSONValue) throws -> TokenizerTrainer.Method {
    var pairs = BytePairSettings()
    pairs.minimumFrequency = options["min_frequency"]?.integer ?? 0
    pairs.alphabet = (options["initial_alphabet"]?.elements ?? []).compactMap {
      $0.string?.unicodeScalars.first
    }
    pairs.alphabetLimit = options["limit_alphabet"]?.integer
    pairs.continuingPrefix = options["continuing_subword_prefix"]?.string ?? ""
    pairs.endSuffix = options["end_of_word_suffix"]?.string ?? ""
    pairs.maximumTokenLength = options["max_token_length"]?.integer
    switch options["type"]?.string {
    case "BpeTrainer": return .bytePairs(pairs)
    case "WordPieceTrainer": return .wordPiece(pairs)
    case "WordLevelTrainer":
      return .words(minimumFrequency: options["min_frequency"]?.integer ?? 0)
    default:
      var settings = UnigramSettings()
      if let length = options["max_piece_length"]?.integer { settings.maximumTokenLength = length }
      if let count = options["n_sub_iterations"]?.integer { settings.estimations = count }
      if case .number(let factor) = options["shrinking_factor"] {
        settings.shrinkingFactor = factor
      }
      return .unigram(settings)
    }
  }

  private func tokens(_ model: JSONValue) -> [ExactText] {
    model["vocab"]?.members?.map { ExactText($0.name) }
      ?? (model["vocab"]?.elements ?? []).map { ExactText($0.elements?.first?.string ?? "") }
  }

  private func expectExactly(_ model: JSONValue, _ golden: JSONValue) throws {
    #expect(tokens(model) == golden["vocab"]?.texts)
    let merges = golden["merges"]?.elements?.map { merge in
      merge.string ?? merge.elements?.compactMap(\.string).joined(separator: " ") ?? ""
    }
    let learnt = model["merges"]?.elements?.map { merge in
      merge.elements?.compactMap(\.string).joined(separator: " ") ?? ""
    }
    #expect(learnt?.map { ExactText($0) } == merges?.map { ExactText($0) })
  }

  private func expectNearly(_ model: JSONValue, _ golden: JSONValue) throws {
    let learnt = tokens(model)
    #expect(learnt.count == golden["size"]?.integer)
    let always = Set(try #require(golden["always"]?.texts))
    let ever = Set(golden["ever"]?.texts ?? [])
    #expect(always.subtracting(learnt).isEmpty)
    #expect(Set(learnt).subtracting(always).subtracting(ever).isEmpty)
    guard let scores = golden["scores"]?.members else { return }
    var learntScores: [ExactText: Double] = [:]
    for token in model["vocab"]?.elements ?? [] {
      guard let parts = token.elements, let text = parts.first?.string else { continue }
      learntScores[ExactText(text)] = number(parts[1])
    }
    for member in scores {
      let score = learntScores[ExactText(member.name)] ?? .infinity
      #expect(abs(score - (number(member.value) ?? .nan)) < 0.01, "\(member.name)")
    }
  }

  private func number(_ value: JSONValue) -> Double? {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }
}
