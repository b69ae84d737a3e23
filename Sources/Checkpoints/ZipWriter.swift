package import Foundation
import Images

/// Writes a zip archive of stored entries whose data begin at multiples of 64, so that readers can
/// map them; with zip64 where it is needed.
package struct ZipWriter: ~Copyable {
  private struct Entry {
    let name: [UInt8]
    let start: Int
    let count: Int
    let checksum: UInt32
  }

  private let file: ReplacementFile
  private var entries: [Entry] = []

  package init(_ url: URL) throws(CheckpointError) { file = try ReplacementFile(url) }

  package mutating func add(_ name: String, _ bytes: [UInt8]) throws(CheckpointError) {
    try unsafe add(name, count: bytes.count) { append throws(CheckpointError) in
      try unsafe bytes.span.withUnsafeBytes { piece throws(CheckpointError) in
        try unsafe append(piece)
      }
    }
  }

  /// - Parameter content: hands over `count` bytes.
  mutating func add(
    _ name: String, count: Int, _ content: (AppendBytes) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let name = Array(name.utf8)
    guard name.count < 1 << 16 else {
      throw .unwritable(file: file.path, problem: "a name of \(name.count) bytes is too long")
    }
    let start = file.count
    // The checksum is known only behind the data.
    let size = header(name, start: start, count: count, checksum: 0).count
    try file.append([UInt8](repeating: 0, count: size))
    var checksum: UInt32 = 0
    try unsafe content { piece throws(CheckpointError) in
      unsafe checksum = Deflate.crc32(piece, after: checksum)
      try unsafe file.append(piece)
    }
    guard file.count - start - size == count else {
      throw .unwritable(
        file: file.path,
        problem: "\(file.count - start - size) bytes were given, \(count) promised")
    }
    try file.overwrite(
      header(name, start: start, count: count, checksum: checksum), at: start)
    entries.append(Entry(name: name, start: start, count: count, checksum: checksum))
  }

  /// Writes the directory and gives the file its name.
  package consuming func finish() throws(CheckpointError) {
    let start = file.count
    for entry in entries { try file.append(Self.directoryEntry(entry)) }
    let size = file.count - start
    var end = Bytes()
    if entries.count >= 0xFFFF || start >= 0xFFFF_FFFF || size >= 0xFFFF_FFFF {
      end.add(0x0606_4B50, 4, 44, 8, 45, 2, 45, 2, 0, 4, 0, 4)
      end.add(entries.count, 8, entries.count, 8, size, 8, start, 8)
      end.add(0x0706_4B50, 4, 0, 4, start + size, 8, 1, 4)
    }
    let count = min(entries.count, 0xFFFF)
    end.add(0x0605_4B50, 4, 0, 2, 0, 2, count, 2, count, 2)
    end.add(min(size, 0xFFFF_FFFF), 4, min(start, 0xFFFF_FFFF), 4, 0, 2)
    try file.append(end.bytes)
    try file.finish()
  }

  /// Little-endian numbers.
  private struct Bytes {
    var bytes: [UInt8] = []

    /// Numbers, each followed by its width.
    mutating func add(_ pairs: Int...) {
      for i in stride(from: 0, to: pairs.count, by: 2) {
        for byte in 0..<pairs[i + 1] { bytes.append(UInt8(pairs[i] >> (8 * byte) & 0xFF)) }
      }
    }
  }

  /// The date of every entry: the first that the format has, so that equal contents are equal files.
  private static let date = (0, 0x21)
  /// Names are UTF-8.
  private static let flags = 0x800

  private func header(_ name: [UInt8], start: Int, count: Int, checksum: UInt32) -> [UInt8] {
    let isWide = count >= 0xFFFF_FFFF
    let wide = isWide ? 20 : 0
    // A field that readers skip fills up to the next multiple of 64.
    let padding = (64 - (start + 30 + name.count + wide + 4) % 64) % 64
    let size = isWide ? 0xFFFF_FFFF : count
    var header = Bytes()
    header.add(0x0403_4B50, 4, isWide ? 45 : 20, 2, Self.flags, 2, 0, 2)
    header.add(Self.date.0, 2, Self.date.1, 2, Int(checksum), 4, size, 4, size, 4)
    header.add(name.count, 2, wide + 4 + padding, 2)
    header.bytes += name
    if isWide { header.add(1, 2, 16, 2, count, 8, count, 8) }
    header.add(0x4246, 2, padding, 2)
    header.bytes += [UInt8](repeating: 0, count: padding)
    return header.bytes
  }

  private static func directoryEntry(_ entry: Entry) -> [UInt8] {
    let (isWide, isFar) = (entry.count >= 0xFFFF_FFFF, entry.start >= 0xFFFF_FFFF)
    let size = isWide ? 0xFFFF_FFFF : entry.count
    let extra = isWide || isFar ? 4 + (isWide ? 16 : 0) + (isFar ? 8 : 0) : 0
    let version = extra > 0 ? 45 : 20
    var bytes = Bytes()
    bytes.add(0x0201_4B50, 4, version, 2, version, 2, flags, 2, 0, 2)
    bytes.add(date.0, 2, date.1, 2, Int(entry.checksum), 4, size, 4, size, 4)
    bytes.add(entry.name.count, 2, extra, 2, 0, 2, 0, 2, 0, 2, 0, 4)
    bytes.add(min(entry.start, 0xFFFF_FFFF), 4)
    bytes.bytes += entry.name
    if extra > 0 { bytes.add(1, 2, extra - 4, 2) }
    if isWide { bytes.add(entry.count, 8, entry.count, 8) }
    if isFar { bytes.add(entry.start, 8) }
    return bytes.bytes
  }
}
