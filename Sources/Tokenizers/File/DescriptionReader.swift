import Documents
public import Foundation

extension TokenizerPipeline {
  /// Reads a `tokenizer.json` file.
  ///
  /// - Throws: `TokenizerError` where the file cannot be read, is malformed, or asks for what is
  ///   not known, which it names.
  public init(contentsOf url: URL) throws(TokenizerError) {
    let data: Data
    do { data = try Data(contentsOf: url) } catch {
      throw .file(url.path, problem: error.localizedDescription)
    }
    try self.init(tokenizerJSON: [UInt8](data))
  }

  /// Reads the text of a `tokenizer.json` file.
  public init(tokenizerJSON bytes: [UInt8]) throws(TokenizerError) {
    let description = try Description(bytes)
    let (model, addedTokens) = try description.modelAndAddedTokens()
    self.init(
      model: model, addedTokens: addedTokens, normalizer: try description.normalizer(),
      preTokenizer: description.preTokenizer, postProcessor: try description.postProcessor(),
      decoder: try description.decoder())
    truncation = try description.truncation()
    padding = try description.padding()
  }
}

extension JSONPart {
  /// A length that encodings may be filled up to.
  fileprivate func paddingLength() throws(TokenizerError) -> Int {
    let length = try count()
    if length > 1 << 20 { throw error("is \(length), more than \(1 << 20)") }
    return length
  }
}

/// The parts of a `tokenizer.json` file.
private struct Description {
  let bytes: [UInt8]
  /// Everything but the model.
  let root: JSONPart
  /// The model without its vocabulary and merges.
  let model: JSONPart
  let vocabulary: Range<Int>
  let merges: Range<Int>?
  let preTokenizer: PreTokenizer?

  init(_ bytes: [UInt8]) throws(TokenizerError) {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .malformed(problem: "the text is not UTF-8")
    }
    self.bytes = bytes
    var reader = DescriptionText(bytes, 0..<bytes.count)
    let (members, ranges) = try Self.members(&reader, apart: ["model"])
    reader.skipSpace()
    if reader.place < bytes.count { throw reader.error("there is text after the value") }
    root = JSONPart(.object(members), at: "")
    if let version = root["version"], try version.text() != "1.0" {
      throw .unsupported(part: "the version \(try version.text())", known: "1.0")
    }
    guard let modelRange = ranges["model"] else { throw .malformed(problem: "there is no model") }
    var modelReader = DescriptionText(bytes, modelRange)
    let (options, large) = try Self.members(&modelReader, apart: ["vocab", "merges"])
    model = JSONPart(.object(options), at: "model")
    guard let vocabulary = large["vocab"] else { throw model.error("has no vocab") }
    self.vocabulary = vocabulary
    merges = large["merges"]
    preTokenizer = try root["pre_tokenizer"].map { part throws(TokenizerError) in
      try PreTokenizer(part)
    }
  }

  /// The members of an object: some as values, those of some names as places.
  private static func members(
    _ reader: inout DescriptionText, apart names: Set<String>
  ) throws(TokenizerError) -> ([JSONValue.Member], [String: Range<Int>]) {
    var members: [JSONValue.Member] = []
    var ranges: [String: Range<Int>] = [:]
    var seen = Set<[UInt8]>()
    var name: [UInt8] = []
    try reader.forEachMember(&name) { reader, name throws(TokenizerError) in
      guard seen.insert(name).inserted else {
        throw reader.error("a second member \"\(String(decoding: name, as: UTF8.self))\"")
      }
      let text = String(decoding: name, as: UTF8.self)
      let range = try reader.skipValue()
      if names.contains(text) {
        ranges[text] = range
      } else {
        members.append(JSONValue.Member(text, try reader.value(range)))
      }
    }
    return (members, ranges)
  }

  func normalizer() throws(TokenizerError) -> Normalizer? {
    guard let part = root["normalizer"] else { return nil }
    return try Normalizer(part)
  }

  func postProcessor() throws(TokenizerError) -> PostProcessor? {
    guard let part = root["post_processor"] else { return nil }
    return try PostProcessor(part)
  }

  func decoder() throws(TokenizerError) -> TokenDecoder? {
    guard let part = root["decoder"] else { return nil }
    return try TokenDecoder(part)
  }

  func truncation() throws(TokenizerError) -> Truncation? {
    guard let part = root["truncation"] else { return nil }
    return Truncation(
      maximumLength: try part.count("max_length"), stride: try part.count("stride", default: 0),
      strategy: try part.choice("strategy", default: .longestFirst),
      direction: try part.choice("direction", default: .right))
  }

  func padding() throws(TokenizerError) -> Padding? {
    guard let part = root["padding"] else { return nil }
    var padding = Padding(
      direction: try part.choice("direction", default: .right),
      multiple: try part["pad_to_multiple_of"].map { part throws(TokenizerError) in
        try part.paddingLength()
      },
      id: try part.count("pad_id", default: 0), typeID: try part.count("pad_type_id", default: 0),
      token: try part.text("pad_token", default: "[PAD]"))
    if let strategy = part["strategy"] {
      if let length = strategy["Fixed"] {
        padding.length = .fixed(try length.paddingLength())
      } else if strategy.value.string != "BatchLongest" {
        throw strategy.error("must be \"BatchLongest\" or {\"Fixed\": length}")
      }
    }
    return padding
  }
}

extension Description {
  func modelAndAddedTokens() throws(TokenizerError) -> (TokenModel, [AddedToken]) {
    let known = ["BPE", "WordPiece", "WordLevel", "Unigram"]
    let type = try model.text("type", default: guessedType)
    let tokenModel: TokenModel
    switch type {
    case "BPE": tokenModel = .bytePair(try bytePairModel())
    case "WordPiece":
      tokenModel = .wordPiece(
        WordPieceModel(
          try readVocabulary(forTrie: true), unknown: try model.text("unk_token", default: "[UNK]"),
          prefix: try model.text("continuing_subword_prefix", default: "##"),
          longestWord: try model.count("max_input_chars_per_word", default: 100)))
    case "WordLevel":
      tokenModel = .wordLevel(
        WordLevelModel(
          try readVocabulary(), unknown: try model.text("unk_token", default: "<unk>")))
    case "Unigram": tokenModel = .unigram(try unigramModel())
    default: throw try model.unsupportedType(known.joined(separator: ", "))
    }
    return (tokenModel, try addedTokens(tokenModel.vocabulary))
  }

  /// The type of a model that does not say it, as old files.
  private var guessedType: String {
    if merges != nil { return "BPE" }
    if bytes[vocabulary.lowerBound] == UInt8(ascii: "[") { return "Unigram" }
    return model["continuing_subword_prefix"] == nil ? "WordLevel" : "WordPiece"
  }

  private func readVocabulary(forTrie: Bool = false) throws(TokenizerError) -> Vocabulary {
    // Every token takes a dozen bytes of the file; ids may leave gaps, but no list is made longer
    // for them than the file's own length.
    let limit = vocabulary.count / 4 + 1024
    var tokens = Vocabulary(capacity: min(vocabulary.count / 14, 1 << 20))
    var reader = DescriptionText(bytes, vocabulary)
    var name: [UInt8] = []
    try reader.forEachMember(&name) { reader, name throws(TokenizerError) in
      let id = try reader.integer()
      func spelled() -> String { String(decoding: name, as: UTF8.self) }
      guard id < limit else {
        throw .malformed(
          problem: "model.vocab gives the token \"\(spelled())\" the id \(id), far beyond the "
            + "number of tokens")
      }
      if !tokens.insert(name, id: id) {
        let what = tokens.id(name) == nil ? "two tokens with the id \(id), one of them" : "twice"
        throw .malformed(problem: "model.vocab has \(what) the token \"\(spelled())\"")
      }
    }
    if forTrie { try checkForTrie(tokens) }
    return tokens
  }

  private func checkForTrie(_ tokens: Vocabulary) throws(TokenizerError) {
    if tokens.bytes.count >= 1 << 24 {
      throw .unsupported(
        part: "a vocabulary of \(tokens.bytes.count) bytes", known: "up to 16 million bytes")
    }
  }

  private func bytePairModel() throws(TokenizerError) -> BytePairModel {
    var options = BytePairModel.Options()
    options.unknown = try model["unk_token"].map { part throws(TokenizerError) in try part.text() }
    options.prefix = try model.text("continuing_subword_prefix", default: "")
    options.suffix = try model.text("end_of_word_suffix", default: "")
    options.fusesUnknown = try model.bool("fuse_unk", default: false)
    options.fallsBackToBytes = try model.bool("byte_fallback", default: false)
    options.ignoresMerges = try model.bool("ignore_merges", default: false)
    if let part = model["dropout"] {
      switch part.value {
      case .number(let dropout) where (0...1).contains(dropout): options.dropout = dropout
      case .integer(let dropout) where (0...1).contains(dropout): options.dropout = Double(dropout)
      default: throw part.error("must be a number from 0 to 1")
      }
    }
    let tokens = try readVocabulary()
    return BytePairModel(
      tokens, try readMerges(tokens, prefixLength: options.prefix.utf8.count), options,
      readsBytes: TokenizerPipeline.readsBytes(preTokenizer, options))
  }

  private func readMerges(
    _ tokens: Vocabulary, prefixLength: Int
  ) throws(TokenizerError) -> [BytePairModel.Merge] {
    guard let range = merges else { throw model.error("has no merges") }
    var merges: [BytePairModel.Merge] = []
    merges.reserveCapacity(tokens.count)
    var reader = DescriptionText(bytes, range)
    var text: [UInt8] = []
    try reader.forEachItem(from: UInt8(ascii: "["), to: UInt8(ascii: "]")) {
      reader throws(TokenizerError) in
      text.removeAll(keepingCapacity: true)
      guard let middle = try Self.readMerge(&reader, &text, number: merges.count) else { return }
      let left = tokens.id(text, 0..<middle)
      let right = tokens.id(text, middle..<text.count)
      let rightStart = middle + prefixLength
      if prefixLength > 0, rightStart <= text.count {
        text.removeSubrange(middle..<rightStart)
      }
      guard let left, let right, rightStart <= text.count + prefixLength,
        let result = tokens.id(text)
      else {
        throw .malformed(
          problem: "model.merges[\(merges.count)] has a part or a result outside the vocab: "
            + "\"\(String(decoding: text[..<middle], as: UTF8.self))\" and "
            + "\"\(String(decoding: text[middle...], as: UTF8.self))\"")
      }
      merges.append(BytePairModel.Merge(left: left, right: right, result: result))
    }
    return merges
  }

  /// Appends both parts of a merge to a text.
  /// - Returns: Where the second one begins; nil for a line that is no merge.
  private static func readMerge(
    _ reader: inout DescriptionText, _ text: inout [UInt8], number: Int
  ) throws(TokenizerError) -> Int? {
    let wrong = TokenizerError.malformed(problem: "model.merges[\(number)] has not two parts")
    reader.skipSpace()
    if reader.next == UInt8(ascii: "[") {
      var ends: [Int] = []
      var both = text
      try reader.forEachItem(from: UInt8(ascii: "["), to: UInt8(ascii: "]")) {
        reader throws(TokenizerError) in
        try reader.string(into: &both)
        ends.append(both.count)
      }
      guard ends.count == 2 else { throw wrong }
      text = both
      return ends[0]
    }
    guard reader.next == UInt8(ascii: "\"") else { throw wrong }
    try reader.string(into: &text)
    if text.starts(with: "#version".utf8) { return nil }
    guard let space = text.firstIndex(of: 0x20), text.lastIndex(of: 0x20) == space else {
      throw wrong
    }
    text.remove(at: space)
    return space
  }

  private func unigramModel() throws(TokenizerError) -> UnigramModel {
    var tokens = Vocabulary(capacity: min(vocabulary.count / 20, 1 << 20))
    var scores: [Double] = []
    var reader = DescriptionText(bytes, vocabulary)
    var text: [UInt8] = []
    try reader.forEachItem(from: UInt8(ascii: "["), to: UInt8(ascii: "]")) {
      reader throws(TokenizerError) in
      text.removeAll(keepingCapacity: true)
      try reader.expect(UInt8(ascii: "["))
      try reader.string(into: &text)
      try reader.expect(UInt8(ascii: ","))
      let score = try reader.number()
      try reader.expect(UInt8(ascii: "]"))
      guard score.isFinite, tokens.insert(text, id: scores.count) else {
        throw .malformed(
          problem: "model.vocab[\(scores.count)] is there twice or has no finite score: "
            + "\"\(String(decoding: text, as: UTF8.self))\"")
      }
      scores.append(score)
    }
    try checkForTrie(tokens)
    let unknown = try model["unk_id"].map { part throws(TokenizerError) in try part.count() }
    if let unknown, unknown >= scores.count {
      throw .malformed(problem: "model.unk_id is \(unknown), but there are \(scores.count) tokens")
    }
    return UnigramModel(
      tokens, scores: scores, unknown: unknown,
      fallsBackToBytes: try model.bool("byte_fallback", default: false))
  }

  private func addedTokens(_ vocabulary: Vocabulary) throws(TokenizerError) -> [AddedToken] {
    guard let list = root["added_tokens"] else { return [] }
    let parts = try list.elements()
    let limit = vocabulary.limit + 2 * parts.count + 1024
    var tokens: [AddedToken] = []
    var ids: [Int: ExactText] = [:]
    for part in parts {
      let text = try part.required("content").text()
      let id = try part.count("id")
      if text.isEmpty { continue }
      guard id < limit else { throw part.error("has the id \(id), far beyond the vocabulary") }
      let known = vocabulary.id(text)
      guard known == nil || known == id else {
        throw part.error("gives \"\(text)\" the id \(id), but the model's vocab \(known ?? 0)")
      }
      if let other = ids.updateValue(ExactText(text), forKey: id), other != ExactText(text) {
        throw part.error("has the id \(id) of another added token")
      }
      let isSpecial = try part.bool("special", default: false)
      tokens.append(
        AddedToken(
          id: id, text: text, isSpecial: isSpecial,
          isNormalized: try part.bool("normalized", default: !isSpecial),
          isSingleWord: try part.bool("single_word", default: false),
          stripsLeft: try part.bool("lstrip", default: false),
          stripsRight: try part.bool("rstrip", default: false)))
    }
    return tokens
  }
}
