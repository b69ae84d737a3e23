import Foundation
import Testing
import Tokenizers

@Suite struct DescriptionTests {
  /// A small file in order, with a change.
  func file(
    vocab: String = #"{"a":0,"b":1,"ab":2}"#, merges: String = #"["a b"]"#, added: String = "[]",
    model: String = "", parts: String = ""
  ) -> [UInt8] {
    Array(
      """
      {\(parts)"added_tokens":\(added),"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
      "decoder":{"type":"ByteLevel"},"model":{\(model)"vocab":\(vocab),"merges":\(merges)}}
      """.utf8)
  }

  @Test("Both spellings of merges are read", arguments: [#"["a b"]"#, #"[["a","b"]]"#])
  func spellings(merges: String) throws {
    let tokenizer = try TokenizerPipeline(tokenizerJSON: file(merges: merges))
    #expect(tokenizer.encode("abba") == [2, 1, 0])
    #expect(tokenizer.vocabularySize == 3)
    // Bytes without a token are left out.
    #expect(tokenizer.encode("xab") == [2])
  }

  @Test("Added tokens lie in or after the vocabulary, special or not")
  func addedTokens() throws {
    let added = """
      [{"id":5,"content":"<數>","special":true},{"id":3,"content":"b b","special":false}]
      """
    let tokenizer = try TokenizerPipeline(tokenizerJSON: file(added: added))
    #expect(tokenizer.vocabularySize == 6)
    #expect(tokenizer.encode("a<數>b b") == [0, 5, 3])
    #expect(tokenizer.decode([5, 4, 3]) == "<數>b b")
    #expect(tokenizer.decodeBytes([5, 3], skippingSpecialTokens: true) == Array("b b".utf8))
  }

  @Test(
    "What is malformed is refused with its place",
    arguments: [
      (#"{"a":0,"b":0}"#, "[]", "model.vocab"), (#"{"a":0,"a":1}"#, "[]", "twice"),
      (#"{"a":-1}"#, "[]", "byte"), (#"{"a":1.5}"#, "[]", "byte"), (#"{"a":01}"#, "[]", "byte"),
      (#"{"a":4000000000}"#, "[]", "4000000000"), (#"{"a":1099511627776}"#, "[]", "beyond"),
      ("[]", "[]", "byte"), (#"{"a":0,"b":1}"#, #"["a b"]"#, "model.merges[0]"),
      (#"{"a":0,"ab":1}"#, #"["a b"]"#, "model.merges[0]"),
      (#"{"a":0}"#, #"["a"]"#, "two parts"), (#"{"a":0}"#, #"["a a a"]"#, "two parts"),
      (#"{"a":0}"#, #"[["a","a","a"]]"#, "two parts"), (#"{"a":0}"#, "[1]", "two parts"),
      (#"{"a":0}"#, "{}", "byte"), (#"{"a":0,}"#, "[]", "byte"), (#"{"\ud800":0}"#, "[]", "byte"),
    ])
  func malformed(vocab: String, merges: String, place: String) {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerPipeline(tokenizerJSON: file(vocab: vocab, merges: merges))
    }
    if case .malformed = error {} else { Issue.record("\(String(describing: error))") }
    #expect(error?.description.contains(place) == true, "\(String(describing: error))")
  }

  @Test(
    "What is asked for but not known is named, with what is",
    arguments: [
      (#""type":"Quantum","#, "", "Quantum"),
      ("", #""normalizer":{"type":"Sing"},"#, "normalizer of the type \"Sing\""),
      ("", #""post_processor":{"type":"Sequence","processors":[{"type":"X"}]},"#, "processors[0]"),
      ("", #""version":"2.0","#, "2.0"),
    ])
  func unsupported(model: String, parts: String, name: String) {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerPipeline(tokenizerJSON: file(model: model, parts: parts))
    }
    #expect(error?.description.contains(name) == true, "\(String(describing: error))")
    #expect(error?.description.contains("known: ") == true)
  }

  @Test(
    "Parts with wrong members are refused with their path",
    arguments: [
      (#""normalizer":{"type":"Replace","pattern":{"Regex":"(["},"content":""},"#, "pattern.Regex"),
      (#""normalizer":{"type":"Lowercase"},"normalizer":null,"#, "second member"),
      (#""normalizer":{"type":"Precompiled","precompiled_charsmap":"!"},"#, "base 64"),
      (#""normalizer":{"type":"Strip","strip_left":1},"#, "normalizer.strip_left"),
      (#""padding":{"strategy":"Most"},"#, "padding.strategy"),
      (#""truncation":{"max_length":-1},"#, "truncation.max_length"),
      (#""truncation":{"max_length":9,"strategy":"All"},"#, "LongestFirst"),
      (#""post_processor":{"type":"BertProcessing","sep":["a"],"cls":["a",0]},"#, "post_processor"),
    ])
  func parts(parts: String, path: String) {
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerPipeline(tokenizerJSON: file(parts: parts))
    }
    #expect(error?.description.contains(path) == true, "\(String(describing: error))")
  }

  @Test("Endless nesting, missing files and cut texts are errors")
  func hostile() {
    let nested = Array(String(repeating: "[", count: 100_000).utf8)
    #expect(throws: TokenizerError.self) { try TokenizerPipeline(tokenizerJSON: nested) }
    let deep = Array((#"{"normalizer":"# + String(repeating: "[", count: 100_000)).utf8)
    #expect(throws: TokenizerError.self) { try TokenizerPipeline(tokenizerJSON: deep) }
    #expect(throws: TokenizerError.self) {
      try TokenizerPipeline(contentsOf: URL(fileURLWithPath: "/nowhere/tokenizer.json"))
    }
    let good = file()
    for count in 0..<good.count {
      #expect(throws: TokenizerError.self) {
        try TokenizerPipeline(tokenizerJSON: Array(good.prefix(count)))
      }
    }
  }

  @Test("Damaged files are refused or work: no byte ends the program")
  func damaged() throws {
    var dice = Dice(state: 11)
    for model in TokenizerFixtures.models {
      let good = [UInt8](try Data(contentsOf: model.url))
      guard good.count < 80_000 else { continue }
      for _ in 0..<25 {
        var bytes = good
        for _ in 0...dice.roll(3) {
          let place = dice.roll(bytes.count)
          switch dice.roll(4) {
          case 0: bytes[place] = UInt8(dice.roll(256))
          case 1: bytes[place] = Array(#"[]{}",:0123456789-.eE\ntf"#.utf8)[dice.roll(24)]
          case 2: bytes.removeSubrange(place..<min(place + 1 + dice.roll(40), bytes.count))
          default:
            let end = min(place + dice.roll(40), bytes.count)
            bytes.insert(contentsOf: bytes[place..<end], at: dice.roll(bytes.count))
          }
        }
        guard let tokenizer = try? TokenizerPipeline(tokenizerJSON: bytes) else { continue }
        let text = dice.text(40) + " It's 12 <unk> [MASK] tests."
        _ = tokenizer.decode(tokenizer.encode(text))
        _ = try? tokenizer.encoding(of: text, pair: "and more", keepingOverflow: true)
      }
    }
  }

  @Test("Any text can be encoded and decoded by any tokenizer", arguments: TokenizerFixtures.models)
  func randomTexts(_ file: TokenizerFixtures.File) throws {
    let tokenizer = try file.tokenizer()
    var dice = Dice(state: 5)
    for _ in 0..<300 {
      let text = dice.text(60)
      let ids = tokenizer.encode(text)
      #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
      _ = tokenizer.decode(ids)
      let count = text.unicodeScalars.count
      for span in try tokenizer.encoding(of: text).offsets {
        #expect(span.start >= 0 && span.end <= count)
      }
      _ = tokenizer.encode(bytes: (0..<dice.roll(40)).map { _ in UInt8(dice.roll(256)) })
    }
  }

  @Test("A tokenizer is written to a file and read from it")
  func writing() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("tokenizer \(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: url) }
    try ByteLevelTests.tokenizer.write(to: url)
    let again = try TokenizerPipeline(contentsOf: url)
    #expect(
      again.encode(ByteLevelTests.text) == ByteLevelTests.tokenizer.encode(ByteLevelTests.text))
  }
}
