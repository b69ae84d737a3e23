internal import Images

/// A Bible text in the compressed format of the SWORD project (driver zText): per testament a file
/// of blocks (`.bzz`), where each block is (`.bzs`), and where each slot is in its block (`.bzv`).
/// Slots are headings (of the testament, a book, a chapter) and verses, in the order of the text.
package struct SwordModule {
  /// A testament: the OSIS markup of every slot.
  package let slots: [[UInt8]]

  /// - Parameter path: the files without their extension, such as `…/engKJV2006eb/ot`.
  package init(contentsOf path: String) throws(DatasetError) {
    let sizes = try Self.numbers(path + ".bzs", widths: [4, 4, 4])
    let places = try Self.numbers(path + ".bzv", widths: [4, 4, 2])
    let packed = try contents(of: path + ".bzz")
    var blocks: [[UInt8]] = []
    for (index, size) in sizes.enumerated() {
      let name = path + ".bzz"
      guard size[0] + size[1] <= packed.count else {
        throw .damaged(
          path: name,
          reason: "\(packed.count) bytes; block \(index) ends at \(size[0] + size[1])")
      }
      let block: [UInt8]
      do {
        block = try Deflate.inflate(
          Array(packed[size[0]..<size[0] + size[1]]), from: .zlib, limit: size[2],
          ignoringRest: true)
      } catch {
        throw .damaged(path: name, reason: "block \(index): \(error.explanation)")
      }
      guard block.count == size[2] else {
        throw .damaged(
          path: name, reason: "block \(index) has \(block.count) bytes instead of \(size[2])")
      }
      blocks.append(block)
    }
    var slots: [[UInt8]] = []
    for (index, place) in places.enumerated() {
      let (block, start, length) = (place[0], place[1], place[2])
      if length == 0 {
        slots.append([])
        continue
      }
      guard block < blocks.count, start + length <= blocks[block].count else {
        throw .damaged(
          path: path + ".bzv", reason: "slot \(index) lies outside of block \(block)")
      }
      slots.append(Array(blocks[block][start..<start + length]))
    }
    self.slots = slots
  }

  /// Records of little-endian numbers.
  private static func numbers(_ path: String, widths: [Int]) throws(DatasetError) -> [[Int]] {
    let bytes = try contents(of: path)
    let record = widths.reduce(0, +)
    guard !bytes.isEmpty, bytes.count % record == 0 else {
      throw .damaged(
        path: path, reason: "\(bytes.count) bytes, which is no multiple of \(record)")
    }
    return stride(from: 0, to: bytes.count, by: record).map { start in
      var place = start
      return widths.map { width in
        defer { place += width }
        return bytes[place..<place + width].reversed().reduce(0) { $0 << 8 | Int($1) }
      }
    }
  }
}

/// Markup of the OSIS schema.
package enum OSIS {
  /// The text: notes and titles are dropped with their content, other tags without it; runs of
  /// white space are one space.
  package static func text(of markup: [UInt8]) -> String {
    var kept: [UInt8] = []
    var dropping: ArraySlice<UInt8>?
    var rest = markup[...]
    while let first = rest.first {
      guard first == UInt8(ascii: "<") else {
        let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
        if dropping == nil { kept += rest[..<end] }
        rest = rest[end...]
        continue
      }
      guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
      let tag = rest[(rest.startIndex + 1)..<close]
      rest = rest[(close + 1)...]
      let name = tag.drop { $0 == UInt8(ascii: "/") }.prefix {
        $0 > 0x20 && $0 != UInt8(ascii: "/")
      }
      if let open = dropping {
        if tag.first == UInt8(ascii: "/"), name == open { dropping = nil }
      } else if tag.first != UInt8(ascii: "/"), tag.last != UInt8(ascii: "/"),
        name == note[...] || name == title[...]
      {
        dropping = name
      }
    }
    return String(decoding: words(of: withoutEntities(kept[...])), as: UTF8.self)
  }

  private static let note = Array("note".utf8)
  private static let title = Array("title".utf8)

  /// The text with one space between words; the pilcrow, which marks a paragraph, is no word.
  private static func words(of text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var isAfterSpace = false
    var index = 0
    while index < text.count {
      let byte = text[index]
      let isPilcrow = byte == 0xC2 && index + 1 < text.count && text[index + 1] == 0xB6
      index += isPilcrow ? 2 : 1
      if isPilcrow || byte <= 0x20 {
        isAfterSpace = !result.isEmpty
      } else {
        if isAfterSpace { result.append(0x20) }
        isAfterSpace = false
        result.append(byte)
      }
    }
    return result
  }

  /// The `osisID` of the first tag that opens a chapter, such as "Gen.1".
  static func chapter(in markup: [UInt8]) -> String? {
    opening(Array("chapter ".utf8), in: markup) { _ in true }
  }

  /// The `osisID` of the first tag that opens a book, such as "Gen".
  static func book(in markup: [UInt8]) -> String? {
    opening(Array("div ".utf8), in: markup) { tag in
      attribute("type", in: tag).map { Array($0) == Array("book".utf8) } ?? false
    }
  }

  private static func opening(
    _ name: [UInt8], in markup: [UInt8], where isWanted: (_ tag: ArraySlice<UInt8>) -> Bool
  ) -> String? {
    var rest = markup[...]
    while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
      rest = rest[(start + 1)...]
      guard rest.starts(with: name) else { continue }
      let tag = rest.prefix { $0 != UInt8(ascii: ">") }
      if attribute("sID", in: tag) != nil, isWanted(tag), let value = attribute("osisID", in: tag) {
        return String(decoding: value, as: UTF8.self)
      }
    }
    return nil
  }
}
