import Foundation
import Testing
import Tokenizers

@Suite struct TokenizerJSONTests {
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
    let tokenizer = try BytePairTokenizer(tokenizerJSON: file(merges: merges))
    #expect(tokenizer.encode("abba") == [2, 1, 0])
    #expect(tokenizer.vocabularySize == 3)
    // Bytes without a token are left out.
    #expect(tokenizer.encode("xab") == [2])
  }

  @Test("Added tokens lie in or after the vocabulary, special or not")
  func addedTokens() throws {
    let added = """
      [{"id":5,"content":"<é>","special":true},{"id":3,"content":"b b","special":false}]
      """
    let tokenizer = try BytePairTokenizer(tokenizerJSON: file(added: added))
    #expect(tokenizer.vocabularySize == 6)
    #expect(tokenizer.encode("a<é>b b") == [0, 5, 3])
    #expect(tokenizer.decode([5, 4, 3]) == "<é>b b")
    #expect(tokenizer.decodeBytes([5, 3], skippingSpecialTokens: true) == Array("b b".utf8))
    #expect(
      try BytePairTokenizer(tokenizerJSON: tokenizer.tokenizerJSON()).tokens == tokenizer.tokens)
  }

  @Test(
    "What is malformed is refused",
    arguments: [
      (#"{"a":0,"b":0}"#, "[]"), (#"{"a":0,"a":1}"#, "[]"), (#"{"a":-1}"#, "[]"),
      (#"{"a":1.5}"#, "[]"), (#"{"a":4000000000}"#, "[]"), (#"{"a":1099511627776}"#, "[]"),
      ("[]", "[]"), (#"{"a":0,"b":1}"#, #"["a b"]"#), (#"{"a":0,"ab":1}"#, #"["a b"]"#),
      (#"{"a":0}"#, #"["a"]"#), (#"{"a":0}"#, #"["a a a"]"#), (#"{"a":0}"#, #"[["a","a","a"]]"#),
      (#"{"a":0}"#, "[1]"), (#"{"a":0}"#, "{}"),
    ])
  func malformed(vocab: String, merges: String) {
    let error = #expect(throws: TokenizerError.self) {
      try BytePairTokenizer(tokenizerJSON: file(vocab: vocab, merges: merges))
    }
    if case .malformed = error {} else { Issue.record("\(String(describing: error))") }
  }

  @Test(
    "What is asked for but not there is named",
    arguments: [
      (#""type":"Unigram","#, "", "Unigram"), (#""dropout":0.1,"#, "", "dropout"),
      (#""unk_token":"a","#, "", "unk_token"), (#""byte_fallback":true,"#, "", "byte_fallback"),
      ("", #""normalizer":{"type":"NFC"},"#, "normalizer NFC"),
      ("", #""padding":{"direction":"Left"},"#, "padding"),
      ("", #""post_processor":{"type":"TemplateProcessing"},"#, "TemplateProcessing"),
      ("", #""decoder":{"type":"Fuse"},"#, "decoder Fuse"),
      ("", #""pre_tokenizer":null,"#, "pre_tokenizer (none)"),
    ])
  func unsupported(model: String, parts: String, name: String) {
    let error = #expect(throws: TokenizerError.self) {
      try BytePairTokenizer(tokenizerJSON: file(model: model, parts: parts))
    }
    #expect(error?.description.contains(name) == true, "\(String(describing: error))")
  }

  @Test("Endless nesting, missing files and cut texts are errors")
  func hostile() {
    let nested = Array(String(repeating: "[", count: 100_000).utf8)
    #expect(throws: TokenizerError.self) { try BytePairTokenizer(tokenizerJSON: nested) }
    #expect(throws: TokenizerError.self) {
      try BytePairTokenizer(contentsOf: URL(fileURLWithPath: "/nowhere/tokenizer.json"))
    }
    let good = file()
    for count in 0..<good.count {
      #expect(throws: TokenizerError.self) {
        try BytePairTokenizer(tokenizerJSON: Array(good.prefix(count)))
      }
    }
  }

  @Test("A tokenizer is written to a file and read from it")
  func writing() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("tokenizer \(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: url) }
    try BytePairTests.tokenizer.write(to: url)
    let again = try BytePairTokenizer(contentsOf: url)
    #expect(again.encode(BytePairTests.text) == BytePairTests.tokenizer.encode(BytePairTests.text))
  }
}
