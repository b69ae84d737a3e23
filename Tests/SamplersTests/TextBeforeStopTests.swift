import Samplers
import Testing

@Suite struct TextBeforeStopTests {
  private func pieces(_ text: String, _ stops: [String], size: Int = 1) -> [String] {
    var (rest, before) = (Substring(text), TextBeforeStop(stops))
    var pieces: [String] = []
    while !rest.isEmpty {
      pieces.append(before.append(String(rest.prefix(size))))
      rest = rest.dropFirst(size)
    }
    return pieces + [before.finish()]
  }

  @Test func `Nothing of a stop string comes out, and nothing behind it`() {
    #expect(pieces("one\n\ntwo", ["\n\n"]).joined() == "one")
    #expect(pieces("one\n two", ["\n\n"]).joined() == "one\n two")
    #expect(pieces("abcabd!", ["abd", "zz"]).joined() == "abc")
    #expect(pieces("xSTOPy", ["STOP"], size: 6).joined() == "x")
    #expect(pieces("b, a", ["a", "b"], size: 4).joined() == "")
  }

  @Test func `Only what may be the beginning of a stop string waits`() {
    #expect(pieces("ab", ["abc"]) == ["", "", "ab"])
    #expect(pieces("abab", ["abc"]) == ["", "", "ab", "", "ab"])
    #expect(pieces("é\u{4E2D}è", ["éa"]) == ["", "é\u{4E2D}", "è", ""])
    #expect(pieces("ab", []) == ["a", "b", ""])
    #expect(pieces("ab", [""]) == ["a", "b", ""])
  }

  @Test func `A text says whether it was stopped`() {
    var text = TextBeforeStop(["bc"])
    _ = text.append("ab")
    #expect(!text.isStopped)
    _ = text.append("c")
    #expect(text.isStopped)
    #expect(text.append("d") + text.finish() == "")
  }
}
