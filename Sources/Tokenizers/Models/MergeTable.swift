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

/// Memory for the merging of pieces.
struct MergeWorkspace {
  /// The tokens of a piece and how many bytes each has.
  var tokens: [UInt32] = []
  var lengths: [UInt32] = []
  private var found: [MergeTable.Found] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var heap = Heap<UInt64>()

  mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
  }

  mutating func append(_ token: UInt32, length: Int) {
    tokens.append(token)
    lengths.append(UInt32(truncatingIfNeeded: length))
  }

  mutating func merge(by table: MergeTable) {
    if tokens.count < 2 { return }
    if tokens.count <= 32 { mergeShort(table) } else { mergeLong(table) }
  }

  /// Looks through all neighbours for the first merge, again and again: fastest for words.
  private mutating func mergeShort(_ table: MergeTable) {
    found.removeAll(keepingCapacity: true)
    for index in 0..<tokens.count - 1 { found.append(table.find(tokens[index], tokens[index + 1])) }
    while true {
      var place = 0
      for index in found.indices where found[index].rank < found[place].rank { place = index }
      guard !found.isEmpty, found[place].rank != MergeTable.Found.none.rank else { return }
      tokens[place] = found[place].result
      lengths[place] &+= lengths[place + 1]
      tokens.remove(at: place + 1)
      lengths.remove(at: place + 1)
      found.remove(at: place)
      if place > 0 { found[place - 1] = table.find(tokens[place - 1], tokens[place]) }
      if place < found.count { found[place] = table.find(tokens[place], tokens[place + 1]) }
    }
  }

  /// Keeps candidates in a heap, ordered by rank, then place: time grows little more than length,
  /// whatever the text.
  private mutating func mergeLong(_ table: MergeTable) {
    let count = Int32(tokens.count)
    let gone = UInt32.max
    next = Array(1...count)
    previous = Array(-1..<count - 1)
    var candidates: [UInt64] = []
    for left in 0..<tokens.count - 1 {
      let found = table.find(tokens[left], tokens[left + 1])
      if found.rank != .max { candidates.append(UInt64(found.rank) << 32 | UInt64(left)) }
    }
    heap = Heap(candidates)
    while let entry = heap.pop() {
      let left = Int(entry & 0xFFFF_FFFF)
      let right = Int(next[left])
      guard tokens[left] != gone, right < count else { continue }
      // An entry is stale when its tokens have changed since.
      let found = table.find(tokens[left], tokens[right])
      guard UInt64(found.rank) == entry >> 32 else { continue }
      tokens[left] = found.result
      lengths[left] &+= lengths[right]
      tokens[right] = gone
      next[left] = next[right]
      if next[left] < count { previous[Int(next[left])] = Int32(left) }
      if previous[left] >= 0 { push(Int(previous[left]), table) }
      push(left, table)
    }
    var kept = 0
    for index in tokens.indices where tokens[index] != gone {
      tokens[kept] = tokens[index]
      lengths[kept] = lengths[index]
      kept += 1
    }
    tokens.removeSubrange(kept...)
    lengths.removeSubrange(kept...)
  }

  private mutating func push(_ left: Int, _ table: MergeTable) {
    let right = Int(next[left])
    guard right < tokens.count else { return }
    let found = table.find(tokens[left], tokens[right])
    if found.rank != .max { heap.push(UInt64(found.rank) << 32 | UInt64(left)) }
  }
}
