package import Documents

/// The step that cuts a text into pieces, across which no token reaches.
public struct PreTokenizer: Sendable {
  indirect enum Kind: Sendable {
    case sequence([Kind])
    case bert
    case byteLevel(prefixesSpace: Bool, usesRegex: Bool, mapsBytes: Bool)
    case character(UInt32)
    case digits(individual: Bool)
    case fixedLength(Int)
    case metaspace(Metaspace)
    case punctuation(SplitBehavior)
    case split(Pattern, SplitBehavior, inverted: Bool)
    case unicodeScripts
    case whitespace
    case whitespaceSplit
  }

  private(set) var kind: Kind
  /// As the file writes it.
  package let json: JSONValue

  /// - Parameter json: The object that describes it, as under `pre_tokenizer` in a
  ///   `tokenizer.json`, such as `{"type": "Whitespace"}`.
  public init(json text: String) throws(TokenizerError) {
    try self.init(JSONPart(parsing: text, at: "pre_tokenizer"))
  }

  package init(_ part: JSONPart) throws(TokenizerError) {
    kind = try Kind(part)
    json = part.value
  }

  /// The pieces of a text.
  public func pieces(of text: String) -> [String] {
    let cut = cut(AlignedText(Array(text.utf8), isTracked: false))
    return cut.pieces.map { String(decoding: cut.text.bytes[$0.range], as: UTF8.self) }
  }

  /// The pieces of a text and what they stand for in it, in scalars.
  package func piecesWithOffsets(of text: String) -> [(text: String, span: TextSpan)] {
    let bytes = Array(text.utf8)
    let cut = cut(AlignedText(bytes))
    let counter = ScalarCounter(bytes)
    return cut.pieces.map { piece in
      let span = cut.text.span(of: piece.range)
      return (
        String(decoding: cut.text.bytes[piece.range], as: UTF8.self), counter.span(of: span)
      )
    }
  }

  private func cut(_ text: AlignedText) -> Pieces {
    let piece = Pieces.Piece(start: 0, end: text.bytes.count)
    var pieces = Pieces(text: text, pieces: text.bytes.isEmpty ? [] : [piece])
    kind.apply(to: &pieces)
    return pieces
  }

  /// The same, without the last step's byte alphabet: for models that read bytes. Nil where the
  /// last step has no such alphabet.
  func readingBytes() -> PreTokenizer? {
    func bare(_ kind: Kind) -> Kind? {
      switch kind {
      case .byteLevel(let prefixesSpace, let usesRegex, _):
        return .byteLevel(prefixesSpace: prefixesSpace, usesRegex: usesRegex, mapsBytes: false)
      case .sequence(let kinds):
        guard let last = kinds.last, let bareLast = bare(last) else { return nil }
        return .sequence(kinds.dropLast() + [bareLast])
      default: return nil
      }
    }
    var copy = self
    guard let kind = bare(kind) else { return nil }
    copy.kind = kind
    return copy
  }
}

/// SentencePiece's way to keep spaces: a visible character in place of every one.
struct Metaspace: Sendable {
  enum Scheme: String, CaseIterable, Sendable { case first, never, always }

  let replacement: UInt32
  let scheme: Scheme
  let splits: Bool

  init(_ part: JSONPart) throws(TokenizerError) {
    replacement = try part.character("replacement", default: "\u{2581}")
    let addsSpace = try part.bool("add_prefix_space", default: true)
    let scheme: Scheme = try part.choice("prepend_scheme", default: addsSpace ? .always : .never)
    if !addsSpace, scheme != .never {
      throw part.error("has an add_prefix_space that contradicts its prepend_scheme")
    }
    self.scheme = scheme
    splits = try part.bool("split", default: true)
  }

  func apply(to pieces: inout Pieces) {
    var mark: [UInt8] = []
    UTF8Text.append(replacement, to: &mark)
    let bytes = pieces.text.bytes
    pieces.rewrite { piece, builder in
      let first = bytes[piece.start]
      let isMarked = first == 0x20 || bytes[piece.range].starts(with: mark)
      let begins = scheme == .always || scheme == .first && builder.spanHere.start == 0
      if !isMarked, begins { builder.insert(mark, standingFor: builder.spanHere) }
      for place in piece.range where bytes[place] == 0x20 {
        builder.keep(to: place)
        builder.insert(mark, standingFor: builder.spanHere)
        builder.skip(to: place + 1)
      }
    }
    if splits { pieces.split(.mergedWithNext) { $0 == replacement } }
  }
}

extension PreTokenizer.Kind {
  init(_ part: JSONPart) throws(TokenizerError) {
    switch try part.text("type") {
    case "Sequence":
      var kinds: [Self] = []
      for part in try part.required("pretokenizers").elements() { kinds.append(try Self(part)) }
      self = .sequence(kinds)
    case "BertPreTokenizer": self = .bert
    case "ByteLevel":
      self = .byteLevel(
        prefixesSpace: try part.bool("add_prefix_space", default: true),
        usesRegex: try part.bool("use_regex", default: true), mapsBytes: true)
    case "CharDelimiterSplit": self = .character(try part.character("delimiter"))
    case "Digits": self = .digits(individual: try part.bool("individual_digits", default: false))
    case "FixedLength":
      let length = try part.count("length", default: 5)
      if length == 0 { throw part.error("has the length 0") }
      self = .fixedLength(length)
    case "Metaspace": self = .metaspace(try Metaspace(part))
    case "Punctuation": self = .punctuation(try part.choice("behavior", default: .isolated))
    case "Split":
      self = .split(
        try part.pattern(), try part.choice("behavior"),
        inverted: try part.bool("invert", default: false))
    case "UnicodeScripts": self = .unicodeScripts
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    default:
      throw try part.unsupportedType(
        "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, FixedLength, Metaspace, "
          + "Punctuation, Sequence, Split, UnicodeScripts, Whitespace, WhitespaceSplit")
    }
  }

  func apply(to pieces: inout Pieces) {
    switch self {
    case .sequence(let kinds): for kind in kinds { kind.apply(to: &pieces) }
    case .bert:
      pieces.split(.removed) { CharacterClass.of($0).contains(.space) }
      pieces.split(.isolated) { CharacterClass.of($0).contains(.punctuation) }
    case .byteLevel(let prefixesSpace, let usesRegex, let mapsBytes):
      if prefixesSpace { Self.prefixSpace(&pieces) }
      if usesRegex {
        pieces.split(.isolated, matches: PieceScanner.gpt2.forEachPiece)
      }
      if mapsBytes {
        pieces.rewrite { piece, builder in builder.keepInByteAlphabet(to: piece.end) }
      }
    case .character(let value): pieces.split(.removed) { $0 == value }
    case .digits(let individual):
      pieces.split(individual ? .isolated : .contiguous) {
        CharacterClass.of($0).contains(.number)
      }
    case .fixedLength(let length): Self.cut(&pieces, every: length)
    case .metaspace(let metaspace): metaspace.apply(to: &pieces)
    case .punctuation(let behavior):
      pieces.split(behavior) { CharacterClass.of($0).contains(.punctuation) }
    case .split(let pattern, let behavior, let inverted):
      pieces.split(behavior, inverted: inverted, matches: pattern.forEachMatch)
    case .unicodeScripts: Self.cutAtScripts(&pieces)
    case .whitespace: Self.cutWords(&pieces)
    case .whitespaceSplit:
      pieces.split(.removed) { CharacterClass.of($0).contains(.space) }
    }
  }

  private static func prefixSpace(_ pieces: inout Pieces) {
    let bytes = pieces.text.bytes
    if pieces.pieces.allSatisfy({ $0.token != nil || bytes[$0.start] == 0x20 }) { return }
    pieces.rewrite { piece, builder in
      if bytes[piece.start] != 0x20 { builder.insert([0x20], standingFor: builder.spanHere) }
    }
  }

  private static func cut(_ pieces: inout Pieces, every length: Int) {
    let bytes = pieces.text.bytes
    pieces.split { range, body in
      var (start, place, count) = (range.lowerBound, range.lowerBound, 0)
      while place < range.upperBound {
        place += UTF8Text.character(at: place, in: bytes).length
        count += 1
        if count == length || place >= range.upperBound {
          body(start..<place)
          (start, count) = (place, 0)
        }
      }
    }
  }

  /// `\w+|[^\w\s]+`.
  private static func cutWords(_ pieces: inout Pieces) {
    let bytes = pieces.text.bytes
    pieces.split { range, body in
      var start = range.lowerBound
      var kind = 0
      var place = start
      while place < range.upperBound {
        let character = UTF8Text.character(at: place, in: bytes)
        let classes = CharacterClass.of(character.value)
        let isJoiner = character.value == 0x200C || character.value == 0x200D
        let next = classes.contains(.word) || isJoiner ? 1 : classes.contains(.space) ? 2 : 3
        if next != kind {
          if kind == 1 || kind == 3 { body(start..<place) }
          (start, kind) = (place, next)
        }
        place += character.length
      }
      if kind == 1 || kind == 3 { body(start..<place) }
    }
  }

  /// Cuts where the script changes; Japanese syllables count as Chinese writing, and spaces and
  /// characters without a script as any script, as in SentencePiece.
  private static func cutAtScripts(_ pieces: inout Pieces) {
    let table = ScriptTable.shared
    let han = table.number(of: "han")
    let syllabaries = [table.number(of: "hiragana"), table.number(of: "katakana")]
    let bytes = pieces.text.bytes
    pieces.split { range, body in
      // Nil: nothing seen yet. The reference cuts no piece before the first known script.
      var last: Int?
      var start: Int?
      var place = range.lowerBound
      while place < range.upperBound {
        let character = UTF8Text.character(at: place, in: bytes)
        var script = character.value == 0x20 ? nil : table.script(of: character.value)
        if character.value == 0x30FC || script != nil && syllabaries.contains(script) {
          script = han
        }
        if let script {
          if last != script {
            if let start { body(start..<place) }
            start = place
          }
          last = script
        }
        place += character.length
      }
      if let start { body(start..<range.upperBound) }
    }
  }
}
