/// A token of a piece and the bytes of it that it stands for.
struct PieceToken {
  let id: UInt32
  let start: UInt32
  let end: UInt32
}

/// Memory that the encodings of many pieces share, with the tokens of the pieces seen last: most
/// words of a text were seen before.
struct Workspace {
  /// The tokens that a model has just found.
  var found: [PieceToken] = []
  /// The first piece that had no tokens and no unknown token to stand for it.
  var unknown: [UInt8]?
  var merging = MergeWorkspace()
  var paths = PathWorkspace()
  private var cache = WordCache()

  /// Calls `body` with every token of a piece; starts and ends are places in `bytes`.
  @inline(__always)
  mutating func forEachToken(
    of range: Range<Int>, in bytes: [UInt8], by model: TokenModel, _ body: (PieceToken) -> Void
  ) {
    let base = UInt32(truncatingIfNeeded: range.lowerBound)
    let isShort = range.count <= WordCache.longest
    let hash = isShort ? Vocabulary.hash(bytes, range) : 0
    if isShort, let tokens = cache.find(bytes, range, hash) {
      for index in tokens {
        let token = cache.tokens[index]
        body(PieceToken(id: token.id, start: base &+ token.start, end: base &+ token.end))
      }
      return
    }
    found.removeAll(keepingCapacity: true)
    model.tokenize(bytes, range, &self)
    if isShort, unknown == nil { cache.insert(bytes, range, hash, found) }
    for token in found {
      body(PieceToken(id: token.id, start: base &+ token.start, end: base &+ token.end))
    }
  }
}

/// The tokens of the words seen so far, forgotten all at once when there are too many.
private struct WordCache {
  static let longest = 64

  private struct Entry {
    var hash: UInt32
    var start: UInt32
    var firstToken: UInt32
    var tokenCount: UInt16
    /// 0: a free entry.
    var length: UInt16
  }

  private(set) var tokens: [PieceToken] = []
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  private var count = 0

  @inline(__always)
  func find(_ text: [UInt8], _ range: Range<Int>, _ hash: Int) -> Range<Int>? {
    if count == 0 { return nil }
    let length = range.count
    var place = hash & (entries.count - 1)
    while true {
      let entry = entries[place]
      if entry.length == 0 { return nil }
      if entry.hash == UInt32(truncatingIfNeeded: hash), Int(entry.length) == length,
        isEqual(Int(entry.start), text, range)
      {
        return Int(entry.firstToken)..<Int(entry.firstToken) + Int(entry.tokenCount)
      }
      place = (place + 1) & (entries.count - 1)
    }
  }

  @inline(__always)
  private func isEqual(_ start: Int, _ text: [UInt8], _ range: Range<Int>) -> Bool {
    unsafe bytes.withUnsafeBufferPointer { mine in
      unsafe text.withUnsafeBufferPointer { theirs in
        for index in 0..<range.count
        where unsafe mine[start + index] != theirs[range.lowerBound + index] { return false }
        return true
      }
    }
  }

  mutating func insert(
    _ text: [UInt8], _ range: Range<Int>, _ hash: Int, _ found: [PieceToken]
  ) {
    if range.isEmpty { return }
    if count >= 100_000 { self = WordCache() }
    if 2 * (count + 1) > entries.count { grow() }
    let entry = Entry(
      hash: UInt32(truncatingIfNeeded: hash), start: UInt32(bytes.count),
      firstToken: UInt32(tokens.count), tokenCount: UInt16(found.count),
      length: UInt16(range.count))
    bytes.append(contentsOf: text[range])
    tokens.append(contentsOf: found)
    put(entry)
    count += 1
  }

  private mutating func put(_ entry: Entry) {
    var place = Int(entry.hash) & (entries.count - 1)
    while entries[place].length != 0 { place = (place + 1) & (entries.count - 1) }
    entries[place] = entry
  }

  private mutating func grow() {
    let old = entries
    let free = Entry(hash: 0, start: 0, firstToken: 0, tokenCount: 0, length: 0)
    entries = Array(repeating: free, count: max(2 * old.count, 1 << 8))
    for entry in old where entry.length != 0 { put(entry) }
  }
}
