import Testing
import Tokenizers

@Suite struct RegexTests {
  /// What a regular expression matches, joined with bars.
  func matches(_ source: String, _ text: String) throws -> String {
    let escaped = source.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let splitter = try PreTokenizer(
      json:
        #"{"type":"Split","behavior":"Removed","invert":true,"pattern":{"Regex":"\#(escaped)"}}"#
    )
    return splitter.pieces(of: text).joined(separator: "|")
  }

  @Test(
    "Matches are those of the reference's engine",
    arguments: [
      (#"a+"#, "aab a", "aa|a"), (#"a+?"#, "aab", "a|a"), (#"(a|ab)(c|bcd)"#, "abcd", "abcd"),
      (#"(?i)ÀB"#, "àb Àb", "àb|Àb"), (#"(?i:k)x"#, "Kx \u{212A}x KX", "Kx|\u{212A}x"),
      (#"\d{2,3}"#, "1 12 123 1234 12345", "12|123|123|123|45"), (#"x{2}y"#, "xxy xy", "xxy"),
      (#"a++a"#, "aaa", ""), (#"(?>a+)b"#, "aab", "aab"), (#"a(?=b)"#, "ab ac", "a"),
      (#"a(?!b)\w"#, "ab ac", "ac"), (#"(?<=\$)\d+"#, "$12 13", "12"),
      (#"(?<!\$)\b\d+"#, "$12 13", "13"), (#"(?<=ab|c)x"#, "abx cx bx", "x|x"),
      (#"[^\s\d]+"#, "ab1 c", "ab|c"), (#"[a-c&&[^b]]+"#, "abcc", "a|cc"),
      (#"[\p{Lu}\p{N}]+"#, "aB1c", "B1"), (#"\P{L}+"#, "ab12", "12"), (#"\p{^L}+"#, "ab12", "12"),
      (#"\p{Han}+"#, "ab数学", "数学"), (#"[[:alpha:]]+"#, "ab1", "ab"), (#"[]a]+"#, "]a", "]a"),
      (#"^\w"#, "ab\ncd", "a|c"), (#"\w$"#, "ab\ncd", "b|d"), (#"\A\w"#, "ab\ncd", "a"),
      (#"\x41\u0042\x{43}"#, "ABC", "ABC"), (#"a.c"#, "a\nc abc", "abc"),
      (#"(?m)a.c"#, "a\nc", "a\nc"),
      (#"(?x) a b # c"#, "ab", "ab"), (#"(a*)*b"#, "aaab", "aaab"), (#"(?:a?){3}b"#, "aab", "aab"),
      (#"{,2"#, "{,2", "{,2"), (#"\h+"#, "ffg", "ff"), (#"(?<name>a)b"#, "ab", "ab"),
    ])
  func matching(source: String, text: String, expected: String) throws {
    #expect(try matches(source, text) == expected)
  }

  @Test(
    "Broken expressions are errors",
    arguments: [
      "(", ")", "[", "[a", "([", "*a", "a{3,2}", #"\"#, #"\p{Nope}"#, #"\p"#, #"(a)\1"#, "[z-a]",
      "(?<=a+)b", "(?y)", "a{2000}", #"\x{110000}"#, "((a{900}){900}){900}", #"\u12"#,
    ])
  func broken(source: String) {
    #expect(throws: TokenizerError.self) { try matches(source, "a") }
  }

  @Test(
    "Expressions that lead others astray end soon",
    arguments: [#"(a+)+$"#, #"(a|a)*b"#, #"(a*)*c"#, #"(\w+\s?)+$"#, #"(.*)*x"#, #"a*a*a*a*b"#])
  func catastrophic(source: String) throws {
    let text = String(repeating: "a", count: 3000) + "!"
    let time = try ContinuousClock().measure { _ = try matches(source, text) }
    #expect(time < .seconds(20))
  }
}
