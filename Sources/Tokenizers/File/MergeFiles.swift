import Documents
public import Foundation
import Images

extension TokenizerPipeline {
  /// Reads the tokenizer of a model's folder: `tokenizer.json`, else the files that came before it: `vocab.json` and
  /// `merges.txt`, `encoder.json` and `vocab.bpe`, or `bpe_simple_vocab_16e6.txt.gz`.
  ///
  /// - Throws: `TokenizerError` where none of them is there, or as the other initializers.
  public init(folder url: URL) throws(TokenizerError) {
    let names = Set((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [])
    let pairs = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]
    let merges = "bpe_simple_vocab_16e6.txt.gz"
    if names.contains("tokenizer.json") {
      try self.init(contentsOf: url.appendingPathComponent("tokenizer.json"))
    } else if let pair = pairs.first(where: { names.contains($0.0) && names.contains($0.1) }) {
      try self.init(
        vocabulary: url.appendingPathComponent(pair.0),
        merges: url.appendingPathComponent(pair.1))
    } else if names.contains(merges) {
      try self.init(clipMerges: url.appendingPathComponent(merges))
    } else {
      throw .file(
        url.path, problem: "this folder has no tokenizer.json, nor a vocab.json with its merges.txt"
      )
    }
  }

  /// Reads the two files in which tokenizers of byte pairs came before `tokenizer.json`: GPT-2's `encoder.json` and
  /// `vocab.bpe`, also called `vocab.json` and `merges.txt`, or CLIP's of the latter names.
  ///
  /// - Throws: `TokenizerError` where a file cannot be read, the two do not belong together, or the vocabulary is another
  ///   family's, whose special tokens these files do not tell.
  public init(vocabulary: URL, merges: URL) throws(TokenizerError) {
    try self.init(
      vocabulary: try Self.bytes(of: vocabulary), merges: try Self.merges(in: merges),
      files: "\(vocabulary.path) with \(merges.lastPathComponent)")
  }

  /// Reads CLIP's own `bpe_simple_vocab_16e6.txt`, as it is or in gzip, from whose merges the vocabulary follows.
  ///
  /// - Throws: `TokenizerError` where the file cannot be read or holds no merges.
  public init(clipMerges url: URL) throws(TokenizerError) {
    // The file has five times as many; the network knows 49,408 tokens.
    let merges = Array(try Self.merges(in: url).prefix(48_894))
    let letters = ByteAlphabet.scalars.sorted().compactMap { UnicodeScalar($0).map { String($0) } }
    let pairs = merges.map { $0.filter { $0 != " " } }
    let tokens = letters + letters.map { $0 + Self.wordEnd } + pairs + [Self.start, Self.end]
    let members = tokens.enumerated().map { JSONValue.Member($1, .integer($0)) }
    try self.init(
      vocabulary: JSONValue.object(members).encoded(), merges: merges, files: url.path)
  }

  private static let (start, end, wordEnd) = ("<|startoftext|>", "<|endoftext|>", "</w>")

  /// - Parameters:
  ///   - vocabulary: an object of tokens and their ids.
  ///   - merges: the two parts of each and a space between them.
  ///   - files: how messages call them.
  private init(vocabulary: [UInt8], merges: [String], files: String) throws(TokenizerError) {
    let marksWords = merges.contains { $0.hasSuffix(Self.wordEnd) }
    let options =
      marksWords ? #""unk_token":"\#(Self.end)","end_of_word_suffix":"\#(Self.wordEnd)","# : ""
    let list = JSONValue.array(merges.map { .string($0) }).encoded()
    let text =
      Array(#"{"model":{"type":"BPE",\#(options)"vocab":"#.utf8) + vocabulary
      + Array(#","merges":"#.utf8) + list
      + Array("},\(marksWords ? Self.clipSteps : Self.gptSteps)}".utf8)
    do throws(TokenizerError) {
      let plain = try TokenizerPipeline(tokenizerJSON: text)
      guard let end = plain.id(of: Self.end), plain.id(of: "<s>") == nil,
        !marksWords || plain.id(of: Self.start) != nil
      else {
        throw .malformed(problem: "the special tokens are neither GPT-2's nor CLIP's")
      }
      let start = marksWords ? plain.id(of: Self.start) : nil
      var special = [AddedToken(id: end, text: Self.end)]
      if let start { special.insert(AddedToken(id: start, text: Self.start), at: 0) }
      let surroundings = start.map {
        #"{"type":"RobertaProcessing","sep":["\#(Self.end)",\#(end)],"cls":["\#(Self.start)",\#($0)],"#
          + #""trim_offsets":false,"add_prefix_space":false}"#
      }
      self.init(
        model: plain.model, addedTokens: special, normalizer: plain.normalizer,
        preTokenizer: plain.preTokenizer,
        postProcessor: try PostProcessor(
          json: surroundings ?? #"{"type":"ByteLevel","trim_offsets":false}"#),
        decoder: plain.decoder)
    } catch {
      guard case .malformed(let problem) = error else { throw error }
      throw .file(files, problem: "\(problem); use the model's tokenizer.json")
    }
  }

  /// What GPT-2 does before and behind the model.
  private static let gptSteps = #"""
    "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"}
    """#

  /// What CLIP does before and behind the model.
  private static let clipSteps = #"""
    "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},
      {"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]},
    "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
      "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},
      "behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false}]},
    "decoder":{"type":"Sequence","decoders":[{"type":"ByteLevel"},
      {"type":"Replace","pattern":{"String":"</w>"},"content":" "},
      {"type":"Strip","content":" ","start":0,"stop":1}]}
    """#

  /// The lines of a file of merges, as it is or in gzip, without the version.
  private static func merges(in url: URL) throws(TokenizerError) -> [String] {
    let text = String(decoding: try bytes(of: url), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    return lines.first?.contains("#version") == true ? Array(lines.dropFirst()) : lines
  }

  private static func bytes(of url: URL) throws(TokenizerError) -> [UInt8] {
    do {
      let bytes = [UInt8](try Data(contentsOf: url))
      return bytes.starts(with: [0x1F, 0x8B]) ? try Gzip.inflate(bytes, limit: 1 << 26) : bytes
    } catch let error as ImageError {
      throw .file(url.path, problem: "\(error)")
    } catch {
      throw .file(url.path, problem: error.localizedDescription)
    }
  }
}
