/// The tokens of a model: from bytes to ids and back. All bytes lie in one array and ids in one
/// hash table, so that a large vocabulary is ready in milliseconds.
struct Vocabulary: Sendable {
  private(set) var bytes: [UInt8] = []
  /// Where the token of every id lies in `bytes`; empty for ids that are not used.
  private var places: [(start: UInt32, end: UInt32)] = []
  private var isUsed: [Bool] = []
  private(set) var count = 0
  /// One more than an id; 0: free.
  private var slots: [UInt32]

  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = Array(repeating: 0, count: size)
    places.reserveCapacity(capacity)
    isUsed.reserveCapacity(capacity)
    bytes.reserveCapacity(capacity * 7)
  }

  init(_ tokens: [[UInt8]]) {
    self.init(capacity: tokens.count)
    for (id, token) in tokens.enumerated() { _ = insert(token, id: id) }
  }

  /// One more than the greatest id.
  var limit: Int { places.count }

  /// Adds a token.
  /// - Returns: False, and nothing is added, where the token or the id is there already.
  mutating func insert(_ token: some Collection<UInt8>, id: Int) -> Bool {
    let start = bytes.count
    bytes.append(contentsOf: token)
    let added = addLast(from: start, id: id)
    if !added { bytes.removeSubrange(start...) }
    return added
  }

  private mutating func addLast(from start: Int, id: Int) -> Bool {
    if id < places.count, isUsed[id] { return false }
    if 2 * (count + 1) > slots.count { grow() }
    let end = bytes.count
    var slot = Self.hash(bytes, start..<end) & (slots.count - 1)
    while slots[slot] != 0 {
      if isEqual(Int(slots[slot]) - 1, bytes, start..<end) { return false }
      slot = (slot + 1) & (slots.count - 1)
    }
    while places.count <= id {
      places.append((0, 0))
      isUsed.append(false)
    }
    places[id] = (UInt32(start), UInt32(end))
    isUsed[id] = true
    slots[slot] = UInt32(id) + 1
    count += 1
    return true
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: 2 * slots.count)
    for id in places.indices where isUsed[id] {
      var slot = Self.hash(bytes, range(id)) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(id) + 1
    }
  }

  private func range(_ id: Int) -> Range<Int> { Int(places[id].start)..<Int(places[id].end) }

  @inline(__always)
  private func isEqual(_ id: Int, _ other: [UInt8], _ range: Range<Int>) -> Bool {
    let (start, end) = (Int(places[id].start), Int(places[id].end))
    guard end - start == range.count else { return false }
    return unsafe bytes.withUnsafeBufferPointer { mine in
      unsafe other.withUnsafeBufferPointer { theirs in
        for index in 0..<range.count
        where unsafe mine[start + index] != theirs[range.lowerBound + index] { return false }
        return true
      }
    }
  }

  /// The id of a token.
  func id(_ text: [UInt8], _ range: Range<Int>) -> Int? {
    var slot = Self.hash(text, range) & (slots.count - 1)
    while slots[slot] != 0 {
      let id = Int(slots[slot]) - 1
      if isEqual(id, text, range) { return id }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  func id(_ text: [UInt8]) -> Int? { id(text, 0..<text.count) }

  func id(_ text: String) -> Int? { id(Array(text.utf8)) }

  /// The bytes of a token; nil for ids that are not used.
  func token(_ id: Int) -> ArraySlice<UInt8>? {
    guard id >= 0, id < places.count, isUsed[id] else { return nil }
    return bytes[range(id)]
  }

  func text(_ id: Int) -> String? { token(id).map { String(decoding: $0, as: UTF8.self) } }

  /// A hash of a part of some bytes.
  @inline(__always)
  static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    unsafe bytes.withUnsafeBytes { buffer in
      let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
      var hash = UInt64(range.count) &* factor
      var place = range.lowerBound
      while place + 8 <= range.upperBound {
        let word = unsafe buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        hash = (hash ^ word) &* factor
        hash ^= hash >> 29
        place += 8
      }
      var rest: UInt64 = 0
      while place < range.upperBound {
        rest = unsafe rest << 8 | UInt64(buffer[place])
        place += 1
      }
      hash = (hash ^ rest) &* factor
      hash ^= hash >> 32
      hash = hash &* factor
      return Int(truncatingIfNeeded: hash >> 32)
    }
  }
}
