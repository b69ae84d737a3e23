internal import CEmbedded

/// A file that is part of the binary.
func embedded(_ file: apus_bytes) -> [UInt8] {
  unsafe Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
}

/// The forms of Unicode normalization.
enum NormalForm: Sendable {
  case nfc, nfd, nfkc, nfkd

  var composes: Bool { self == .nfc || self == .nfkc }
  var isCompatible: Bool { self == .nfkc || self == .nfkd }
}

/// What Unicode says of the decomposition of characters.
struct Decompositions: Sendable {
  static let shared = Decompositions()

  private var canonical: [UInt32: [UInt32]] = [:]
  private var compatible: [UInt32: [UInt32]] = [:]
  private var composites: [UInt64: UInt32] = [:]

  private init() {
    var number: UInt32 = 0
    var numbers: [UInt32] = []
    var kind: UInt8 = 0
    for byte in unsafe embedded(apus_unicode_decompositions()) {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt32(byte - 0x30)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): number = number << 4 | UInt32(byte - 0x37)
      default:
        numbers.append(number)
        number = 0
        if byte == UInt8(ascii: "\n") {
          add(kind, numbers)
          numbers.removeAll(keepingCapacity: true)
        } else if byte != UInt8(ascii: " ") {
          kind = byte
        }
      }
    }
  }

  private mutating func add(_ kind: UInt8, _ numbers: [UInt32]) {
    let parts = Array(numbers.dropFirst())
    switch kind {
    case UInt8(ascii: "="): canonical[numbers[0]] = parts
    case UInt8(ascii: "~"): compatible[numbers[0]] = parts
    default: composites[UInt64(parts[0]) << 32 | UInt64(parts[1])] = numbers[0]
    }
  }

  /// Calls `body` with every scalar of a full decomposition.
  func decompose(_ value: UInt32, isCompatible: Bool, _ body: (UInt32) -> Void) {
    if value < 0x80 { return body(value) }
    if (0xAC00..<0xD7A4).contains(value) {
      let index = value - 0xAC00
      body(0x1100 + index / 588)
      body(0x1161 + index % 588 / 28)
      if index % 28 != 0 { body(0x11A7 + index % 28) }
    } else if let parts = (isCompatible ? compatible[value] : nil) ?? canonical[value] {
      parts.forEach(body)
    } else {
      body(value)
    }
  }

  /// What two scalars compose to; nil where they do not.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
      return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    if (0xAC00..<0xD7A4).contains(first), (first - 0xAC00) % 28 == 0,
      (0x11A8..<0x11C3).contains(second)
    {
      return first + second - 0x11A7
    }
    return composites[UInt64(first) << 32 | UInt64(second)]
  }

  static func combiningClass(_ value: UInt32) -> UInt8 {
    if value < 0x300 { return 0 }
    return UnicodeScalar(value)?.properties.canonicalCombiningClass.rawValue ?? 0
  }
}
