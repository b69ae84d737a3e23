import Foundation
import Published
import Samplers
import Tensors
import TestSupport
import Testing

/// A folder with a small GPT-2 of a token for every letter at least.
private let network: URL? = {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixture.root.path)) ?? []
  return names.sorted().map(Fixture.root.appendingPathComponent).first { folder in
    let file = folder.appendingPathComponent("config.json")
    guard let config = try? ModelConfiguration(reading: file),
      (try? config.text("model_type")) == "gpt2",
      let size = try? config.integer("vocab_size"), (98...1000).contains(size)
    else { return false }
    return FileManager.default.fileExists(
      atPath: folder.appendingPathComponent("model.safetensors").path)
  }
}()

/// Texts in and texts out, with a small network whose tokens are the letters.
@Suite(.enabled(if: network != nil)) struct TextWriterTests {
  /// The fixture's network beside a tokenizer of letters.
  private static func folder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-writer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    let fixture = try #require(network)
    for name in ["config.json", "generation_config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        at: fixture.appendingPathComponent(name), to: url.appendingPathComponent(name))
    }
    // Tokens 3 to 97 are the letters of ASCII, the space as byte-level files spell it.
    let letters = (33...126).map { String(UnicodeScalar(UInt8($0))) } + ["\u{120}"]
    let vocabulary = Dictionary(
      uniqueKeysWithValues: letters.enumerated().map { ($1, $0 + 3) })
    let tokenizer: [String: Any] = [
      "model": ["type": "BPE", "vocab": vocabulary, "merges": [String]()] as [String: Any],
      "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false] as [String: Any],
      "decoder": ["type": "ByteLevel"],
    ]
    try JSONSerialization.data(withJSONObject: tokenizer)
      .write(to: url.appendingPathComponent("tokenizer.json"))
    return url
  }

  private static func writer(draft: Bool = false) throws -> TextWriter {
    let folder = try ModelFolder(folder())
    return try TextWriter(folder, draft: draft ? folder : nil)
  }

  @Test func `Pieces are together the text, whose seed decides it`() throws {
    let writer = try Self.writer()
    #expect(writer.settings.eosTokenId == [2] && writer.settings.topK == 50)
    var settings = writer.settings
    settings.doSample = true
    settings.maxNewTokens = 30
    var pieces = ""
    let texts = try writer(["hello"], settings, key: RandomKey(seed: 1)) { pieces += $1 }
    #expect(texts.count == 1 && texts[0].text == pieces && !pieces.isEmpty)
    #expect(try writer(["hello"], settings, key: RandomKey(seed: 1)) == texts)
    #expect(try writer(["hello"], settings, key: RandomKey(seed: 2)) != texts)
  }

  @Test func `A stop string ends texts, streams and beams`() throws {
    let writer = try Self.writer()
    var settings = writer.settings
    settings.minNewTokens = 20
    settings.maxNewTokens = 20
    for beams in [1, 3] {
      settings.numBeams = beams
      settings.stopStrings = []
      let whole = try writer(["ab", "xyz"], settings)
      let stop = String(whole[0].text.dropFirst(3).prefix(2))
      try #require(stop.utf8.count == 2)
      settings.stopStrings = [stop]
      let cut = try writer(["ab"], settings)[0]
      #expect(!cut.text.contains(stop))
      if beams == 1 {
        #expect(whole[0].text.hasPrefix(cut.text + stop))
        #expect(cut.tokenCount < 20)
      }
    }
  }

  @Test func `A draft of the same network is always right`() throws {
    let helped = try Self.writer(draft: true)
    let alone = try Self.writer()
    var settings = alone.settings
    settings.maxNewTokens = 25
    #expect(try helped(["abc"], settings).map(\.text) == alone(["abc"], settings).map(\.text))
  }

  @Test func `Wrong settings, prompts and files are refused by name`() throws {
    let writer = try Self.writer()
    var settings = writer.settings
    settings.topP = 2
    #expect(throws: PublishedError.self) { _ = try writer(["a"], settings) }
    #expect(throws: PublishedError.self) { _ = try writer([""]) }
    let folder = try Self.folder()
    try Data(#"{"temperature": "hot"}"#.utf8)
      .write(to: folder.appendingPathComponent("generation_config.json"))
    let error = #expect(throws: PublishedError.self) { _ = try TextWriter(ModelFolder(folder)) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("temperature"))
    try FileManager.default.removeItem(at: folder.appendingPathComponent("tokenizer.json"))
    #expect(throws: PublishedError.self) { _ = try TextEmbedder(ModelFolder(folder)) }
  }

  @Test func `Vectors of texts have length one and do not depend on their neighbours`() throws {
    var embedder = try TextEmbedder(ModelFolder(Self.folder()))
    for pooling in TextEmbedder.Pooling.allCases {
      embedder.pooling = pooling
      let together = try embedder(["one", "another text"])
      #expect(together.shape[0] == 2)
      for (i, text) in ["one", "another text"].enumerated() {
        let alone = try embedder([text]).floats()
        let own = together.element(0, i).floats()
        #expect(zip(own, alone).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(abs(own.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      }
    }
    #expect(throws: PublishedError.self) { _ = try embedder([""]) }
  }
}
