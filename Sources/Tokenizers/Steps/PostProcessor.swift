package import Documents

/// The step that adds the special tokens a model expects around texts.
public struct PostProcessor: Sendable {
  indirect enum Kind: Sendable {
    case sequence([Kind])
    case bert(Token, separator: Token)
    case roberta(Token, separator: Token, trimsOffsets: Bool, prefixesSpace: Bool)
    case byteLevel(trimsOffsets: Bool, prefixesSpace: Bool)
    case template(single: [Piece], pair: [Piece])
  }

  struct Token: Sendable {
    let text: String
    let id: Int
  }

  /// A part of a template.
  enum Piece: Sendable {
    /// The text of this number.
    case text(Int, typeID: Int)
    case special([Token], typeID: Int)
  }

  let kind: Kind
  /// As the file writes it.
  package let json: JSONValue

  /// - Parameter json: The object that describes it, as under `post_processor` in a
  ///   `tokenizer.json`.
  public init(json text: String) throws(TokenizerError) {
    try self.init(JSONPart(parsing: text, at: "post_processor"))
  }

  package init(_ part: JSONPart) throws(TokenizerError) {
    kind = try Kind(part)
    json = part.value
  }

  /// How many tokens are added to one text or to a pair.
  func addedCount(isPair: Bool) -> Int { kind.addedCount(isPair: isPair) }

  /// Joins the encodings of one text or two.
  func process(_ encodings: [Encoding], addingSpecialTokens: Bool) -> Encoding {
    var encodings = encodings
    for index in encodings.indices {
      encodings[index].typeIDs = Array(repeating: index, count: encodings[index].count)
    }
    kind.apply(to: &encodings, addingSpecialTokens)
    return Self.joined(encodings)
  }

  static func joined(_ encodings: [Encoding]) -> Encoding {
    var joined = Encoding()
    for encoding in encodings { joined.merge(encoding) }
    return joined
  }
}

extension PostProcessor.Kind {
  init(_ part: JSONPart) throws(TokenizerError) {
    switch try part.text("type") {
    case "Sequence":
      var kinds: [Self] = []
      for part in try part.required("processors").elements() { kinds.append(try Self(part)) }
      self = .sequence(kinds)
    case "BertProcessing":
      self = .bert(try Self.token(part, "cls"), separator: try Self.token(part, "sep"))
    case "RobertaProcessing":
      self = .roberta(
        try Self.token(part, "cls"), separator: try Self.token(part, "sep"),
        trimsOffsets: try part.bool("trim_offsets", default: true),
        prefixesSpace: try part.bool("add_prefix_space", default: true))
    case "ByteLevel":
      self = .byteLevel(
        trimsOffsets: try part.bool("trim_offsets", default: true),
        prefixesSpace: try part.bool("add_prefix_space", default: true))
    case "TemplateProcessing":
      let tokens = try Self.specialTokens(part)
      self = .template(
        single: try Self.pieces(part, "single", tokens), pair: try Self.pieces(part, "pair", tokens)
      )
    default:
      throw try part.unsupportedType(
        "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing")
    }
  }

  private static func token(
    _ part: JSONPart, _ name: String
  ) throws(TokenizerError) -> PostProcessor.Token {
    let pair = try part.required(name)
    let elements = try pair.elements()
    guard elements.count == 2 else { throw pair.error("must be a token and its id") }
    return PostProcessor.Token(text: try elements[0].text(), id: try elements[1].count())
  }

  private static func specialTokens(
    _ part: JSONPart
  ) throws(TokenizerError) -> [ExactText: [PostProcessor.Token]] {
    guard let part = part["special_tokens"] else { return [:] }
    guard let members = part.value.members else { throw part.error("must be an object") }
    var tokens: [ExactText: [PostProcessor.Token]] = [:]
    for member in members {
      let part = JSONPart(member.value, at: "\(part.path).\(member.name)")
      let ids = try part.required("ids").elements()
      let texts = try part.required("tokens").elements()
      guard ids.count == texts.count else { throw part.error("has not as many ids as tokens") }
      var list: [PostProcessor.Token] = []
      for (id, text) in zip(ids, texts) {
        list.append(PostProcessor.Token(text: try text.text(), id: try id.count()))
      }
      tokens[ExactText(member.name)] = list
    }
    return tokens
  }

  private static func pieces(
    _ part: JSONPart, _ name: String, _ tokens: [ExactText: [PostProcessor.Token]]
  ) throws(TokenizerError) -> [PostProcessor.Piece] {
    var pieces: [PostProcessor.Piece] = []
    for element in try part.required(name).elements() {
      if let text = element["Sequence"] {
        let id = try text.text("id")
        guard id == "A" || id == "B" && name == "pair" else {
          throw text.error("names the text \"\(id)\", which is not there")
        }
        pieces.append(.text(id == "A" ? 0 : 1, typeID: try text.count("type_id", default: 0)))
      } else {
        let special = try element.required("SpecialToken")
        let id = try special.text("id")
        guard let list = tokens[ExactText(id)] else {
          throw special.error(
            "names \"\(id)\", which is not among special_tokens; define it there")
        }
        pieces.append(.special(list, typeID: try special.count("type_id", default: 0)))
      }
    }
    return pieces
  }

  func addedCount(isPair: Bool) -> Int {
    switch self {
    case .sequence(let kinds): kinds.reduce(0) { $0 + $1.addedCount(isPair: isPair) }
    case .bert: isPair ? 3 : 2
    case .roberta: isPair ? 4 : 2
    case .byteLevel: 0
    case .template(let single, let pair):
      (isPair ? pair : single).reduce(0) { count, piece in
        if case .special(let tokens, _) = piece { count + tokens.count } else { count }
      }
    }
  }

  func apply(to encodings: inout [Encoding], _ addsTokens: Bool) {
    switch self {
    case .sequence(let kinds): for kind in kinds { kind.apply(to: &encodings, addsTokens) }
    case .byteLevel(let trimsOffsets, let prefixesSpace):
      if trimsOffsets { Self.trim(&encodings, prefixesSpace) }
    case .bert(let first, let separator):
      if addsTokens { Self.surround(&encodings, first, separator, isRoberta: false) }
    case .roberta(let first, let separator, let trimsOffsets, let prefixesSpace):
      if trimsOffsets { Self.trim(&encodings, prefixesSpace) }
      for index in encodings.indices {
        encodings[index].typeIDs = Array(repeating: 0, count: encodings[index].count)
      }
      if addsTokens { Self.surround(&encodings, first, separator, isRoberta: true) }
    case .template(let single, let pair):
      Self.fill(encodings.count > 1 ? pair : single, &encodings, addsTokens)
    }
  }

  private static func surround(
    _ encodings: inout [Encoding], _ first: PostProcessor.Token, _ last: PostProcessor.Token,
    isRoberta: Bool
  ) {
    func surrounded(_ encoding: Encoding, _ number: Int) -> Encoding {
      let typeID = isRoberta ? 0 : number
      var result = Encoding()
      if number == 0 {
        result.append(id: first.id, token: first.text, typeID: typeID, isSpecial: true)
      } else if isRoberta {
        result.append(id: last.id, token: last.text, typeID: typeID, isSpecial: true)
      }
      result.append(encoding)
      result.append(id: last.id, token: last.text, typeID: typeID, isSpecial: true)
      if isRoberta { result.typeIDs = Array(repeating: 0, count: result.count) }
      result.overflow = encoding.overflow.map { surrounded($0, number) }
      return result
    }
    for index in encodings.indices { encodings[index] = surrounded(encodings[index], index) }
  }

  private static func fill(
    _ template: [PostProcessor.Piece], _ encodings: inout [Encoding], _ addsTokens: Bool
  ) {
    var parts: [Encoding] = []
    for piece in template {
      switch piece {
      case .text(let number, let typeID):
        guard encodings.indices.contains(number) else { continue }
        var part = encodings[number]
        part.typeIDs = Array(repeating: typeID, count: part.count)
        parts.append(part)
      case .special(let tokens, let typeID):
        guard addsTokens else { continue }
        var part = Encoding()
        for token in tokens {
          part.append(id: token.id, token: token.text, typeID: typeID, isSpecial: true)
        }
        parts.append(part)
      }
    }
    encodings = parts
  }

  /// Leaves white space out of what tokens stand for.
  private static func trim(_ encodings: inout [Encoding], _ prefixesSpace: Bool) {
    for index in encodings.indices {
      trim(&encodings[index], prefixesSpace)
      trim(&encodings[index].overflow, prefixesSpace)
    }
  }

  private static func trim(_ encoding: inout Encoding, _ prefixesSpace: Bool) {
    func isSpace(_ scalar: UnicodeScalar) -> Bool {
      scalar == "\u{120}" || scalar.properties.isWhitespace
    }
    for index in encoding.tokens.indices {
      let scalars = encoding.tokens[index].unicodeScalars
      var leading = scalars.prefix(while: isSpace).count
      let trailing = scalars.reversed().prefix(while: isSpace).count
      if leading == 0, trailing == 0 { continue }
      var span = encoding.offsets[index]
      // One space in front is the one that was added.
      if index == 0 || span.start == 0, prefixesSpace, leading == 1 { leading = 0 }
      span.start = min(span.start + leading, span.end)
      if trailing > 0, span.end >= trailing { span.end = max(span.end - trailing, span.start) }
      encoding.offsets[index] = span
    }
  }
}
