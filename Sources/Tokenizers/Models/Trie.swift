/// Tokens by their beginnings: a hash table from a node and a byte to the next node.
struct Trie: Sendable {
  static let root = 0

  /// Node, byte and next node in one word; 0: free.
  private var slots: [UInt64] = Array(repeating: 0, count: 1 << 10)
  /// The token that ends at every node; -1: none.
  private var tokens: [Int32] = [-1]

  mutating func insert(_ text: some Sequence<UInt8>, token: Int) {
    var node = Self.root
    for byte in text { node = add(byte, to: node) }
    tokens[node] = Int32(truncatingIfNeeded: token)
  }

  private mutating func add(_ byte: UInt8, to node: Int) -> Int {
    if let next = next(node, byte) { return next }
    if 2 * tokens.count > slots.count { grow() }
    tokens.append(-1)
    put(Self.key(node, byte) << 32 | UInt64(tokens.count - 1))
    return tokens.count - 1
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: 0, count: 2 * old.count)
    for slot in old where slot != 0 { put(slot) }
  }

  private mutating func put(_ entry: UInt64) {
    var place = start(entry >> 32)
    while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
    slots[place] = entry
  }

  private static func key(_ node: Int, _ byte: UInt8) -> UInt64 {
    UInt64(UInt32(truncatingIfNeeded: node << 8)) | UInt64(byte)
  }

  @inline(__always)
  private func start(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (slots.count - 1)
  }

  /// The node that a byte leads to; nil where none does.
  @inline(__always)
  func next(_ node: Int, _ byte: UInt8) -> Int? {
    let key = Self.key(node, byte)
    var place = start(key)
    while slots[place] != 0 {
      if slots[place] >> 32 == key { return Int(slots[place] & 0xFFFF_FFFF) }
      place = (place + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The token that ends at a node.
  @inline(__always)
  func token(_ node: Int) -> Int? { tokens[node] < 0 ? nil : Int(tokens[node]) }

  /// The node that a text leads to; nil where none does.
  func node(_ text: some Sequence<UInt8>) -> Int? {
    var node = Self.root
    for byte in text {
      guard let next = next(node, byte) else { return nil }
      node = next
    }
    return node
  }
}
