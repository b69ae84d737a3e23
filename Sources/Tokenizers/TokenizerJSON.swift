import Documents
public import Foundation

extension BytePairTokenizer {
  /// Reads a `tokenizer.json` file of a byte-level BPE tokenizer.
  ///
  /// - Throws: `TokenizerError` where the file cannot be read, is malformed, or describes another
  ///   kind of tokenizer, which it names.
  public init(contentsOf url: URL) throws(TokenizerError) {
    let data: Data
    do { data = try Data(contentsOf: url) } catch {
      throw .file(url.path, problem: error.localizedDescription)
    }
    try self.init(tokenizerJSON: [UInt8](data))
  }

  /// Reads the text of a `tokenizer.json` file of a byte-level BPE tokenizer.
  public init(tokenizerJSON bytes: [UInt8]) throws(TokenizerError) {
    let document: JSONValue
    do { document = try JSONValue(parsing: bytes) } catch {
      throw .malformed(problem: "\(error)")
    }
    guard document.members != nil else { throw .malformed(problem: "it is no object") }
    guard let model = document["model"], model.members != nil else {
      throw .malformed(problem: "there is no model")
    }
    let addsPrefixSpace = try Self.checkParts(document, model)
    let vocabulary = try TokenizerVocabulary(model["vocab"], document["added_tokens"])
    var byteTokens = [Int?](repeating: nil, count: 256)
    for byte in 0..<256 {
      byteTokens[byte] = vocabulary.ids[ExactText(ByteAlphabet.text([UInt8(byte)]))]
    }
    self.init(
      model: BytePairModel(
        byteTokens: byteTokens, merges: try vocabulary.merges(model["merges"])),
      tokens: vocabulary.tokens, addedTokens: vocabulary.added,
      addsPrefixSpace: addsPrefixSpace)
  }

  /// Sees that every part is that of a byte-level BPE tokenizer, and returns whether it adds a
  /// space in front.
  private static func checkParts(
    _ document: JSONValue, _ model: JSONValue
  ) throws(TokenizerError) -> Bool {
    if let type = model["type"], type.string != "BPE" {
      throw .unsupported(part: "the model \(type.string ?? "without a type")")
    }
    for name in ["dropout", "unk_token"] where !(model[name]?.isNull ?? true) {
      throw .unsupported(part: "the model's \(name)")
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"]
    where !(model[name]?.string ?? "").isEmpty {
      throw .unsupported(part: "the model's \(name)")
    }
    for name in ["byte_fallback", "ignore_merges"] where model[name]?.bool == true {
      throw .unsupported(part: "the model's \(name)")
    }
    for name in ["truncation", "padding", "normalizer"] where !(document[name]?.isNull ?? true) {
      throw .unsupported(part: "the \(name)\(typeName(document[name]))")
    }
    guard let splitter = document["pre_tokenizer"], isByteLevel(splitter),
      splitter["use_regex"]?.bool != false
    else { throw .unsupported(part: "the pre_tokenizer\(typeName(document["pre_tokenizer"]))") }
    guard let decoder = document["decoder"], isByteLevel(decoder) else {
      throw .unsupported(part: "the decoder\(typeName(document["decoder"]))")
    }
    let processor = document["post_processor"] ?? .null
    guard processor.isNull || isByteLevel(processor) else {
      throw .unsupported(part: "the post_processor\(typeName(processor))")
    }
    return splitter["add_prefix_space"]?.bool ?? true
  }

  private static func isByteLevel(_ part: JSONValue) -> Bool { part["type"]?.string == "ByteLevel" }

  private static func typeName(_ part: JSONValue?) -> String {
    part?["type"]?.string.map { " \($0)" } ?? (part?.isNull ?? true ? " (none)" : "")
  }
}

/// The tokens of a `tokenizer.json` file: those of the model and those added to it.
private struct TokenizerVocabulary {
  var ids: [ExactText: Int] = [:]
  var tokens: [[UInt8]] = []
  var added: [AddedToken] = []

  init(_ vocabulary: JSONValue?, _ added: JSONValue?) throws(TokenizerError) {
    guard let members = vocabulary?.members else {
      throw .malformed(problem: "the model has no vocab")
    }
    let added = added?.elements ?? []
    // Ids may leave gaps, but no list is made longer for them than the file could ask for.
    let limit = 2 * (members.count + added.count) + 1024
    ids.reserveCapacity(members.count)
    for member in members {
      let id = try Self.id(member.value, of: member.name, below: limit)
      guard ids.updateValue(id, forKey: ExactText(member.name)) == nil else {
        throw .malformed(problem: "the token \"\(member.name)\" stands twice in the vocab")
      }
      try put(ByteAlphabet.bytes(member.name) ?? Array(member.name.utf8), at: id)
    }
    for token in added {
      guard let text = token["content"]?.string else {
        throw .malformed(problem: "an added token has no content")
      }
      for flag in ["lstrip", "rstrip", "single_word"] where token[flag]?.bool == true {
        throw .unsupported(part: "\(flag) of the added token \"\(text)\"")
      }
      let id = try Self.id(token["id"] ?? .null, of: text, below: limit)
      if let known = ids[ExactText(text)], known != id {
        throw .malformed(problem: "the token \"\(text)\" has the ids \(known) and \(id)")
      }
      if ids[ExactText(text)] == nil { try put(Array(text.utf8), at: id) }
      tokens[id] = Array(text.utf8)
      ids[ExactText(text)] = id
      self.added.append(
        AddedToken(id: id, text: text, isSpecial: token["special"]?.bool ?? false))
    }
  }

  private static func id(
    _ value: JSONValue, of token: String, below limit: Int
  ) throws(TokenizerError) -> Int {
    guard let id = value.integer, id >= 0, id < limit else {
      throw .malformed(problem: "the token \"\(token)\" has no id from 0 to \(limit - 1)")
    }
    return id
  }

  private mutating func put(_ bytes: [UInt8], at id: Int) throws(TokenizerError) {
    while tokens.count <= id { tokens.append([]) }
    guard tokens[id].isEmpty else { throw .malformed(problem: "two tokens have the id \(id)") }
    tokens[id] = bytes
  }

  func merges(_ value: JSONValue?) throws(TokenizerError) -> [BytePairModel.Merge] {
    guard let elements = value?.elements else {
      throw .malformed(problem: "the model has no merges")
    }
    var merges: [BytePairModel.Merge] = []
    merges.reserveCapacity(elements.count)
    for element in elements {
      let parts =
        element.string.map { $0.utf8.split(separator: 0x20, omittingEmptySubsequences: false) }?
        .map { String($0) ?? "" } ?? element.elements?.compactMap(\.string) ?? []
      guard parts.count == 2 else {
        throw .malformed(problem: "merge \(merges.count) has not two parts")
      }
      guard let left = ids[ExactText(parts[0])], let right = ids[ExactText(parts[1])],
        let result = ids[ExactText(parts[0] + parts[1])]
      else {
        throw .malformed(
          problem: "merge \(merges.count) of \"\(parts[0])\" and \"\(parts[1])\" has a part or a "
            + "result outside the vocab")
      }
      merges.append(BytePairModel.Merge(left: left, right: right, result: result))
    }
    return merges
  }
}
