import Documents
package import Foundation
import Images
import Synchronization

/// A zip archive, its directory read and checked: stored and deflated entries, with zip64.
///
/// Nothing is ever written by its names. Entries are looked at where they lie in the file; a
/// deflated one is inflated as a whole, to the size that its tensor needs.
package final class ZipArchive: Sendable {
  package struct Entry: Sendable {
    package let name: String
    /// Where the local header begins.
    fileprivate(set) var start: Int
    /// Where the bytes lie, compressed or not.
    fileprivate(set) var range: Range<Int>
    /// The bytes when inflated.
    package let byteCount: Int
    let isDeflated: Bool
    fileprivate let checksum: UInt32
  }

  package let entries: [Entry]
  private let file: MappedFile
  private let refuse: Refuse
  private let places: [ExactText: Int]
  /// Whose checksum was found right.
  private let verified = Mutex<Set<Int>>([])

  /// Opens a file.
  package convenience init(_ url: URL) throws(CheckpointError) {
    try self.init(try MappedFile(url), path: url.path)
  }

  init(_ file: MappedFile, path: String) throws(CheckpointError) {
    self.file = file
    refuse = Refuse(file: path)
    entries = try ZipDirectory(file: file, refuse: refuse).entries()
    var places: [ExactText: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard places.updateValue(index, forKey: ExactText(entry.name)) == nil else {
        throw refuse(.duplicate, "the archive has two entries \"\(entry.name)\"")
      }
    }
    self.places = places
  }

  /// The entry of this name.
  package func index(of name: String) -> Int? { places[ExactText(name)] }

  /// Lends the bytes of an entry, after their checksum was found right.
  func withBytes<Result>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> Result
  ) throws(CheckpointError) -> Result {
    let entry = entries[index]
    guard entry.isDeflated else {
      return try unsafe file.withBytes(entry.range) { bytes throws(CheckpointError) in
        if !verified.withLock({ $0.contains(index) }) {
          try check(entry, unsafe Deflate.crc32(bytes))
          verified.withLock { _ = $0.insert(index) }
        }
        return try unsafe body(bytes)
      }
    }
    let bytes = try inflated(entry)
    return try unsafe bytes.span.withUnsafeBytes { bytes throws(CheckpointError) in
      try unsafe body(bytes)
    }
  }

  /// A copy of the bytes of an entry.
  package func bytes(_ index: Int) throws(CheckpointError) -> [UInt8] {
    try unsafe withBytes(index) { bytes throws(CheckpointError) in unsafe [UInt8](bytes) }
  }

  /// The first bytes of an entry, at most `count`, unchecked.
  func prefix(_ index: Int, _ count: Int) throws(CheckpointError) -> [UInt8] {
    let entry = entries[index]
    let compressed = unsafe file.withBytes(
      entry.range.prefix(entry.isDeflated ? 2 * count + 1024 : count)
    ) { unsafe [UInt8]($0) }
    guard entry.isDeflated else { return compressed }
    return try attempt(entry) { () throws(ImageError) in
      try Deflate.inflatePrefix(compressed, from: .raw, count: min(count, entry.byteCount))
    }
  }

  private func inflated(_ entry: Entry) throws(CheckpointError) -> [UInt8] {
    let compressed = unsafe file.withBytes(entry.range) { unsafe [UInt8]($0) }
    let bytes = try attempt(entry) { () throws(ImageError) in
      try Deflate.inflate(compressed, from: .raw, limit: entry.byteCount)
    }
    guard bytes.count == entry.byteCount else {
      throw refuse(
        .corrupt,
        "the entry \"\(entry.name)\" inflates to \(bytes.count) bytes, not \(entry.byteCount)")
    }
    try check(entry, Deflate.crc32(bytes))
    return bytes
  }

  private func check(_ entry: Entry, _ checksum: UInt32) throws(CheckpointError) {
    guard checksum == entry.checksum else {
      throw refuse(.corrupt, "the entry \"\(entry.name)\" does not match its checksum")
    }
  }

  private func attempt<Result>(
    _ entry: Entry, _ body: () throws(ImageError) -> Result
  ) throws(CheckpointError) -> Result {
    do { return try body() } catch {
      throw refuse(.corrupt, "the entry \"\(entry.name)\" does not inflate: \(error)")
    }
  }
}

/// Reads the list of entries at the end of an archive.
private struct ZipDirectory {
  let file: MappedFile
  let refuse: Refuse

  private struct End {
    var count: Int
    var range: Range<Int>
  }

  func entries() throws(CheckpointError) -> [ZipArchive.Entry] {
    let end = try end()
    guard end.count <= end.range.count / 46 else {
      throw refuse(.corrupt, "its directory of \(end.range.count) bytes cannot list \(end.count)")
    }
    var entries: [ZipArchive.Entry] = []
    entries.reserveCapacity(end.count)
    var position = end.range.lowerBound
    for _ in 0..<end.count {
      guard position + 46 <= end.range.upperBound, word(position) == 0x0201_4B50 else {
        throw refuse(.corrupt, "its directory has no entry at byte \(position)")
      }
      let lengths = (half(position + 28), half(position + 30), half(position + 32))
      let next = position + 46 + lengths.0 + lengths.1 + lengths.2
      guard next <= end.range.upperBound else {
        throw refuse(.corrupt, "the directory's entry at byte \(position) leaves the directory")
      }
      entries.append(try entry(position, name: lengths.0, extra: lengths.1))
      position = next
    }
    guard position == end.range.upperBound else {
      throw refuse(.corrupt, "its directory goes on after its last entry")
    }
    return try located(entries, before: end.range.lowerBound)
  }

  private func half(_ offset: Int) -> Int { Int(load(offset, as: UInt16.self)) }
  private func word(_ offset: Int) -> Int { Int(load(offset, as: UInt32.self)) }

  /// A number of the file; the caller knows that it lies inside.
  private func load<T: FixedWidthInteger>(_ offset: Int, as: T.Type) -> T {
    unsafe file.withBytes(offset..<offset + MemoryLayout<T>.size) {
      T(littleEndian: unsafe $0.loadUnaligned(as: T.self))
    }
  }

  /// The record at the end of the file: how many entries there are, and where they are listed.
  private func end() throws(CheckpointError) -> End {
    var position = file.count - 22
    while position >= max(0, file.count - 22 - 0xFFFF) {
      if word(position) == 0x0605_4B50, position + 22 + half(position + 20) == file.count { break }
      position -= 1
    }
    guard position >= max(0, file.count - 22 - 0xFFFF) else {
      throw refuse(.truncated, "the directory at the end of the zip archive is missing")
    }
    var (count, size, start) = (half(position + 10), word(position + 12), word(position + 16))
    if position >= 20, word(position - 20) == 0x0706_4B50 {
      let wide = try integer(position - 12)
      guard wide <= position - 20 - 56, word(wide) == 0x0606_4B50 else {
        throw refuse(.corrupt, "the zip64 record is not where it should be")
      }
      count = try integer(wide + 32)
      size = try integer(wide + 40)
      start = try integer(wide + 48)
      position = wide
    }
    guard start <= position, size <= position - start else {
      throw refuse(.corrupt, "its directory leaves the file")
    }
    return End(count: count, range: start..<start + size)
  }

  private func integer(_ offset: Int) throws(CheckpointError) -> Int {
    guard let value = Int(exactly: load(offset, as: UInt64.self)) else {
      throw refuse(.corrupt, "a size at byte \(offset) is over 63 bits")
    }
    return value
  }

  private func entry(
    _ position: Int, name nameLength: Int, extra extraLength: Int
  ) throws(CheckpointError) -> ZipArchive.Entry {
    let name = text(position + 46, nameLength)
    guard half(position + 8) & 1 == 0 else {
      throw refuse(.unsupported, "the entry \"\(name)\" is encrypted")
    }
    let method = half(position + 10)
    guard method == 0 || method == 8 else {
      throw refuse(
        .unsupported, "the entry \"\(name)\" is compressed by method \(method), not by deflate")
    }
    var numbers = [word(position + 24), word(position + 20), word(position + 42)]
    try widen(&numbers, position + 46 + nameLength, extraLength, name)
    let (byteCount, compressed, start) = (numbers[0], numbers[1], numbers[2])
    // Deflate makes at most 1032 bytes of one.
    guard method == 0 ? byteCount == compressed : byteCount / 1032 <= compressed else {
      throw refuse(
        .corrupt, "the entry \"\(name)\" claims \(byteCount) bytes, but has \(compressed)")
    }
    guard start <= file.count, compressed <= file.count - start else {
      throw refuse(.truncated, "the entry \"\(name)\" of \(compressed) bytes leaves the file")
    }
    return ZipArchive.Entry(
      name: name, start: start, range: start..<start + compressed, byteCount: byteCount,
      isDeflated: method == 8, checksum: load(position + 16, as: UInt32.self))
  }

  /// Takes the sizes and the offset that need 64 bits from the zip64 field.
  private func widen(
    _ numbers: inout [Int], _ start: Int, _ length: Int, _ name: String
  ) throws(CheckpointError) {
    let wide = numbers.indices.filter { numbers[$0] == 0xFFFF_FFFF }
    guard !wide.isEmpty else { return }
    var position = start
    while position + 4 <= start + length {
      let fieldLength = half(position + 2)
      if half(position) == 1, position + 4 + fieldLength <= start + length,
        fieldLength >= 8 * wide.count
      {
        for (i, number) in wide.enumerated() { numbers[number] = try integer(position + 4 + 8 * i) }
        return
      }
      position += 4 + fieldLength
    }
    throw refuse(.corrupt, "the entry \"\(name)\" has no zip64 field for its sizes")
  }

  /// The entries with the places of their bytes, which stand behind headers of their own.
  private func located(
    _ entries: [ZipArchive.Entry], before limit: Int
  ) throws(CheckpointError) -> [ZipArchive.Entry] {
    var entries = entries
    var end = 0
    for index in entries.indices.sorted(by: { entries[$0].start < entries[$1].start }) {
      let entry = entries[index]
      guard entry.start + 30 <= limit, word(entry.start) == 0x0403_4B50 else {
        throw refuse(.corrupt, "the entry \"\(entry.name)\" is not at byte \(entry.start)")
      }
      let nameLength = half(entry.start + 26)
      let start = entry.start + 30 + nameLength + half(entry.start + 28)
      guard start <= limit, entry.range.count <= limit - start else {
        throw refuse(.truncated, "the entry \"\(entry.name)\" goes on into the directory")
      }
      guard text(entry.start + 30, nameLength).isExactly(entry.name) else {
        throw refuse(.corrupt, "the entry \"\(entry.name)\" has another name at its data")
      }
      guard entry.start >= end else {
        throw refuse(.overlap, "the entry \"\(entry.name)\" shares bytes with another")
      }
      entries[index].range = start..<start + entry.range.count
      end = entries[index].range.upperBound
    }
    return entries
  }

  /// A name: UTF-8, or else, as old writers have it, one byte a character.
  private func text(_ start: Int, _ length: Int) -> String {
    let bytes = unsafe file.withBytes(start..<start + length) { unsafe [UInt8]($0) }
    return String(validating: bytes, as: UTF8.self)
      ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
