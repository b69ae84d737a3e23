/// Characters of UTF-8 text. A byte that is no part of a character counts as U+FFFD of one byte, so
/// that any bytes at all can be read.
enum UTF8Text {
  struct Character {
    let value: UInt32
    let length: Int
  }

  static let replacement: UInt32 = 0xFFFD

  /// The character that begins at a place.
  @inline(__always)
  static func character(at place: Int, in bytes: [UInt8]) -> Character {
    let first = bytes[place]
    if first < 0x80 { return Character(value: UInt32(first), length: 1) }
    return longCharacter(at: place, in: bytes)
  }

  private static func longCharacter(at place: Int, in bytes: [UInt8]) -> Character {
    let broken = Character(value: replacement, length: 1)
    let first = bytes[place]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first < 0xF5, place + length <= bytes.count else { return broken }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for index in place + 1..<place + length {
      let byte = bytes[index]
      guard byte & 0xC0 == 0x80 else { return broken }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    // A longer form than needed is no character, nor is half of a surrogate pair.
    let least: UInt32 = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80
    guard value >= least, UnicodeScalar(value) != nil else { return broken }
    return Character(value: value, length: length)
  }

  /// The character that ends before a place above 0.
  static func character(before place: Int, in bytes: [UInt8]) -> Character {
    for length in 1...min(4, place) where bytes[place - length] & 0xC0 != 0x80 {
      let found = character(at: place - length, in: bytes)
      return found.length == length ? found : Character(value: replacement, length: 1)
    }
    return Character(value: replacement, length: 1)
  }

  static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    switch value {
    case 0..<0x80:
      bytes.append(UInt8(truncatingIfNeeded: value))
    case 0x80..<0x800:
      bytes.append(0xC0 | UInt8(truncatingIfNeeded: value >> 6))
      bytes.append(continuation(value))
    case 0x800..<0x10000:
      bytes.append(0xE0 | UInt8(truncatingIfNeeded: value >> 12))
      bytes.append(continuation(value >> 6))
      bytes.append(continuation(value))
    default:
      bytes.append(0xF0 | UInt8(truncatingIfNeeded: value >> 18))
      bytes.append(continuation(value >> 12))
      bytes.append(continuation(value >> 6))
      bytes.append(continuation(value))
    }
  }

  private static func continuation(_ value: UInt32) -> UInt8 {
    0x80 | UInt8(truncatingIfNeeded: value & 0x3F)
  }

  /// Whether a byte begins a character or is one that belongs to none.
  static func isStart(_ place: Int, in bytes: [UInt8]) -> Bool { bytes[place] & 0xC0 != 0x80 }

  static func isASCII(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 < 0x80 } }

  /// The bytes as they are where they are UTF-8, else with U+FFFD in place of what is not.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    isASCII(bytes) || String(validating: bytes, as: UTF8.self) != nil
      ? bytes : Array(String(decoding: bytes, as: UTF8.self).utf8)
  }
}
