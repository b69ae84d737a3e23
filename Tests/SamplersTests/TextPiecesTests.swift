import Samplers
import Testing

@Suite struct TextPiecesTests {
  private func pieces(_ text: String, stops: [String] = [], size: Int = 1) -> [String] {
    let bytes = Array(text.utf8)
    let parts = stride(from: 0, to: bytes.count, by: size).map {
      Array(bytes[$0..<min($0 + size, bytes.count)])
    }
    var pieces = TextPieces(stops: stops) { $0.flatMap { parts[$0] } }
    return parts.indices.map { pieces.append($0) } + [pieces.finish()]
  }

  @Test func `Pieces are whole characters and together the text`() {
    for size in 1...3 {
      let all = pieces("aé\u{4E2D}🙂 z", size: size)
      #expect(all.joined() == "aé\u{4E2D}🙂 z")
      #expect(!all.contains { $0.contains("\u{FFFD}") })
    }
    #expect(pieces("é") == ["", "é", ""])
  }

  @Test func `Nothing of a stop string comes out, and nothing behind it`() {
    #expect(pieces("one\n\ntwo", stops: ["\n\n"]).joined() == "one")
    #expect(pieces("one\n two", stops: ["\n\n"]).joined() == "one\n two")
    #expect(pieces("abcabd!", stops: ["abd", "zz"]).joined() == "abc")
    #expect(pieces("abab", stops: ["abc"]).joined() == "abab")
    #expect(pieces("ab", stops: ["abc"]) == ["", "", "ab"])
    #expect(pieces("xSTOPy", stops: ["STOP"], size: 6).joined() == "x")
  }

  @Test func `A text is stopped by what is behind its prompt`() {
    let stops = StopStrings(["bc"]) { $0.map { UInt8($0) } }
    let text = Array("abcab".utf8).map { Int($0) }
    #expect(!stops(TokenHistory(text, promptLength: 3)))
    #expect(stops(TokenHistory(text, promptLength: 0)))
  }

  @Test func `A tokenizer that drops a leading space keeps those between words`() {
    let words = [" the", " cat", " sat"]
    var pieces = TextPieces { Array($0.map { words[$0] }.joined().utf8.dropFirst()) }
    #expect((words.indices.map { pieces.append($0) } + [pieces.finish()]).joined() == "the cat sat")
  }
}
