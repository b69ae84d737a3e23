/// The unigram language model (Kudo 2018): of all ways to cut a piece into tokens the one whose
/// tokens are together the most probable.
struct UnigramModel: Sendable {
  let vocabulary: Vocabulary
  /// The logarithm of every token's probability.
  let scores: [Double]
  let unknown: Int?
  /// Whether unknown text becomes tokens of its bytes.
  let fallsBackToBytes: Bool

  private let trie: Trie
  private let unknownScore: Double
  private let byteTokens: [UInt32]?

  init(_ vocabulary: Vocabulary, scores: [Double], unknown: Int?, fallsBackToBytes: Bool) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknown = unknown
    self.fallsBackToBytes = fallsBackToBytes
    trie = Trie(vocabulary)
    unknownScore = (scores.min() ?? 0) - 10
    let bytes = (0..<256).compactMap { vocabulary.id(ByteTokens.text(UInt8($0))) }
    byteTokens = fallsBackToBytes && bytes.count == 256 ? bytes.map { UInt32($0) } : nil
  }

  func tokenize(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    guard findPath(bytes, range, &work) else {
      if work.unknown == nil { work.unknown = [] }
      return
    }
    // From the end back; unknown characters in a row are one token.
    var end = range.count
    while end > 0 {
      let node = work.paths.nodes[end]
      var start = Int(node.start)
      if node.token == unknown {
        while start > 0, work.paths.nodes[start].token == unknown {
          start = Int(work.paths.nodes[start].start)
        }
      }
      append(node.token, bytes, range.lowerBound, start..<end, &work)
      end = start
    }
    work.found.reverse()
  }

  private func append(
    _ token: Int, _ bytes: [UInt8], _ base: Int, _ part: Range<Int>, _ work: inout Workspace
  ) {
    let (start, end) = (UInt32(part.lowerBound), UInt32(part.upperBound))
    guard token == unknown else {
      return work.found.append(PieceToken(id: UInt32(token), start: start, end: end))
    }
    // Several unknown characters may together be a token.
    let text = base + part.lowerBound..<base + part.upperBound
    if let id = vocabulary.id(bytes, text) {
      work.found.append(PieceToken(id: UInt32(id), start: start, end: end))
    } else if let byteTokens {
      for index in text.reversed() {
        work.found.append(PieceToken(id: byteTokens[Int(bytes[index])], start: start, end: end))
      }
    } else {
      work.found.append(PieceToken(id: UInt32(token), start: start, end: end))
    }
  }

  /// The best way to every place of a piece.
  /// - Returns: False where a character has no token and there is no unknown one.
  private func findPath(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) -> Bool {
    work.paths.reset(range.count)
    var place = range.lowerBound
    while place < range.upperBound {
      let length = UTF8Text.character(at: place, in: bytes).length
      let from = place - range.lowerBound
      let score = work.paths.nodes[from].score
      var isCovered = false
      var node = Trie.root
      var end = place
      while end < range.upperBound, let next = trie.next(node, bytes[end]) {
        node = next
        end += 1
        guard let token = trie.token(node) else { continue }
        if end - place == length { isCovered = true }
        work.paths.reach(end - range.lowerBound, from, token, score + scores[token])
      }
      if !isCovered {
        guard let unknown else { return false }
        work.paths.reach(from + length, from, unknown, score + unknownScore)
      }
      place += length
    }
    return true
  }
}

/// Memory for the search of the best cut.
struct PathWorkspace {
  struct Node {
    var score = 0.0
    var token = -1
    var start: Int32 = -1
  }

  fileprivate(set) var nodes: [Node] = []

  fileprivate mutating func reset(_ count: Int) {
    nodes.removeAll(keepingCapacity: true)
    nodes.append(contentsOf: repeatElement(Node(), count: count + 1))
  }

  @inline(__always)
  fileprivate mutating func reach(_ end: Int, _ start: Int, _ token: Int, _ score: Double) {
    if nodes[end].start < 0 || score > nodes[end].score {
      nodes[end] = Node(score: score, token: token, start: Int32(truncatingIfNeeded: start))
    }
  }
}
