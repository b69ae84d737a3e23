internal import Foundation

/// SentencePiece's table of replacements: a trie in a double array, and the texts that it points
/// to, each with a zero byte at its end.
struct PrecompiledMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Parameter part: The table in base 64.
  init(_ part: JSONPart) throws(TokenizerError) {
    guard let data = Data(base64Encoded: try part.text()) else { throw part.error("is no base 64") }
    let bytes = [UInt8](data)
    func number(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }
    guard bytes.count >= 4, case let size = Int(number(0)), size % 4 == 0, size > 0,
      size <= bytes.count - 4
    else { throw part.error("is a table whose length passes its end") }
    units = (0..<size / 4).map { number(4 + 4 * $0) }
    texts = Array(bytes[(4 + size)...])
  }

  /// What the shortest beginning of a text that the table has stands for.
  private func replacement(of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var node = Self.offset(units[0])
    for byte in bytes {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
      let hasLeaf = units[node] >> 8 & 1 == 1
      node ^= Self.offset(units[node])
      if hasLeaf {
        guard node < units.count else { return nil }
        let start = Int(units[node] & 0x7FFF_FFFF)
        guard start < texts.count else { return nil }
        return texts[start...].prefix { $0 != 0 }
      }
    }
    return nil
  }

  private static func offset(_ unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 0x200) >> 6)
  }

  /// Replaces what the table has: clusters of characters of fewer than six bytes, else characters.
  func normalize(_ text: AlignedText) -> AlignedText {
    var changes: [(value: UInt32, change: Int)] = []
    var isModified = false
    func replace(_ old: Int, _ new: ArraySlice<UInt8>) {
      isModified = true
      let before = changes.count
      for scalar in String(decoding: new, as: UTF8.self).unicodeScalars {
        changes.append((scalar.value, 0))
      }
      let difference = changes.count - before - old
      if difference > 0 {
        for index in changes.indices.suffix(difference) { changes[index].change = 1 }
      } else if difference < 0, !changes.isEmpty {
        changes[changes.count - 1].change += difference
      }
    }
    var place = 0
    for cluster in String(decoding: text.bytes, as: UTF8.self) {
      let end = place + cluster.utf8.count
      if end - place < 6, let new = replacement(of: text.bytes[place..<end]) {
        replace(cluster.unicodeScalars.count, new)
      } else {
        for scalar in cluster.unicodeScalars {
          let length = UTF8.width(scalar)
          if let new = replacement(of: text.bytes[place..<place + length]) {
            replace(1, new)
          } else {
            changes.append((scalar.value, 0))
          }
          place += length
        }
      }
      place = end
    }
    guard isModified else { return text }
    var builder = TextBuilder(text)
    for (value, change) in changes { builder.append(value, change: change) }
    return builder.finish()
  }
}
