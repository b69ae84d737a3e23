/// GPT-2's way to write any bytes as visible characters: printable Latin-1 bytes stand for
/// themselves, the 68 others for U+0100 onwards, a space for Ġ.
enum ByteAlphabet {
  /// The character of every byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte -> UInt32 in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UInt32(byte)
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The character of every byte in UTF-8.
  static let characters: [[UInt8]] = scalars.map { scalar in
    var bytes: [UInt8] = []
    UTF8Text.append(scalar, to: &bytes)
    return bytes
  }

  /// The byte of every character below U+0144; -1 for those that stand for none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
    return bytes
  }()

  /// The byte that a character stands for; nil where it stands for none.
  static func byte(of value: UInt32) -> UInt8? {
    value < 0x144 && bytes[Int(value)] >= 0 ? UInt8(bytes[Int(value)]) : nil
  }

  /// Appends the bytes that a text in this alphabet stands for; false, and nothing appended, where
  /// it has other characters.
  static func append(bytesOf text: some Collection<UInt8>, to bytes: inout [UInt8]) -> Bool {
    let count = bytes.count
    // The first byte's part of a character; left over where a character is none of the alphabet.
    var high: UInt32 = 0
    for unit in text {
      var value = UInt32(unit)
      if unit >= 0xC0 {
        high = UInt32(unit & 0x1F) << 6
        if unit < 0xE0 { continue }
        high = 1
        break
      }
      if unit >= 0x80 {
        value = high | UInt32(unit & 0x3F)
        high = 0
      }
      guard let byte = byte(of: value) else {
        high = 1
        break
      }
      bytes.append(byte)
    }
    if high == 0 { return true }
    bytes.removeSubrange(count...)
    return false
  }
}
