import Documents
import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct TokenizerFixturesTests {
  @Test("There is something of every kind to check", .enabled(if: Fixture.areOwn))
  func present() {
    let kinds = [
      TokenizerFixtures.models, TokenizerFixtures.cases, TokenizerFixtures.decodings,
      TokenizerFixtures.parts, TokenizerFixtures.settings, TokenizerFixtures.trainings,
    ]
    #expect(kinds.allSatisfy { !$0.isEmpty })
    #expect(!TokenizerFixtures.hostile.isEmpty)
  }

  @Test("Texts have the reference's ids, tokens and offsets", arguments: TokenizerFixtures.cases)
  func cases(_ file: TokenizerFixtures.File) throws {
    let tokenizer = try file.tokenizer()
    for row in try file.rows() {
      let text = try #require(row["text"]?.string)
      let pair = row["pair"]?.string
      let addsTokens = row["add_special_tokens"]?.bool ?? true
      let encoding = try tokenizer.encoding(
        of: text, pair: pair, addingSpecialTokens: addsTokens)
      expect(encoding, row, "\(text.debugDescription) \(pair?.debugDescription ?? "")")
      if pair == nil, tokenizer.truncation == nil, tokenizer.padding == nil {
        let ids = tokenizer.encode(
          bytes: Array(text.utf8), addingSpecialTokens: addsTokens)
        #expect(ids == row["ids"]?.integers, "\(text.debugDescription)")
      }
      expectDecoding(tokenizer, row)
    }
  }

  private func expect(_ encoding: Encoding, _ row: JSONValue, _ comment: Comment) {
    #expect(encoding.ids == row["ids"]?.integers, comment)
    #expect(encoding.tokens.map { ExactText($0) } == row["tokens"]?.texts, comment)
    #expect(encoding.offsets.flatMap { [$0.start, $0.end] } == row["offsets"]?.integers, comment)
    let zeros = [Int](repeating: 0, count: encoding.count)
    let ones = [Int](repeating: 1, count: encoding.count)
    #expect(encoding.typeIDs == row["type_ids"]?.integers ?? zeros, comment)
    #expect(
      encoding.attentionMask.map { $0 ? 1 : 0 } == row["attention_mask"]?.integers ?? ones, comment)
    if let mask = row["special_tokens_mask"]?.integers {
      #expect(encoding.specialTokensMask.map { $0 ? 1 : 0 } == mask, comment)
    }
  }

  private func expectDecoding(_ tokenizer: TokenizerPipeline, _ row: JSONValue) {
    let ids = row["ids"]?.integers ?? []
    for (name, skips) in [("decoded", false), ("decoded_skip", true)] {
      guard let decoded = row[name]?.string else { continue }
      let text = tokenizer.decode(ids, skippingSpecialTokens: skips)
      #expect(ExactText(text) == ExactText(decoded), "\(name) \(ids)")
    }
  }

  @Test(
    "Any ids give the reference's text, at once and one by one",
    arguments: TokenizerFixtures.decodings)
  func decoding(_ file: TokenizerFixtures.File) throws {
    let tokenizer = try file.tokenizer()
    for row in try file.rows() {
      expectDecoding(tokenizer, row)
      let ids = row["ids"]?.integers ?? []
      var stream = DecodingStream(tokenizer)
      let texts = ids.map { stream.next($0) }
      guard let expected = row["stream"]?.elements else { continue }
      #expect(
        texts.map { $0.map { ExactText($0) } }
          == expected.map { $0.string.map { ExactText($0) } }, "\(ids)")
      let whole = texts.compactMap(\.self).joined() + stream.finish()
      // A decoder may read broken bytes anew when more come; what was given out cannot be taken back.
      guard let decoded = row["decoded_skip"]?.string, !decoded.contains("\u{FFFD}") else {
        continue
      }
      #expect(ExactText(whole) == ExactText(decoded), "\(ids)")
    }
  }

  @Test(
    "Normalizers and pre-tokenizers do alone what the reference's do",
    arguments: TokenizerFixtures.parts)
  func parts(_ file: TokenizerFixtures.File) throws {
    for row in try file.rows() {
      let config = try #require(row["config"])
      let name = row["name"]?.string ?? ""
      for example in row["cases"]?.elements ?? [] {
        let text = try #require(example.elements?.first?.string)
        let expected = try #require(example.elements?.last)
        if let normalized = expected.string {
          let normalizer = try Normalizer(JSONPart(config, at: name))
          #expect(
            ExactText(normalizer.normalize(text)) == ExactText(normalized),
            "\(name) \(text.debugDescription)")
        } else {
          let preTokenizer = try PreTokenizer(JSONPart(config, at: name))
          let pieces = preTokenizer.piecesWithOffsets(of: text)
          let wanted = expected.elements ?? []
          #expect(
            pieces.map { ExactText($0.text) }
              == wanted.map { ExactText($0.elements?[0].string ?? "") },
            "\(name) \(text.debugDescription)")
          #expect(
            pieces.flatMap { [$0.span.start, $0.span.end] }
              == wanted.flatMap { $0.elements?.compactMap(\.integer) ?? [] },
            "\(name) \(text.debugDescription)")
        }
      }
    }
  }

  @Test("Truncation and padding are the reference's", arguments: TokenizerFixtures.settings)
  func settings(_ file: TokenizerFixtures.File) throws {
    for row in try file.rows() {
      var tokenizer = try TokenizerFixtures.tokenizer(
        try #require(row["tokenizer"]?.string), in: file.folder)
      tokenizer.truncation = row["truncation"].flatMap(truncation)
      tokenizer.padding = row["padding"].flatMap(padding)
      let batch = (row["batch"]?.elements ?? []).map { entry in
        let texts = entry.elements?.compactMap(\.string) ?? []
        return (text: texts[0], pair: texts.count > 1 ? texts[1] : nil)
      }
      guard let expected = row["expected"]?.elements else {
        #expect(throws: TokenizerError.self) {
          try tokenizer.encodings(of: batch, keepingOverflow: true)
        }
        continue
      }
      let encodings = try tokenizer.encodings(of: batch, keepingOverflow: true)
      #expect(encodings.count == expected.count)
      for (encoding, golden) in zip(encodings, expected) {
        let comment = Comment(rawValue: "\(row["truncation"] ?? .null) \(batch)")
        expect(encoding, golden, comment)
        #expect(encoding.overflow.count == golden["overflow_count"]?.integer, comment)
        #expect(
          encoding.overflow.prefix(4).map(\.ids)
            == golden["overflow_ids"]?.elements?.compactMap(\.integers), comment)
      }
    }
  }

  private func truncation(_ value: JSONValue) -> Truncation? {
    guard let length = value["max_length"]?.integer else { return nil }
    let strategies: [String: Truncation.Strategy] = [
      "longest_first": .longestFirst, "only_first": .onlyFirst, "only_second": .onlySecond,
    ]
    return Truncation(
      maximumLength: length, stride: value["stride"]?.integer ?? 0,
      strategy: value["strategy"]?.string.flatMap { strategies[$0] } ?? .longestFirst,
      direction: value["direction"]?.string == "left" ? .left : .right)
  }

  private func padding(_ value: JSONValue) -> Padding? {
    guard value["direction"] != nil else { return nil }
    return Padding(
      length: value["length"]?.integer.map { .fixed($0) } ?? .longest,
      direction: value["direction"]?.string == "left" ? .left : .right,
      multiple: value["pad_to_multiple_of"]?.integer, id: value["pad_id"]?.integer ?? 0,
      typeID: value["pad_type_id"]?.integer ?? 0, token: value["pad_token"]?.string ?? "[PAD]")
  }

  @Test("What is written is read as the same tokenizer", arguments: TokenizerFixtures.models)
  func roundTrip(_ file: TokenizerFixtures.File) throws {
    let tokenizer = try file.tokenizer()
    let json = tokenizer.tokenizerJSON()
    let again = try TokenizerPipeline(tokenizerJSON: json)
    #expect(again.tokenizerJSON() == json)
    let text = " The quick brown fox's 12 jumps, naïve café <|endoftext|> [MASK] 数学 \n"
    #expect(try again.encoding(of: text) == tokenizer.encoding(of: text))
    #expect(again.vocabularySize == tokenizer.vocabularySize)
  }

  @Test(
    "A hostile tokenizer.json is refused, or read and used in bounded time",
    arguments: TokenizerFixtures.hostile)
  func hostile(_ url: URL) throws {
    do throws(TokenizerError) {
      let tokenizer = try TokenizerPipeline(contentsOf: url)
      #expect(url.lastPathComponent == "tokenizer-regex-backtrack.json")
      let text = String(repeating: "a", count: 10_000) + "b"
      let time = ContinuousClock().measure { _ = tokenizer.encode(text) }
      #expect(time < .seconds(20))
    } catch {
      #expect(url.lastPathComponent != "tokenizer-regex-backtrack.json")
      #expect(error.description.count > 40, "\(error)")
    }
  }
}
