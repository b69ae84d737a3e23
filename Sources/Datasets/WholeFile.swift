internal import Foundation

/// How a whole file of a data set looks from outside. It is cheap to see: sizes, beginnings and ends are read, so that a
/// file that was cut short or is another one is found, and a changed byte in the middle is not.
enum WholeFile {
  /// It has so many bytes.
  case bytes(Int)
  /// A gzip file whose content has so many bytes.
  case gzip(content: Int)
  /// It begins and ends with these texts, white space behind them aside.
  case text(beginning: String, end: String)
  /// An sfnt font: all its tables lie in it.
  case font
  /// Records of so many bytes; `count` nil: at least one.
  case records(Int, count: Int? = nil)
  /// Blocks of a SWORD module: they end where the last record of the `.bzs` file beside it says.
  case swordBlocks

  /// What is wrong with a file, or nil.
  func problem(of path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd() else {
      return "cannot be read"
    }
    let count = Int(clamping: size)
    func bytes(_ range: Range<Int>) -> [UInt8] {
      guard (try? file.seek(toOffset: UInt64(max(0, range.lowerBound)))) != nil else { return [] }
      return [UInt8]((try? file.read(upToCount: range.count)) ?? Data())
    }
    switch self {
    case .bytes(let whole):
      return count == whole ? nil : "\(count) bytes instead of \(whole)"
    case .gzip(let content):
      guard bytes(0..<2) == [0x1F, 0x8B] else { return "no gzip file" }
      // A gzip file ends with the size of its content.
      let found = number(bytes(count - 4..<count).reversed())
      return found == content ? nil : "cut short, or not of \(content) bytes when inflated"
    case .text(let beginning, let end):
      guard bytes(0..<beginning.utf8.count).elementsEqual(beginning.utf8) else {
        return "does not begin with \(beginning)"
      }
      let last = String(decoding: bytes(max(0, count - 64)..<count), as: UTF8.self)
      let isWhole = last.trimmingCharacters(in: .whitespacesAndNewlines).hasSuffix(end)
      return isWhole ? nil : "does not end with \(end)"
    case .font:
      // Twelve bytes, then sixteen for each table: tag, checksum, offset, length.
      let head = bytes(0..<12)
      guard head.count == 12 else { return "\(count) bytes, too few for a font" }
      let tables = bytes(12..<12 + 16 * number(head[4..<6]))
      let end = stride(from: 0, to: tables.count - 15, by: 16).map {
        number(tables[$0 + 8..<$0 + 12]) + number(tables[$0 + 12..<$0 + 16])
      }.max()
      guard let end else { return "no font: it has no tables" }
      return end <= count ? nil : "\(count) bytes; its tables end at \(end)"
    case .records(let width, let expected):
      guard count > 0, count % width == 0 else {
        return "\(count) bytes, which is no multiple of \(width)"
      }
      if let expected, count != width * expected {
        return "\(count / width) records instead of \(expected)"
      }
    case .swordBlocks:
      let list = (path as NSString).deletingPathExtension + ".bzs"
      let last = (FileManager.default.contents(atPath: list) ?? Data()).suffix(12)
      let end = number(last.prefix(4).reversed()) + number(last.dropFirst(4).prefix(4).reversed())
      return end == count ? nil : "\(count) bytes; by its .bzs file it has \(end)"
    }
    return nil
  }

  /// A number whose first byte counts most.
  private func number(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }
}
