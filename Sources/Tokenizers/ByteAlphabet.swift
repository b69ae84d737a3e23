/// GPT-2's way to write any bytes as visible characters: printable Latin-1 bytes stand for
/// themselves, the 68 others for U+0100 onwards, a space for Ġ.
enum ByteAlphabet {
  /// The character of every byte.
  static let scalars: [UnicodeScalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte -> UnicodeScalar in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UnicodeScalar(UInt8(byte))
      default:
        defer { next += 1 }
        return UnicodeScalar(next) ?? " "
      }
    }
  }()

  /// The bytes in the order of their characters, the order in which an alphabet is numbered.
  static let order: [UInt8] = (0...255).sorted { scalars[Int($0)] < scalars[Int($1)] }

  private static let bytes: [UnicodeScalar: UInt8] = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

  static func text(_ bytes: [UInt8]) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }

  /// The bytes that a text in this alphabet stands for; nil where it has other characters.
  static func bytes(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      // The visible ASCII characters, which are most of all vocabularies, stand for themselves.
      if scalar.value > 0x20, scalar.value < 0x7F {
        result.append(UInt8(scalar.value))
      } else if let byte = bytes[scalar] {
        result.append(byte)
      } else {
        return nil
      }
    }
    return result
  }
}
