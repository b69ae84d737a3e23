import Documents

/// Reads the large parts of a description straight from its bytes: a vocabulary of 150,000 tokens
/// would take several times longer as a tree of values.
struct DescriptionText {
  let bytes: [UInt8]
  var place: Int
  let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    place = range.lowerBound
    end = range.upperBound
  }

  func error(_ problem: String) -> TokenizerError {
    .malformed(problem: "\(problem) at byte \(place)")
  }

  /// The byte here, or 0, which is no part of any value, at the end.
  @inline(__always)
  var next: UInt8 { place < end ? bytes[place] : 0 }

  @inline(__always)
  mutating func skipSpace() {
    while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { place += 1 }
  }

  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    place += 1
    return true
  }

  mutating func expect(_ byte: UInt8) throws(TokenizerError) {
    guard take(byte) else { throw error("expected \(UnicodeScalar(byte))") }
  }

  /// Calls `body` for every member or element; it reads the value.
  mutating func forEachItem(
    from open: UInt8, to close: UInt8,
    _ body: (inout DescriptionText) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    try expect(open)
    if take(close) { return }
    while true {
      try body(&self)
      if take(close) { return }
      try expect(UInt8(ascii: ","))
    }
  }

  /// Calls `body` with every member's name, which stands in `text`; it reads the value.
  mutating func forEachMember(
    _ text: inout [UInt8],
    _ body: (inout DescriptionText, inout [UInt8]) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    var name = text
    try forEachItem(from: UInt8(ascii: "{"), to: UInt8(ascii: "}")) {
      reader throws(TokenizerError) in
      name.removeAll(keepingCapacity: true)
      try reader.string(into: &name)
      try reader.expect(UInt8(ascii: ":"))
      try body(&reader, &name)
    }
    text = name
  }

  /// Appends the text of a string.
  mutating func string(into text: inout [UInt8]) throws(TokenizerError) {
    guard take(UInt8(ascii: "\"")) else { throw error("expected a string") }
    let start = place
    while next >= 0x20, next != UInt8(ascii: "\""), next != UInt8(ascii: "\\") { place += 1 }
    if next == UInt8(ascii: "\"") {
      text.append(contentsOf: bytes[start..<place])
      place += 1
      return
    }
    // The rest has escapes, or is broken.
    while place < end, next != UInt8(ascii: "\"") {
      place += next == UInt8(ascii: "\\") ? 2 : 1
    }
    guard next == UInt8(ascii: "\"") else { throw error("an open string") }
    place += 1
    guard case .string(let value) = try value(start - 1..<place) else {
      throw error("expected a string")
    }
    text.append(contentsOf: value.utf8)
  }

  /// A whole number that fits.
  mutating func integer() throws(TokenizerError) -> Int {
    skipSpace()
    let start = place
    var value = 0
    while next >= 0x30, next <= 0x39, place - start < 18 {
      value = value * 10 + Int(next - 0x30)
      place += 1
    }
    let isFollowed = next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e")
    let hasZero = place - start > 1 && bytes[start] == UInt8(ascii: "0")
    guard place > start, !isFollowed, !hasZero, !(next >= 0x30 && next <= 0x39) else {
      place = start
      throw error("expected a whole number that is not negative")
    }
    return value
  }

  mutating func number() throws(TokenizerError) -> Double {
    skipSpace()
    let start = place
    while place < end, next > 0x20, next != UInt8(ascii: ","), next != UInt8(ascii: "]") {
      place += 1
    }
    switch try value(start..<place) {
    case .number(let number): return number
    case .integer(let number): return Double(number)
    default: throw error("expected a number")
    }
  }

  /// The extent of the next value, which is not checked.
  mutating func skipValue() throws(TokenizerError) -> Range<Int> {
    skipSpace()
    let start = place
    var depth = 0
    repeat {
      switch next {
      case UInt8(ascii: "\""):
        place += 1
        while place < end, next != UInt8(ascii: "\"") {
          place += next == UInt8(ascii: "\\") ? 2 : 1
        }
        place += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        place += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        place += 1
      case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09: place += 1
      default:
        while place < end, !Self.endsWord[Int(next)] { place += 1 }
        if next == UInt8(ascii: ":") { place += 1 }
      }
      if depth < 0 || place > end || depth > 0 && place == end {
        throw error("the text ends before its value")
      }
    } while depth > 0
    if place == start { throw error("no value begins here") }
    return start..<place
  }

  private static let endsWord: [Bool] = (0..<256).map { byte in
    "{}[],:\" \n\r\t".utf8.contains(UInt8(byte))
  }

  func value(_ range: Range<Int>) throws(TokenizerError) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: Array(bytes[range])) } catch {
      throw .malformed(
        problem: "\(error.problem) at byte \(range.lowerBound + error.offset)")
    }
  }
}
