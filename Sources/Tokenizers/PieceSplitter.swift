/// GPT-2's rule that cuts text into pieces before any merging:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// It works on UTF-8 bytes; a byte that is no part of a character counts as a symbol, so that any
/// bytes at all can be cut, and the pieces joined are the bytes.
public struct PieceSplitter: Sendable {
  public init() {}

  /// Calls `body` with the range of every piece, in order; together they cover all bytes.
  public func forEachPiece(in bytes: [UInt8], _ body: (Range<Int>) -> Void) {
    var place = 0
    while place < bytes.count {
      let end = endOfPiece(in: bytes, from: place)
      body(place..<end)
      place = end
    }
  }

  /// The ranges of all pieces.
  public func pieces(of bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    forEachPiece(in: bytes) { ranges.append($0) }
    return ranges
  }

  private func endOfPiece(in bytes: [UInt8], from start: Int) -> Int {
    if bytes[start] == UInt8(ascii: "'"), let length = contraction(in: bytes, at: start) {
      return start + length
    }
    let first = ScalarClass.at(start, in: bytes)
    if first.kind != .space {
      return endOfRun(of: first.kind, in: bytes, from: start + first.length)
    }
    let second = start + first.length
    if bytes[start] == UInt8(ascii: " "), second < bytes.count {
      let next = ScalarClass.at(second, in: bytes)
      if next.kind != .space {
        return endOfRun(of: next.kind, in: bytes, from: second + next.length)
      }
    }
    return endOfSpace(in: bytes, from: start)
  }

  private func endOfRun(of kind: ScalarClass.Kind, in bytes: [UInt8], from start: Int) -> Int {
    var place = start
    while place < bytes.count {
      let next = ScalarClass.at(place, in: bytes)
      if next.kind != kind { break }
      place += next.length
    }
    return place
  }

  /// The end of white space, which leaves its last character to a word that follows.
  private func endOfSpace(in bytes: [UInt8], from start: Int) -> Int {
    var place = start
    var last = start
    while place < bytes.count {
      let next = ScalarClass.at(place, in: bytes)
      if next.kind != .space { break }
      last = place
      place += next.length
    }
    return place == bytes.count || last == start ? place : last
  }

  /// The length of 's 't 're 've 'm 'll 'd at an apostrophe.
  private func contraction(in bytes: [UInt8], at start: Int) -> Int? {
    guard start + 1 < bytes.count else { return nil }
    let second = start + 2 < bytes.count ? bytes[start + 2] : 0
    switch (bytes[start + 1], second) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return 3
    default: return nil
    }
  }
}

/// What kind of character stands at a place of UTF-8 text, and how many bytes it has.
struct ScalarClass {
  enum Kind: UInt8 { case letter, number, space, symbol }

  let kind: Kind
  let length: Int

  static func at(_ place: Int, in bytes: [UInt8]) -> ScalarClass {
    let byte = bytes[place]
    if byte < 0x80 { return ScalarClass(kind: asciiKind(byte), length: 1) }
    guard let (scalar, length) = decode(place, in: bytes) else {
      return ScalarClass(kind: .symbol, length: 1)
    }
    return ScalarClass(kind: kind(of: scalar), length: length)
  }

  private static func asciiKind(_ byte: UInt8) -> Kind {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): .letter
    case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
    case 0x09...0x0D, 0x20: .space
    default: .symbol
    }
  }

  private static func kind(of scalar: UnicodeScalar) -> Kind {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      .letter
    case .decimalNumber, .letterNumber, .otherNumber: .number
    default: scalar.properties.isWhitespace ? .space : .symbol
    }
  }

  /// The character that begins here and its bytes; nil where none does.
  private static func decode(_ place: Int, in bytes: [UInt8]) -> (UnicodeScalar, Int)? {
    let first = bytes[place]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, place + length <= bytes.count else { return nil }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for byte in bytes[place + 1..<place + length] {
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    // A longer form than needed is no character, nor is what `UnicodeScalar` refuses.
    let least: UInt32 = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80
    guard value >= least, let scalar = UnicodeScalar(value) else { return nil }
    return (scalar, length)
  }
}
