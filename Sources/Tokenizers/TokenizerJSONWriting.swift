import Documents
public import Foundation

extension BytePairTokenizer {
  /// Writes the tokenizer as a `tokenizer.json` file, under a temporary name first.
  public func write(to url: URL) throws(TokenizerError) {
    do { try Data(tokenizerJSON()).write(to: url, options: .atomic) } catch {
      throw .file(url.path, problem: error.localizedDescription)
    }
  }

  /// The tokenizer as the text of a `tokenizer.json` file, as the `tokenizers` library reads it.
  public func tokenizerJSON() -> [UInt8] {
    let addedIDs = Set(addedTokens.map(\.id))
    let added = addedTokens.map { token in
      object([
        ("id", .integer(token.id)), ("content", .string(token.text)),
        ("single_word", .bool(false)), ("lstrip", .bool(false)), ("rstrip", .bool(false)),
        ("normalized", .bool(false)), ("special", .bool(token.isSpecial)),
      ])
    }
    let spellings = tokens.enumerated().map { id, bytes in
      addedIDs.contains(id) ? String(decoding: bytes, as: UTF8.self) : ByteAlphabet.text(bytes)
    }
    let vocabulary = tokens.indices.filter { !tokens[$0].isEmpty }
      .map { (spellings[$0], JSONValue.integer($0)) }
    let merges = model.merges.map {
      JSONValue.string("\(spellings[$0.left]) \(spellings[$0.right])")
    }
    let byteLevel = object([
      ("type", .string("ByteLevel")), ("add_prefix_space", .bool(addsPrefixSpace)),
      ("trim_offsets", .bool(true)), ("use_regex", .bool(true)),
    ])
    return object([
      ("version", .string("1.0")), ("truncation", .null), ("padding", .null),
      ("added_tokens", .array(added)), ("normalizer", .null), ("pre_tokenizer", byteLevel),
      ("post_processor", .null), ("decoder", byteLevel),
      (
        "model",
        object([
          ("type", .string("BPE")), ("dropout", .null), ("unk_token", .null),
          ("continuing_subword_prefix", .null), ("end_of_word_suffix", .null),
          ("fuse_unk", .bool(false)), ("byte_fallback", .bool(false)),
          ("ignore_merges", .bool(false)), ("vocab", object(vocabulary)),
          ("merges", .array(merges)),
        ])
      ),
    ]).encoded(indented: true)
  }
}

private func object(_ members: [(String, JSONValue)]) -> JSONValue {
  .object(members.map { JSONValue.Member($0, $1) })
}
