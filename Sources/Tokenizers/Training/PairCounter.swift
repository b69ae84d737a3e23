/// How often every pair of neighbouring tokens stands in a list of counted words, kept up to date
/// while pairs are joined: a join touches only the words that have the pair.
struct PairCounter {
  struct Pair: Hashable {
    let left: Int
    let right: Int
  }

  /// Ordered so that the least is the most frequent, of equals that with the smaller ids.
  private struct Candidate: Comparable {
    let count: Int
    let key: UInt64

    static func < (a: Candidate, b: Candidate) -> Bool {
      a.count != b.count ? a.count > b.count : a.key < b.key
    }
  }

  /// The tokens of all words, one after the other; words shrink in place.
  private var tokens: [UInt32] = []
  private var starts: [Int] = []
  private var lengths: [Int] = []
  private var weights: [Int] = []

  /// Where a pair's count and words stand in the two lists below.
  private var slots: [UInt64: Int] = [:]
  private var counts: [Int] = []
  private var words: [[UInt32]] = []

  private var heap = Heap<Candidate>()
  private var changed: [UInt64] = []

  /// How many characters every token has.
  private var characterCounts: [UInt32: Int] = [:]
  private let maximumLength: Int

  /// - Parameter maximumLength: Pairs that together have as many characters or more are not
  ///   counted once one of them was joined, as in the reference.
  init(words list: [(tokens: [Int], weight: Int)], maximumLength: Int = .max) {
    self.maximumLength = maximumLength
    for (index, word) in list.enumerated() {
      starts.append(tokens.count)
      lengths.append(word.tokens.count)
      weights.append(word.weight)
      tokens.append(contentsOf: word.tokens.map { UInt32($0) })
      for place in word.tokens.indices.dropLast() {
        let key = Self.key(UInt32(word.tokens[place]), UInt32(word.tokens[place + 1]))
        add(word.weight, to: key, word: index)
      }
    }
    heap = Heap(slots.map { Candidate(count: counts[$1], key: $0) })
  }

  /// The pair to join next; nil when none is frequent enough.
  mutating func mostFrequent(atLeast minimum: Int) -> Pair? {
    while let top = heap.pop() {
      guard let slot = slots[top.key] else { continue }
      let count = counts[slot]
      if count != top.count {
        // The count has fallen since; it waits where it belongs now.
        if count > 0 { heap.push(Candidate(count: count, key: top.key)) }
        continue
      }
      guard count >= max(minimum, 1) else { return nil }
      return Pair(left: Int(top.key >> 32), right: Int(top.key & 0xFFFF_FFFF))
    }
    return nil
  }

  /// Makes one token of every occurrence of a pair.
  mutating func join(_ pair: Pair, into id: Int) {
    let (left, right, id) = (UInt32(pair.left), UInt32(pair.right), UInt32(id))
    guard let slot = slots[Self.key(left, right)] else { return }
    characterCounts[id] = length(left) + length(right)
    let affected = words[slot]
    words[slot] = []
    changed.removeAll(keepingCapacity: true)
    for word in affected { join(left, right, into: id, word: Int(word)) }
    counts[slot] = 0
    for key in Set(changed) {
      if let slot = slots[key], counts[slot] > 0 {
        heap.push(Candidate(count: counts[slot], key: key))
      }
    }
  }

  private mutating func join(_ left: UInt32, _ right: UInt32, into id: UInt32, word: Int) {
    let start = starts[word]
    let end = start + lengths[word]
    let weight = weights[word]
    var read = start
    var write = start
    while read < end {
      guard read + 1 < end, tokens[read] == left, tokens[read + 1] == right else {
        tokens[write] = tokens[read]
        write += 1
        read += 1
        continue
      }
      if write > start {
        let before = tokens[write - 1]
        remove(weight, from: Self.key(before, left))
        addJoined(weight, before, id, word)
      }
      if read + 2 < end {
        let after = tokens[read + 2]
        remove(weight, from: Self.key(right, after))
        addJoined(weight, id, after, word)
      }
      tokens[write] = id
      write += 1
      read += 2
    }
    lengths[word] = write - start
  }

  private func length(_ token: UInt32) -> Int { characterCounts[token] ?? 1 }

  private mutating func addJoined(_ weight: Int, _ left: UInt32, _ right: UInt32, _ word: Int) {
    guard maximumLength == .max || length(left) + length(right) < maximumLength else { return }
    add(weight, to: Self.key(left, right), word: word)
    changed.append(Self.key(left, right))
  }

  private mutating func add(_ weight: Int, to key: UInt64, word: Int) {
    let word = UInt32(word)
    if let slot = slots[key] {
      counts[slot] += weight
      if words[slot].last != word { words[slot].append(word) }
    } else {
      slots[key] = counts.count
      counts.append(weight)
      words.append([word])
    }
  }

  private mutating func remove(_ weight: Int, from key: UInt64) {
    if let slot = slots[key] { counts[slot] -= weight }
  }

  private static func key(_ left: UInt32, _ right: UInt32) -> UInt64 {
    UInt64(left) << 32 | UInt64(right)
  }
}
