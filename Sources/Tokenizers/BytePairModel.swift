/// Byte pair encoding on bytes: a piece begins as single bytes, and of all neighbours that the list
/// of merges has, those earliest in it are joined first, from the left.
public struct BytePairModel: Sendable {
  /// Two tokens that may be joined.
  public struct Merge: Hashable, Sendable {
    public let left: Int
    public let right: Int
    /// The token that both together are.
    public let result: Int

    public init(left: Int, right: Int, result: Int) {
      self.left = left
      self.right = right
      self.result = result
    }
  }

  /// The merges, the first ones joined first.
  public let merges: [Merge]
  /// The token of every single byte; nil for bytes without one, which are left out of encodings.
  public let byteTokens: [Int?]

  private let table: MergeTable

  /// - Precondition: All tokens fit in 31 bits.
  public init(byteTokens: [Int?], merges: [Merge]) {
    self.byteTokens = byteTokens
    self.merges = merges
    table = MergeTable(merges)
  }

  /// Appends the tokens of one piece.
  func encode(_ piece: ArraySlice<UInt8>, into ids: inout [Int], using work: inout Workspace) {
    work.tokens.removeAll(keepingCapacity: true)
    for byte in piece {
      if let token = byteTokens[Int(byte)] { work.tokens.append(UInt32(truncatingIfNeeded: token)) }
    }
    if work.tokens.count <= 24 { mergeShort(&work.tokens) } else { mergeLong(&work) }
    for token in work.tokens { ids.append(Int(token)) }
  }

  /// Memory that encodings of many pieces share.
  struct Workspace {
    var tokens: [UInt32] = []
    fileprivate var next: [Int] = []
    fileprivate var previous: [Int] = []
    fileprivate var heap = Heap<UInt64>()
  }

  /// Looks through all neighbours for the first merge, again and again: fastest for words.
  private func mergeShort(_ tokens: inout [UInt32]) {
    while tokens.count > 1 {
      var best = MergeTable.Found.none
      var place = 0
      for index in 0..<tokens.count - 1 {
        let found = table.find(tokens[index], tokens[index + 1])
        if found.rank < best.rank {
          best = found
          place = index
        }
      }
      if best.rank == MergeTable.Found.none.rank { return }
      tokens[place] = best.result
      tokens.remove(at: place + 1)
    }
  }

  /// Keeps candidates in a heap, ordered by rank, then place: time grows little more than length,
  /// whatever the text.
  private func mergeLong(_ work: inout Workspace) {
    let count = work.tokens.count
    let gone = UInt32.max
    work.next = Array(1...count)
    work.previous = Array(-1..<count - 1)
    work.heap.removeAll()
    func candidate(_ work: inout Workspace, _ left: Int) {
      let right = work.next[left]
      guard right < count else { return }
      let found = table.find(work.tokens[left], work.tokens[right])
      if found.rank != MergeTable.Found.none.rank {
        work.heap.push(UInt64(found.rank) << 32 | UInt64(left))
      }
    }
    for left in 0..<count { candidate(&work, left) }
    while let entry = work.heap.pop() {
      let left = Int(entry & 0xFFFF_FFFF)
      let right = work.next[left]
      guard work.tokens[left] != gone, right < count else { continue }
      // An entry is stale when its tokens have changed since.
      let found = table.find(work.tokens[left], work.tokens[right])
      guard UInt64(found.rank) == entry >> 32 else { continue }
      work.tokens[left] = found.result
      work.tokens[right] = gone
      work.next[left] = work.next[right]
      if work.next[left] < count { work.previous[work.next[left]] = left }
      if work.previous[left] >= 0 { candidate(&work, work.previous[left]) }
      candidate(&work, left)
    }
    work.tokens.removeAll { $0 == gone }
  }
}

/// From two tokens to their merge: a hash table with open addressing, which is several times faster
/// here than a dictionary.
struct MergeTable: Sendable {
  /// A merge's place in the list and its result.
  struct Found {
    let rank: UInt32
    let result: UInt32
    static let none = Found(rank: .max, result: .max)
  }

  private struct Slot {
    var left = UInt32.max
    var right = UInt32.max
    var rank = UInt32.max
    var result = UInt32.max
  }

  private var slots: [Slot]
  private let shift: UInt64

  init(_ merges: [BytePairModel.Merge]) {
    var bits = 4
    while (1 << bits) < 2 * merges.count { bits += 1 }
    slots = Array(repeating: Slot(), count: 1 << bits)
    shift = UInt64(64 - bits)
    for (rank, merge) in merges.enumerated() {
      let (left, right) = (UInt32(merge.left), UInt32(merge.right))
      var index = start(left, right)
      while slots[index].rank != .max, slots[index].left != left || slots[index].right != right {
        index = (index + 1) & (slots.count - 1)
      }
      // A pair that is listed twice counts where it stands last, as in the reference.
      slots[index] = Slot(
        left: left, right: right, rank: UInt32(rank), result: UInt32(merge.result))
    }
  }

  func find(_ left: UInt32, _ right: UInt32) -> Found {
    var index = start(left, right)
    while true {
      let slot = slots[index]
      if slot.rank == .max { return .none }
      if slot.left == left, slot.right == right {
        return Found(rank: slot.rank, result: slot.result)
      }
      index = (index + 1) & (slots.count - 1)
    }
  }

  private func start(_ left: UInt32, _ right: UInt32) -> Int {
    let key = UInt64(left) << 32 | UInt64(right)
    return Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }
}
