/// The bytes of the original text that something stands for.
struct ByteSpan {
  var start: UInt32
  var end: UInt32
}

/// Text on its way through a tokenizer, which knows for every byte what it stands for in the
/// original.
struct AlignedText {
  var bytes: [UInt8]
  /// For every byte, what it stands for; nil: the bytes are those of the original from `base` on.
  private(set) var spans: [ByteSpan]?
  private let base: UInt32
  /// Whether anybody will ask for places in the original.
  let isTracked: Bool

  /// - Parameter base: where the bytes begin in the original.
  init(_ bytes: [UInt8], base: Int = 0, isTracked: Bool = true) {
    self.bytes = bytes
    self.base = UInt32(truncatingIfNeeded: base)
    self.isTracked = isTracked
  }

  fileprivate init(_ bytes: [UInt8], spans: [ByteSpan], like other: AlignedText) {
    self.bytes = bytes
    self.spans = other.isTracked ? spans : nil
    base = other.base
    isTracked = other.isTracked
  }

  /// What a range that is not empty stands for: whole characters.
  func span(of range: Range<Int>) -> ByteSpan {
    if let spans {
      return ByteSpan(start: spans[range.lowerBound].start, end: spans[range.upperBound - 1].end)
    }
    var (start, end) = (range.lowerBound, range.upperBound)
    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return ByteSpan(
      start: base &+ UInt32(truncatingIfNeeded: start),
      end: base &+ UInt32(truncatingIfNeeded: end))
  }

  /// Puts new bytes in place of as many old ones.
  mutating func replaceBytes(_ map: (UInt8) -> UInt8) {
    for index in bytes.indices { bytes[index] = map(bytes[index]) }
  }
}

/// Makes a text out of another one: characters are kept, replaced, added and left out in order.
struct TextBuilder {
  let old: AlignedText
  private(set) var cursor = 0
  private var bytes: [UInt8] = []
  private var spans: [ByteSpan] = []

  init(_ old: AlignedText) {
    self.old = old
    bytes.reserveCapacity(old.bytes.count + 16)
    if old.isTracked { spans.reserveCapacity(old.bytes.count + 16) }
  }

  /// Keeps the old bytes from the cursor to a place.
  mutating func keep(to place: Int) {
    if place <= cursor { return }
    bytes.append(contentsOf: old.bytes[cursor..<place])
    if old.isTracked {
      if let known = old.spans {
        spans.append(contentsOf: known[cursor..<place])
      } else {
        for index in cursor..<place { spans.append(old.span(of: index..<index + 1)) }
      }
    }
    cursor = place
  }

  /// Leaves out the old bytes up to a place.
  mutating func skip(to place: Int) { cursor = max(cursor, place) }

  /// Leaves out a number of old characters.
  mutating func skip(characters count: Int) {
    for _ in 0..<count where cursor < old.bytes.count {
      cursor += UTF8Text.character(at: cursor, in: old.bytes).length
    }
  }

  /// Adds a character as the reference's transformations do.
  ///
  /// - Parameter change: 0: it replaces the next old one; above: it is added and stands for what
  ///   stands before; below: it replaces the next one, and so many after it are left out.
  mutating func append(_ value: UInt32, change: Int) {
    let count = bytes.count
    UTF8Text.append(value, to: &bytes)
    if old.isTracked {
      let span = change > 0 ? spanBefore : spanHere
      for _ in count..<bytes.count { spans.append(span) }
    }
    if change <= 0 { skip(characters: 1 - change) }
  }

  /// Adds bytes that stand for what the old byte before the cursor does.
  mutating func insert(_ new: [UInt8]) {
    insert(new, standingFor: spanBefore)
  }

  mutating func insert(_ new: [UInt8], standingFor span: ByteSpan) {
    bytes.append(contentsOf: new)
    if old.isTracked { spans.append(contentsOf: repeatElement(span, count: new.count)) }
  }

  mutating func append(all other: AlignedText) {
    var builder = TextBuilder(other)
    builder.keep(to: other.bytes.count)
    bytes.append(contentsOf: other.bytes)
    if old.isTracked { spans.append(contentsOf: builder.spans) }
  }

  /// What the old byte at the cursor stands for.
  var spanHere: ByteSpan {
    cursor < old.bytes.count ? old.span(of: cursor..<cursor + 1) : spanBefore
  }

  private var spanBefore: ByteSpan {
    cursor > 0 ? old.span(of: cursor - 1..<cursor) : ByteSpan(start: 0, end: 0)
  }

  /// How many bytes there are so far.
  var count: Int { bytes.count }

  func finish() -> AlignedText { AlignedText(bytes, spans: spans, like: old) }
}
