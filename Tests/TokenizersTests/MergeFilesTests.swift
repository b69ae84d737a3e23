import Foundation
import Testing
import Tokenizers

/// The files of tokenizers that came before `tokenizer.json`, in a small form.
@Suite struct MergeFilesTests {
  /// A folder with these files, gone after the body.
  private func inFolder(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("merges \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    try body(folder)
  }

  private static let vocabulary = #"{"a": 0, "b": 1, "Ġ": 2, "ab": 3, "<|endoftext|>": 4}"#

  @Test(arguments: [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")])
  func `A vocabulary and its merges are GPT-2's tokenizer`(_ names: (String, String)) throws {
    let files = [names.0: Self.vocabulary, names.1: "#version: 0.2\r\na b\r\n"]
    try inFolder(files) { folder in
      let tokenizer = try TokenizerPipeline(folder: folder)
      #expect(tokenizer.encode("ab aab<|endoftext|>") == [3, 2, 0, 3, 4])
      #expect(tokenizer.decode([3, 2, 0, 3, 4], skippingSpecialTokens: true) == "ab aab")
      #expect(tokenizer.vocabularySize == 5)
    }
  }

  @Test func `CLIP's merges are its vocabulary`() throws {
    try inFolder(["bpe.txt": "\"bpe.txt#version: 0.2\na b\nab c</w>\n"]) { folder in
      let tokenizer = try TokenizerPipeline(
        clipMerges: folder.appendingPathComponent("bpe.txt"))
      #expect(tokenizer.vocabularySize == 2 * 256 + 2 + 2)
      // The letter a is the 65th of the visible ones; at the end of a word it is 256 further.
      #expect(tokenizer.encode("ABC  a ab") == [514, 513, 256 + 64, 64, 256 + 65, 515])
      let text = tokenizer.decode([514, 513, 256 + 64, 515], skippingSpecialTokens: true)
      #expect(text == "abc a")
    }
  }

  @Test func `Other families, wrong merges and missing files are told`() throws {
    func message(_ files: [String: String]) throws -> String {
      var message = ""
      try inFolder(files) { folder in
        let error = #expect(throws: TokenizerError.self) { try TokenizerPipeline(folder: folder) }
        message = try #require(error).description
      }
      return message
    }
    let bart = #"{"<s>": 0, "a": 1, "<|endoftext|>": 2}"#
    #expect(
      try message(["vocab.json": bart, "merges.txt": ""]).contains(
        "the special tokens are neither GPT-2's nor CLIP's; use the model's tokenizer.json"))
    let wrong = try message(["vocab.json": Self.vocabulary, "merges.txt": "a c"])
    #expect(wrong.contains("vocab.json with merges.txt") && wrong.contains("outside the vocab"))
    #expect(try message(["vocab.json": Self.vocabulary]).contains("no tokenizer.json"))
    #expect(try message(["bpe_simple_vocab_16e6.txt.gz": "x y z"]).contains("not two parts"))
  }
}
