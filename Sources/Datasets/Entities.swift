/// UTF-8 text of XML with its character references replaced; unknown ones stay as they are.
///
/// Bytes, because characters would hide an "&" or a quote before a combining mark.
func withoutEntities(_ text: ArraySlice<UInt8>) -> [UInt8] {
  var result: [UInt8] = []
  var rest = text
  while let start = rest.firstIndex(of: UInt8(ascii: "&")) {
    result += rest[..<start]
    let end = rest[start...].prefix(12).firstIndex(of: UInt8(ascii: ";"))
    if let end, let value = referenced(String(decoding: rest[(start + 1)..<end], as: UTF8.self)) {
      result += String(value).utf8
      rest = rest[(end + 1)...]
    } else {
      result.append(UInt8(ascii: "&"))
      rest = rest[(start + 1)...]
    }
  }
  return result + rest
}

/// What a reference stands for: a name, or `#` and a number, hexadecimal after `x`.
private func referenced(_ name: String) -> Unicode.Scalar? {
  switch name {
  case "amp": return "&"
  case "lt": return "<"
  case "gt": return ">"
  case "quot": return "\""
  case "apos": return "'"
  default:
    guard name.hasPrefix("#") else { return nil }
    let digits = name.dropFirst()
    let isHex = digits.hasPrefix("x") || digits.hasPrefix("X")
    return UInt32(isHex ? digits.dropFirst() : digits, radix: isHex ? 16 : 10)
      .flatMap(Unicode.Scalar.init)
  }
}

/// The value of an attribute in the inside of an XML tag, as it is written there.
func attribute(_ name: String, in tag: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
  guard let start = tag.firstRange(of: Array(" \(name)=\"".utf8))?.upperBound,
    let end = tag[start...].firstIndex(of: UInt8(ascii: "\""))
  else { return nil }
  return tag[start..<end]
}
