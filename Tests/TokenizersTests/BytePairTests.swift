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
}

@Suite struct BytePairTests {
  static let text = """
    The quick brown fox jumps over the lazy dog; the dog doesn't mind. They'll jump again, they've \
    jumped 1234 times, naïve café 数学 and the the the.

    """

  static let tokenizer: BytePairTokenizer = {
    do {
      var trainer = try BytePairTrainer(vocabularySize: 320, specialTokens: ["<|end|>", "<|x|>"])
      trainer.count(text)
      return trainer.train()
    } catch { fatalError("\(error)") }
  }()

  @Test("Text is cut by GPT-2's rule")
  func pieces() {
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
      let bytes = Array(text.utf8)
      let pieces = PieceSplitter().pieces(of: bytes).map {
        String(decoding: bytes[$0], as: UTF8.self)
      }
      #expect(pieces.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(pieces)")
    }
  }

  @Test("Any bytes come back, and pieces cover them")
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
      #expect(PieceSplitter().pieces(of: bytes).flatMap { bytes[$0] } == bytes)
    }
  }

  @Test("Any text comes back, scalar by scalar")
  func randomScalars() {
    var dice = Dice(state: 2)
    for _ in 0..<2000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<dice.roll(30) {
        let limit = [0x80, 0x800, 0x10000, 0x110000][dice.roll(4)]
        if let scalar = UnicodeScalar(UInt32(dice.roll(limit))) { text.append(scalar) }
      }
      let ids = Self.tokenizer.encode(String(text))
      #expect(Array(Self.tokenizer.decode(ids).unicodeScalars) == Array(text))
    }
  }

  /// The rule in its plainest form, for comparison.
  func merged(_ piece: [UInt8], by tokenizer: BytePairTokenizer) -> [Int] {
    var ids = piece.compactMap { tokenizer.model.byteTokens[Int($0)] }
    while true {
      let best = tokenizer.model.merges.first { merge in
        zip(ids, ids.dropFirst()).contains { $0 == merge.left && $1 == merge.right }
      }
      guard let best else { return ids }
      let place = ids.indices.dropLast()
        .first { ids[$0] == best.left && ids[$0 + 1] == best.right }
      guard let place else { return ids }
      ids.replaceSubrange(place...place + 1, with: [best.result])
    }
  }

  @Test("Short and long pieces are merged by rank, then from the left")
  func mergeOrder() {
    var dice = Dice(state: 3)
    for length in [1, 2, 3, 10, 23, 24, 25, 26, 60, 200] {
      for _ in 0..<20 {
        let piece = (0..<length).map { _ in Array("thejumpdog".utf8)[dice.roll(10)] }
        #expect(Self.tokenizer.encode(bytes: piece) == merged(piece, by: Self.tokenizer))
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
    let plain = tokenizer.encode(bytes: text, findingAddedTokens: false)
    #expect(!plain.contains(1))
    #expect(tokenizer.decodeBytes(plain) == text)
    #expect(tokenizer.decodeBytes([1] + plain, skippingSpecialTokens: true) == text)
    #expect(tokenizer.id(ofAddedToken: "<|x|>") == 1)
    #expect(tokenizer.id(ofAddedToken: "<|y|>") == nil)
  }

  @Test("Ids outside the vocabulary are no text, broken characters are U+FFFD")
  func decoding() {
    #expect(Self.tokenizer.decode([-1, Self.tokenizer.vocabularySize, .max, .min]) == "")
    #expect(ByteTokenizer().decode([0x61, 0xC3, 0x62, 300, -1]) == "a\u{FFFD}b")
    #expect(ByteTokenizer().vocabularySize == 256)
  }

  @Test("Training is the same whatever the order of the text, and stops when pairs are rare")
  func training() throws {
    var trainers = try (0..<2).map { _ in try BytePairTrainer(vocabularySize: 1000) }
    let parts = ["abab abab", " cd cd", "xyz"]
    for part in parts { trainers[0].count(part) }
    for part in parts.reversed() { trainers[1].count(part) }
    let learnt = trainers.map { $0.train() }
    #expect(learnt[0].tokens == learnt[1].tokens)
    // ab is seen four times; then cd, " c" and abab twice, of which cd has the smallest ids; then
    // " cd" and abab, of which the space has a smaller id than ab.
    let new = learnt[0].tokens.dropFirst(257).map { String(decoding: $0, as: UTF8.self) }
    #expect(new == ["ab", "cd", " cd", "abab"])
  }

  @Test("A vocabulary without room, or with a special token twice, is an error")
  func settings() {
    #expect(throws: TokenizerError.self) { try BytePairTrainer(vocabularySize: 256) }
    #expect(throws: TokenizerError.self) {
      try BytePairTrainer(vocabularySize: 300, specialTokens: ["a", "a"])
    }
  }
}
