package import Documents

/// The step that makes text of tokens.
public struct TokenDecoder: Sendable {
  indirect enum Kind: Sendable {
    case sequence([Kind])
    case bytePair(suffix: [UInt8])
    case byteLevel
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    case metaspace(replacement: [UInt8], dropsFirst: Bool)
    case ctc(padding: [UInt8], delimiter: [UInt8], cleansUp: Bool)
    case replace(Pattern, with: [UInt8])
    case fuse
    case strip(UInt32, start: Int, end: Int)
    case byteFallback
  }

  let kind: Kind
  /// As the file writes it.
  package let json: JSONValue

  /// - Parameter json: The object that describes it, as under `decoder` in a `tokenizer.json`.
  public init(json text: String) throws(TokenizerError) {
    try self.init(JSONPart(parsing: text, at: "decoder"))
  }

  package init(_ part: JSONPart) throws(TokenizerError) {
    kind = try Kind(part)
    json = part.value
  }

  /// The bytes that tokens stand for; only byte-level decoders give bytes that are no UTF-8.
  func decode(_ tokens: [[UInt8]]) -> [UInt8] {
    var parts = tokens
    kind.apply(to: &parts)
    return Array(parts.joined())
  }
}

extension TokenDecoder.Kind {
  init(_ part: JSONPart) throws(TokenizerError) {
    switch try part.text("type") {
    case "Sequence":
      var kinds: [Self] = []
      for part in try part.required("decoders").elements() { kinds.append(try Self(part)) }
      self = .sequence(kinds)
    case "BPEDecoder":
      self = .bytePair(suffix: Array(try part.text("suffix", default: "</w>").utf8))
    case "ByteLevel": self = .byteLevel
    case "WordPiece":
      self = .wordPiece(
        prefix: Array(try part.text("prefix", default: "##").utf8),
        cleansUp: try part.bool("cleanup", default: true))
    case "Metaspace":
      let metaspace = try Metaspace(part)
      var mark: [UInt8] = []
      UTF8Text.append(metaspace.replacement, to: &mark)
      self = .metaspace(replacement: mark, dropsFirst: metaspace.scheme != .never)
    case "CTC":
      self = .ctc(
        padding: Array(try part.text("pad_token", default: "<pad>").utf8),
        delimiter: Array(try part.text("word_delimiter_token", default: "|").utf8),
        cleansUp: try part.bool("cleanup", default: true))
    case "Replace": self = .replace(try part.pattern(), with: try part.required("content").bytes())
    case "Fuse": self = .fuse
    case "Strip":
      self = .strip(
        try part.character("content"), start: try part.count("start", default: 0),
        end: try part.count("stop", default: 0))
    case "ByteFallback": self = .byteFallback
    default:
      throw try part.unsupportedType(
        "BPEDecoder, ByteFallback, ByteLevel, CTC, Fuse, Metaspace, Replace, Sequence, Strip, "
          + "WordPiece")
    }
  }

  func apply(to parts: inout [[UInt8]]) {
    switch self {
    case .sequence(let kinds):
      for (index, kind) in kinds.enumerated() {
        kind.apply(to: &parts)
        // Only at the end may half a character be left, for one who collects bytes.
        if case .byteLevel = kind, index < kinds.count - 1 { parts = parts.map(UTF8Text.repaired) }
      }
    case .bytePair(let suffix):
      for index in parts.indices {
        parts[index] = parts[index].substituting(
          suffix, with: index == parts.count - 1 ? [] : [0x20])
      }
    case .byteLevel:
      var bytes: [UInt8] = []
      for part in parts where !ByteAlphabet.append(bytesOf: part, to: &bytes) {
        bytes.append(contentsOf: part)
      }
      parts = [bytes]
    case .wordPiece(let prefix, let cleansUp):
      for index in parts.indices {
        if index > 0 {
          parts[index] =
            parts[index].starts(with: prefix)
            ? Array(parts[index].dropFirst(prefix.count)) : [0x20] + parts[index]
        }
        if cleansUp { parts[index] = TextCleanup.apply(to: parts[index]) }
      }
    case .metaspace(let replacement, let dropsFirst):
      for index in parts.indices {
        parts[index] = parts[index].substituting(
          replacement, with: index == 0 && dropsFirst ? [] : [0x20])
      }
    case .ctc(let padding, let delimiter, let cleansUp):
      parts = Self.collapsed(parts, padding, delimiter, cleansUp)
    case .replace(let pattern, let content):
      for index in parts.indices {
        let text = AlignedText(parts[index], isTracked: false)
        parts[index] = text.replacing(pattern, with: content).bytes
      }
    case .fuse: parts = [Array(parts.joined())]
    case .strip(let character, let start, let end):
      for index in parts.indices {
        parts[index] = Self.stripped(parts[index], character, start, end)
      }
    case .byteFallback: parts = Self.joiningBytes(parts)
    }
  }

  /// Tokens that repeat are one, as in connectionist temporal classification.
  private static func collapsed(
    _ parts: [[UInt8]], _ padding: [UInt8], _ delimiter: [UInt8], _ cleansUp: Bool
  ) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for (index, part) in parts.enumerated() where index == 0 || part != parts[index - 1] {
      var text = part.substituting(padding, with: [])
      if cleansUp { text = TextCleanup.apply(to: text).substituting(delimiter, with: [0x20]) }
      if !text.isEmpty { result.append(text) }
    }
    return result
  }

  private static func stripped(
    _ text: [UInt8], _ character: UInt32, _ start: Int, _ end: Int
  ) -> [UInt8] {
    var range = 0..<text.count
    for _ in 0..<min(start, text.count) where !range.isEmpty {
      let first = UTF8Text.character(at: range.lowerBound, in: text)
      guard first.value == character else { break }
      range = range.lowerBound + first.length..<range.upperBound
    }
    for _ in 0..<min(end, text.count) where !range.isEmpty {
      let last = UTF8Text.character(before: range.upperBound, in: text)
      guard last.value == character else { break }
      range = range.lowerBound..<range.upperBound - last.length
    }
    return Array(text[range])
  }

  /// Joins tokens such as `<0xE2>` to characters.
  private static func joiningBytes(_ parts: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        result += bytes.map { _ in Array("\u{FFFD}".utf8) }
      }
      bytes = []
    }
    for part in parts {
      if let byte = ByteTokens.byte(part) {
        bytes.append(byte)
      } else {
        flush()
        result.append(part)
      }
    }
    flush()
    return result
  }
}

extension [UInt8] {
  /// With one text in place of another.
  fileprivate func substituting(_ old: [UInt8], with new: [UInt8]) -> [UInt8] {
    AlignedText(self, isTracked: false).replacing(.text(old), with: new).bytes
  }
}

/// Tokens such as `<0xE2>` that stand for one byte.
enum ByteTokens {
  static func text(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  static func byte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }
}

/// The spaces that WordPiece's decoder takes out of English text.
enum TextCleanup {
  private static let replacements: [([UInt8], [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

  static func apply(to text: [UInt8]) -> [UInt8] {
    if !text.contains(0x20) { return text }
    return replacements.reduce(text) { $0.substituting($1.0, with: $1.1) }
  }
}
