package import Documents

/// The first step of a tokenizer: makes texts alike that should be, such as capital and small
/// letters.
public struct Normalizer: Sendable {
  indirect enum Kind: Sendable {
    case sequence([Kind])
    case bert(cleans: Bool, spacesHan: Bool, stripsAccents: Bool, lowers: Bool)
    case strip(left: Bool, right: Bool)
    case stripAccents
    case form(NormalForm)
    case lowercase
    case nmt
    case precompiled(PrecompiledMap)
    case replace(Pattern, with: [UInt8])
    case prepend([UInt8])
    case byteLevel
  }

  let kind: Kind
  /// As the file writes it.
  package let json: JSONValue

  /// - Parameter json: The object that describes it, as under `normalizer` in a `tokenizer.json`,
  ///   such as `{"type": "NFKC"}`.
  public init(json text: String) throws(TokenizerError) {
    try self.init(JSONPart(parsing: text, at: "normalizer"))
  }

  package init(_ part: JSONPart) throws(TokenizerError) {
    kind = try Kind(part)
    json = part.value
  }

  /// The text as the steps that follow see it.
  public func normalize(_ text: String) -> String {
    String(
      decoding: normalize(AlignedText(Array(text.utf8), isTracked: false)).bytes, as: UTF8.self)
  }

  func normalize(_ text: AlignedText) -> AlignedText { kind.normalize(text) }
}

extension JSONPart {
  init(parsing text: String, at path: String) throws(TokenizerError) {
    do throws(JSONError) { self.init(try JSONValue(parsing: Array(text.utf8)), at: path) } catch {
      throw .malformed(problem: "\(path) is no JSON: \(error)")
    }
  }
}

extension Normalizer.Kind {
  init(_ part: JSONPart) throws(TokenizerError) {
    switch try part.text("type") {
    case "Sequence":
      var kinds: [Self] = []
      for part in try part.required("normalizers").elements() { kinds.append(try Self(part)) }
      self = .sequence(kinds)
    case "BertNormalizer", "Bert":
      let lowers = try part.bool("lowercase", default: true)
      self = .bert(
        cleans: try part.bool("clean_text", default: true),
        spacesHan: try part.bool("handle_chinese_chars", default: true),
        stripsAccents: try part.bool("strip_accents", default: lowers), lowers: lowers)
    case "Strip", "StripNormalizer":
      self = .strip(
        left: try part.bool("strip_left", default: true),
        right: try part.bool("strip_right", default: true))
    case "StripAccents": self = .stripAccents
    case "NFC": self = .form(.nfc)
    case "NFD": self = .form(.nfd)
    case "NFKC": self = .form(.nfkc)
    case "NFKD": self = .form(.nfkd)
    case "Lowercase": self = .lowercase
    case "Nmt": self = .nmt
    case "Precompiled":
      self = .precompiled(try PrecompiledMap(part.required("precompiled_charsmap")))
    case "Replace":
      self = .replace(try part.pattern(), with: try part.required("content").bytes())
    case "Prepend": self = .prepend(try part.required("prepend").bytes())
    case "ByteLevel": self = .byteLevel
    default:
      throw try part.unsupportedType(
        "BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, "
          + "Replace, Sequence, Strip, StripAccents")
    }
  }

  func normalize(_ text: AlignedText) -> AlignedText {
    if text.bytes.isEmpty { return text }
    switch self {
    case .sequence(let kinds): return kinds.reduce(text) { $1.normalize($0) }
    case .bert(let cleans, let spacesHan, let stripsAccents, let lowers):
      var text = text
      if cleans { text = text.cleaned() }
      if spacesHan { text = text.spacingHan() }
      if stripsAccents {
        text = NormalFormWriter.normalize(text, to: .nfd)
        text = text.filtered { !CharacterClass.of($0).contains(.nonspacingMark) }
      }
      return lowers ? text.lowercased() : text
    case .strip(let left, let right): return text.stripped(left: left, right: right)
    case .stripAccents: return text.filtered { !CharacterClass.of($0).contains(.mark) }
    case .form(let form): return NormalFormWriter.normalize(text, to: form)
    case .lowercase: return text.lowercased()
    case .nmt: return text.forTranslation()
    case .precompiled(let map): return map.normalize(text)
    case .replace(let pattern, let content): return text.replacing(pattern, with: content)
    case .prepend(let prefix): return text.prepending(prefix)
    case .byteLevel: return text.inByteAlphabet()
    }
  }
}
