extension JSONValue {
  /// Reads a JSON text (RFC 8259), strictly.
  ///
  /// - Parameters:
  ///   - bytes: The text in UTF-8.
  ///   - depth: How deep arrays and objects may lie in each other.
  ///   - takesPythonNumbers: Whether `NaN`, `Infinity` and `-Infinity` are numbers too: Python
  ///     writes them into configuration files, though JSON has no such numbers.
  public init(
    parsing bytes: [UInt8], depth: Int = 128, takesPythonNumbers: Bool = false
  ) throws(JSONError) {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw JSONError(offset: 0, problem: "the text is not UTF-8")
    }
    var reader = JSONReader(bytes: bytes, takesPythonNumbers: takesPythonNumbers)
    self = try reader.value(depth)
    reader.skipSpace()
    if reader.place < bytes.count { throw reader.error("there is text after the value") }
  }
}

/// Reads one value after the other from bytes that are known to be UTF-8.
private struct JSONReader {
  let bytes: [UInt8]
  let takesPythonNumbers: Bool
  var place = 0

  func error(_ problem: String) -> JSONError { JSONError(offset: place, problem: problem) }

  /// The byte here, or 0, which is no part of any value, at the end.
  var next: UInt8 { place < bytes.count ? bytes[place] : 0 }

  mutating func skipSpace() {
    while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { place += 1 }
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    place += 1
    return true
  }

  mutating func value(_ depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N") where takesPythonNumbers: return try word("NaN", .number(.nan))
    case UInt8(ascii: "I") where takesPythonNumbers:
      return try word("Infinity", .number(.infinity))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default:
      throw error(place < bytes.count ? "no value begins here" : "the text ends before its value")
    }
  }

  mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for byte in "\(word)".utf8 where !take(byte) { throw error("expected \(word)") }
    return value
  }

  mutating func object(_ depth: Int) throws(JSONError) -> JSONValue {
    if depth == 0 { throw error("values lie too deep in each other") }
    place += 1
    var members: [JSONValue.Member] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("expected a member's name") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("expected a colon after a name") }
      members.append(JSONValue.Member(name, try value(depth - 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw error("expected , or } after a member") }
    }
  }

  mutating func array(_ depth: Int) throws(JSONError) -> JSONValue {
    if depth == 0 { throw error("values lie too deep in each other") }
    place += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value(depth - 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw error("expected , or ] after an element") }
    }
  }

  mutating func number() throws(JSONError) -> JSONValue {
    let start = place
    let isDigit = { (byte: UInt8) in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    var isWhole = true
    let isNegative = take(UInt8(ascii: "-"))
    if isNegative, takesPythonNumbers, next == UInt8(ascii: "I") {
      return try word("Infinity", .number(-.infinity))
    }
    if !take(UInt8(ascii: "0")) {
      guard isDigit(next) else { throw error("expected a digit") }
      while isDigit(next) { place += 1 }
    }
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard isDigit(next) else { throw error("expected a digit after the point") }
      while isDigit(next) { place += 1 }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard isDigit(next) else { throw error("expected a digit in the exponent") }
      while isDigit(next) { place += 1 }
    }
    let text = String(decoding: bytes[start..<place], as: UTF8.self)
    if isWhole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text) else { throw error("no number") }
    return .number(value)
  }

  mutating func string() throws(JSONError) -> String {
    place += 1
    let start = place
    while true {
      switch next {
      case UInt8(ascii: "\""):
        defer { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
      case UInt8(ascii: "\\"):
        return try escapedString(Array(bytes[start..<place]))
      case 0..<0x20:
        throw error(place < bytes.count ? "a control character in a string" : "an open string")
      default: place += 1
      }
    }
  }

  /// The rest of a string that has an escape here.
  mutating func escapedString(_ beginning: [UInt8]) throws(JSONError) -> String {
    var text = beginning
    while true {
      switch next {
      case UInt8(ascii: "\""):
        place += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        place += 1
        text.append(contentsOf: try escape().utf8)
      case 0..<0x20:
        throw error(place < bytes.count ? "a control character in a string" : "an open string")
      default:
        text.append(next)
        place += 1
      }
    }
  }

  mutating func escape() throws(JSONError) -> String {
    let byte = next
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return String(UnicodeScalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      if let scalar = UnicodeScalar(first) { return String(scalar) }
      guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
        throw error("half of a surrogate pair")
      }
      let second = try codeUnit()
      guard (0xDC00..<0xE000).contains(second),
        let scalar = UnicodeScalar(
          0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00))
      else { throw error("half of a surrogate pair") }
      return String(scalar)
    default: throw error("no escape begins so")
    }
  }

  mutating func codeUnit() throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(next)).hexDigitValue else {
        throw error("expected four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
      place += 1
    }
    return unit
  }
}
