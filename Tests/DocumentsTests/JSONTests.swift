import Documents
import Testing

@Suite struct JSONTests {
  @Test(
    "A document that is read and written again is the same text",
    arguments: [
      "null", "true", "[false,0,-1,9223372036854775807,1.5,-2.5e+30]", "{}", "[]",
      #"{"b":1,"a":{"b":[{}]},"b":2}"#, #""\"\\\b\f\n\r\t\u0001\u001f /é😀""#,
    ])
  func roundTrip(text: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(String(decoding: value.encoded(), as: UTF8.self) == text)
    let again = try JSONValue(parsing: value.encoded(indented: true))
    #expect(again.encoded() == value.encoded())
  }

  @Test("Escapes stand for scalars, surrogate pairs for one")
  func escapes() throws {
    let value = try JSONValue(parsing: Array(#" "a\n\u00e9\uD83D\uDE00\/" "#.utf8))
    #expect(value.string.map { Array($0.unicodeScalars) } == Array("a\né😀/".unicodeScalars))
  }

  @Test("Numbers that are no Int stay numbers")
  func numbers() throws {
    #expect(try JSONValue(parsing: Array("18446744073709551616".utf8)).integer == nil)
    #expect(try JSONValue(parsing: Array("1.0".utf8)).integer == nil)
    #expect(try JSONValue(parsing: Array("-9223372036854775808".utf8)).integer == .min)
  }

  @Test("Python's numbers that JSON lacks are read where asked for, and spelt so alone")
  func pythonNumbers() throws {
    func read(_ text: String) throws -> JSONValue {
      try JSONValue(parsing: Array(text.utf8), takesPythonNumbers: true)
    }
    let value = try read(#"{"a":-Infinity,"b":[Infinity,NaN,-1]}"#)
    guard case .number(let low) = value["a"], case .number(let high) = value["b"]?.elements?[0],
      case .number(let none) = value["b"]?.elements?[1]
    else {
      Issue.record("no numbers: \(value)")
      return
    }
    #expect(low == -.infinity && high == .infinity && none.isNaN)
    #expect(value["b"]?.elements?[2].integer == -1)
    for text in ["-NaN", "Inf", "+Infinity", "nan", "--Infinity", "-Infinit", "I", "N"] {
      #expect(throws: JSONError.self, "\(text)") { try read(text) }
    }
    for text in ["-Infinity", "Infinity", "NaN"] {
      #expect(throws: JSONError.self, "\(text)") { try JSONValue(parsing: Array(text.utf8)) }
    }
  }

  @Test("Canonically equivalent names are different names")
  func exactNames() throws {
    let text = "{\"e\u{301}\":1,\"\u{E9}\":2,\"x\":3}"
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(value["\u{E9}"]?.integer == 2)
    #expect(value["e\u{301}"]?.integer == 1)
    #expect(value.repeatedName == nil)
    #expect(try JSONValue(parsing: Array(#"{"a":1,"b":2,"a":3}"#.utf8)).repeatedName == "a")
    #expect(ExactText("\u{E9}") != ExactText("e\u{301}"))
  }

  @Test(
    "What is not JSON is refused with its place",
    arguments: [
      ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("01", 1), ("1.", 2), ("1e", 2), ("-", 1),
      ("NaN", 0), ("tru", 3), ("\"a", 2), ("\"\n\"", 1), (#""\x""#, 3), (#""\u12"#, 5),
      (#""\ud800""#, 7), (#""\ud800A""#, 7), (#""\udc00""#, 7), ("1 2", 2),
      ("{\"a\":1 \"b\":2}", 7),
      ("[1", 2), ("'a'", 0), ("{a:1}", 1),
    ])
  func refusals(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(error?.offset == offset, "\(String(describing: error))")
  }

  @Test("Bytes that are not UTF-8 and endless nesting are refused")
  func hostile() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    for open in ["[", "{\"a\":"] {
      let text = String(repeating: open, count: 100_000)
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }
  }

  @Test("No bytes at all trap")
  func fuzz() {
    var state: UInt64 = 1
    let alphabet = Array("{}[]\",:\\u0dD8tfn1e.- \n".utf8)
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      if let value = try? JSONValue(parsing: bytes) {
        #expect((try? JSONValue(parsing: value.encoded())) != nil)
      }
    }
  }
}
