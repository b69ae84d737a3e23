import Foundation
import Testing
import Tokenizers

/// Numbers that are the same on every run.
struct Dice {
  var state: UInt64

  mutating func roll(_ sides: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(sides))
  }

  /// A text of any scalars, often from ASCII.
  mutating func text(_ count: Int) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<roll(count) {
      let limit = [0x80, 0x80, 0x800, 0x10000, 0x110000][roll(5)]
      if let scalar = UnicodeScalar(UInt32(roll(limit))) { text.append(scalar) }
    }
    return String(text)
  }
}

@Suite struct ByteLevelTests {
  static let text = """
    The quick brown fox jumps over the lazy dog; the dog doesn't mind. They'll jump again, they've \
    jumped 1234 times, naïve café 数学 and the the the.

    """

  static let tokenizer: TokenizerPipeline = {
    do {
      var trainer = try TokenizerTrainer.byteLevel(
        vocabularySize: 320, specialTokens: ["<|end|>", "<|x|>"])
      trainer.count(text)
      return try trainer.train()
    } catch { fatalError("\(error)") }
  }()

  @Test("A stream gives whole characters, at its end U+FFFD for an unfinished one, and begins anew")
  func stream() {
    let ids = Self.tokenizer.encode("x 学")
    var stream = DecodingStream(Self.tokenizer)
    #expect(ids.count == 5)
    #expect(ids.map { stream.next($0) } == ["x", " ", nil, nil, "学"])
    #expect(stream.finish() == "")
    #expect(ids.dropLast().map { stream.next($0) } == ["x", " ", nil, nil])
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish() == "")
    #expect(stream.next(ids[0]) == "x")
  }

  @Test("Text is cut by GPT-2's rule")
  func pieces() throws {
    let splitter = try PreTokenizer(
      json: #"{"type":"Split","behavior":"Isolated","pattern":{"Regex":"\#(Self.rule)"}}"#)
    let cases: [(String, [String])] = [
      ("", []),
      ("Hello world", ["Hello", " world"]),
      ("it's we'll I'LL 're", ["it", "'s", " we", "'ll", " I", "'", "LL", " '", "re"]),
      ("don't", ["don", "'t"]), ("'ve'm'd", ["'ve", "'m", "'d"]), ("'", ["'"]), ("'r", ["'", "r"]),
      ("a  b", ["a", " ", " b"]), ("a   ", ["a", "   "]), (" \n a", [" \n", " a"]),
      ("a\nb", ["a", "\n", "b"]), ("a\n\nb", ["a", "\n", "\n", "b"]),
      ("x1²Ⅷ", ["x", "1²Ⅷ"]), ("!!? ok", ["!!?", " ok"]), ("!'s", ["!'", "s"]),
      ("数学 é", ["数学", " é"]), ("e\u{301}x", ["e", "\u{301}", "x"]),
      ("a\u{A0}b", ["a", "\u{A0}", "b"]), ("\u{85}\u{2028}z", ["\u{85}", "\u{2028}", "z"]),
      (" 12 ab .", [" 12", " ab", " ."]),
    ]
    for (text, expected) in cases {
      let pieces = splitter.pieces(of: text)
      #expect(pieces.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(pieces)")
    }
  }

  static let rule =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"#
  static let llama =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "#
    + #"?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#

  @Test("Rules written by hand find what the general matcher does", arguments: [rule, llama])
  func scanners(rule: String) throws {
    func splitter(_ rule: String) throws -> PreTokenizer {
      try PreTokenizer(
        json: #"{"type":"Split","behavior":"Isolated","pattern":{"Regex":"\#(rule)"}}"#)
    }
    let scanner = try splitter(rule)
    // The same, but not known as published.
    let general = try splitter("(?:\(rule))")
    var dice = Dice(state: 7)
    let letters = [
      "'", "s", "S", "ſ", "l", "L", " ", " ", "\n", "\r", "1", "é", "!", "\u{A0}", "数",
    ]
    for _ in 0..<4000 {
      let text = (0..<dice.roll(14)).map { _ in letters[dice.roll(letters.count)] }.joined()
      #expect(scanner.pieces(of: text) == general.pieces(of: text), "\(text.debugDescription)")
    }
  }

  @Test("Any bytes come back")
  func randomBytes() {
    var dice = Dice(state: 1)
    for round in 0..<3000 {
      let bytes = (0..<dice.roll(60)).map { _ in
        // Half the rounds with bytes that often begin characters or end too early.
        UInt8(
          round % 2 == 0
            ? dice.roll(256) : [0x20, 0x27, 0x73, 0xC3, 0xA9, 0xF0, 0x9F][dice.roll(7)])
      }
      #expect(Self.tokenizer.decodeBytes(Self.tokenizer.encode(bytes: bytes)) == bytes)
      #expect(ByteTokenizer().decodeBytes(ByteTokenizer().encode(bytes: bytes)) == bytes)
    }
  }

  @Test("Any text comes back, scalar by scalar, and tokens stand for all of it")
  func randomScalars() throws {
    var dice = Dice(state: 2)
    for _ in 0..<2000 {
      let text = dice.text(30)
      let ids = Self.tokenizer.encode(text)
      #expect(Array(Self.tokenizer.decode(ids).unicodeScalars) == Array(text.unicodeScalars))
      let encoding = try Self.tokenizer.encoding(of: text)
      #expect(encoding.ids == ids)
      let count = text.unicodeScalars.count
      #expect(encoding.offsets.first?.start ?? 0 == 0)
      #expect(encoding.offsets.last?.end ?? 0 == count)
    }
  }

  @Test("Long pieces are merged as short ones are, by rank, then from the left")
  func mergeOrder() throws {
    // One piece of any length, and its parts in the vocabulary of letters alone.
    let json = #"""
      {"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":false},
      "model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"ab":3,"bc":4,"aa":5,"abc":6,"aab":7},
      "merges":["b c","a a","a b","aa b","a bc"]}}
      """#
    let tokenizer = try TokenizerPipeline(tokenizerJSON: Array(json.utf8))
    let merges = [
      ([1], [2], 4), ([0], [0], 5), ([0], [1], 3), ([5], [1], 7), ([0], [4], 6),
    ].map { ($0.0[0], $0.1[0], $0.2) }
    func plain(_ text: [UInt8]) -> [Int] {
      var ids = text.map { Int($0) - 97 }
      while true {
        let best = merges.first { merge in
          zip(ids, ids.dropFirst()).contains { $0 == merge.0 && $1 == merge.1 }
        }
        guard let best,
          let place = ids.indices.dropLast().first(where: {
            ids[$0] == best.0 && ids[$0 + 1] == best.1
          })
        else { return ids }
        ids.replaceSubrange(place...place + 1, with: [best.2])
      }
    }
    var dice = Dice(state: 3)
    for length in [1, 2, 3, 10, 31, 32, 33, 60, 200] {
      for _ in 0..<20 {
        let text = (0..<length).map { _ in UInt8(97 + dice.roll(3)) }
        #expect(tokenizer.encode(bytes: text) == plain(text))
      }
    }
  }

  @Test("A piece of a million letters takes no more than moments")
  func longPiece() {
    let bytes = [UInt8](repeating: UInt8(ascii: "e"), count: 1_000_000)
    let time = ContinuousClock().measure {
      let ids = Self.tokenizer.encode(bytes: bytes)
      #expect(Self.tokenizer.decodeBytes(ids) == bytes)
    }
    #expect(time < .seconds(10))
  }

  @Test("Special tokens are found in text, unless they must not be")
  func specialTokens() {
    let tokenizer = Self.tokenizer
    #expect(tokenizer.encode("<|end|>") == [0])
    let expected = tokenizer.encode("the") + [1, 0] + tokenizer.encode("the<|en")
    #expect(tokenizer.encode("the<|x|><|end|>the<|en") == expected)
    let text = Array("a<|x|>".utf8)
    #expect(tokenizer.encode(bytes: text) == [tokenizer.encode("a")[0], 1])
    let plain = tokenizer.encode(
      bytes: text, addingSpecialTokens: true, findingAddedTokens: false)
    #expect(!plain.contains(1))
    #expect(tokenizer.decodeBytes(plain) == text)
    #expect(tokenizer.decodeBytes([1] + plain, skippingSpecialTokens: true) == text)
    #expect(tokenizer.id(of: "<|x|>") == 1)
    #expect(tokenizer.id(of: "<|y|>") == nil)
    #expect(tokenizer.token(of: 0) == "<|end|>")
  }

  @Test("Ids outside the vocabulary are no text, broken characters are U+FFFD")
  func decoding() {
    #expect(Self.tokenizer.decode([-1, Self.tokenizer.vocabularySize, .max, .min]) == "")
    #expect(ByteTokenizer().decode([0x61, 0xC3, 0x62, 300, -1]) == "a\u{FFFD}b")
    #expect(ByteTokenizer().vocabularySize == 256)
  }

  @Test("Training is the same whatever the order of the text, and stops when pairs are rare")
  func training() throws {
    var trainers = try (0..<2).map { _ in try TokenizerTrainer.byteLevel(vocabularySize: 1000) }
    let parts = ["abab abab", " cd cd", "xyz"]
    for part in parts { trainers[0].count(part) }
    for part in parts.reversed() { trainers[1].count(part) }
    let learnt = try trainers.map { try $0.train() }
    #expect(learnt[0].tokenizerJSON() == learnt[1].tokenizerJSON())
    // ab is seen four times; then cd, " c" and abab twice, of which cd has the smallest ids; then
    // " cd" and abab, of which the space has a smaller id than ab.
    let new = (257..<learnt[0].vocabularySize).map { learnt[0].token(of: $0) }
    #expect(new == ["ab", "cd", "Ġcd", "abab"])
  }

  @Test("A vocabulary without room, or with a special token twice, is an error")
  func settings() {
    #expect(throws: TokenizerError.self) { try TokenizerTrainer.byteLevel(vocabularySize: 256) }
    #expect(throws: TokenizerError.self) {
      try TokenizerTrainer.byteLevel(vocabularySize: 300, specialTokens: ["a", "a"])
    }
  }
}
