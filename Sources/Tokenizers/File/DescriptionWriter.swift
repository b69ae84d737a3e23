import Documents
public import Foundation

extension TokenizerPipeline {
  /// Writes the tokenizer as a `tokenizer.json` file, under a temporary name first.
  public func write(to url: URL) throws(TokenizerError) {
    do { try Data(tokenizerJSON()).write(to: url, options: .atomic) } catch {
      throw .file(url.path, problem: error.localizedDescription)
    }
  }

  /// The tokenizer as the text of a `tokenizer.json` file, as the `tokenizers` library reads it.
  public func tokenizerJSON() -> [UInt8] {
    let added = addedTokens.map { token in
      object([
        ("id", .integer(token.id)), ("content", .string(token.text)),
        ("single_word", .bool(token.isSingleWord)), ("lstrip", .bool(token.stripsLeft)),
        ("rstrip", .bool(token.stripsRight)), ("normalized", .bool(token.isNormalized)),
        ("special", .bool(token.isSpecial)),
      ])
    }
    return object([
      ("version", .string("1.0")), ("truncation", truncation?.json ?? .null),
      ("padding", padding?.json ?? .null), ("added_tokens", .array(added)),
      ("normalizer", normalizer?.json ?? .null), ("pre_tokenizer", preTokenizer?.json ?? .null),
      ("post_processor", postProcessor?.json ?? .null), ("decoder", decoder?.json ?? .null),
      ("model", model.json),
    ]).encoded(indented: true)
  }
}

private func object(_ members: [(String, JSONValue)]) -> JSONValue {
  .object(members.map { JSONValue.Member($0, $1) })
}

extension Truncation {
  fileprivate var json: JSONValue {
    object([
      ("direction", .string(direction.rawValue)), ("max_length", .integer(maximumLength)),
      ("strategy", .string(strategy.rawValue)), ("stride", .integer(stride)),
    ])
  }
}

extension Padding {
  fileprivate var json: JSONValue {
    let strategy: JSONValue =
      switch length {
      case .longest: .string("BatchLongest")
      case .fixed(let length): object([("Fixed", .integer(length))])
      }
    return object([
      ("strategy", strategy), ("direction", .string(direction.rawValue)),
      ("pad_to_multiple_of", multiple.map(JSONValue.integer) ?? .null), ("pad_id", .integer(id)),
      ("pad_type_id", .integer(typeID)), ("pad_token", .string(token)),
    ])
  }
}

extension TokenModel {
  fileprivate var json: JSONValue {
    switch self {
    case .bytePair(let model): return model.json
    case .wordPiece(let model):
      return object([
        ("type", .string("WordPiece")), ("unk_token", .string(model.unknown)),
        ("continuing_subword_prefix", .string(model.prefix)),
        ("max_input_chars_per_word", .integer(model.longestWord)),
        ("vocab", model.vocabulary.json),
      ])
    case .wordLevel(let model):
      return object([
        ("type", .string("WordLevel")), ("vocab", model.vocabulary.json),
        ("unk_token", .string(model.unknown)),
      ])
    case .unigram(let model):
      let tokens = model.scores.enumerated().map { id, score in
        JSONValue.array([.string(model.vocabulary.text(id) ?? ""), .number(score)])
      }
      return object([
        ("type", .string("Unigram")), ("unk_id", model.unknown.map(JSONValue.integer) ?? .null),
        ("vocab", .array(tokens)), ("byte_fallback", .bool(model.fallsBackToBytes)),
      ])
    }
  }
}

extension Vocabulary {
  fileprivate var json: JSONValue {
    object((0..<limit).compactMap { id in text(id).map { ($0, .integer(id)) } })
  }
}

extension BytePairModel {
  fileprivate var json: JSONValue {
    let pairs = merges.map { merge in
      JSONValue.array([
        .string(vocabulary.text(merge.left) ?? ""), .string(vocabulary.text(merge.right) ?? ""),
      ])
    }
    return object([
      ("type", .string("BPE")), ("dropout", options.dropout.map(JSONValue.number) ?? .null),
      ("unk_token", options.unknown.map(JSONValue.string) ?? .null),
      ("continuing_subword_prefix", options.prefix.isEmpty ? .null : .string(options.prefix)),
      ("end_of_word_suffix", options.suffix.isEmpty ? .null : .string(options.suffix)),
      ("fuse_unk", .bool(options.fusesUnknown)), ("byte_fallback", .bool(options.fallsBackToBytes)),
      ("ignore_merges", .bool(options.ignoresMerges)), ("vocab", vocabulary.json),
      ("merges", .array(pairs)),
    ])
  }
}
