internal import Foundation

/// All ways to cut a text into pieces with scores.
struct UnigramLattice {
  /// How a piece could be cut without it.
  enum Alternative {
    /// Not at all.
    case none
    /// Its best cut does not have it, so that it is hardly needed.
    case notChosen
    /// Into these pieces.
    case some([Int])
  }

  private struct Edge {
    let start: Int
    let end: Int
    /// The number of pieces: an unknown character.
    let piece: Int
    let score: Double
  }

  private let trie: Trie
  private let scores: [Double]
  private let unknownScore: Double
  /// The edges of the text at hand, by their starts.
  private var edges: [Edge] = []

  init(_ pieces: [UnigramPiece]) {
    var trie = Trie()
    for (index, piece) in pieces.enumerated() { trie.insert(piece.text, token: index) }
    self.trie = trie
    scores = pieces.map(\.score)
    unknownScore = (scores.min() ?? 0) - 10
  }

  private mutating func build(_ text: [UInt8]) {
    edges.removeAll(keepingCapacity: true)
    var place = 0
    while place < text.count {
      let length = UTF8Text.character(at: place, in: text).length
      var isCovered = false
      var node = Trie.root
      var end = place
      while end < text.count, let next = trie.next(node, text[end]) {
        node = next
        end += 1
        guard let piece = trie.token(node) else { continue }
        edges.append(Edge(start: place, end: end, piece: piece, score: scores[piece]))
        if end - place == length { isCovered = true }
      }
      if !isCovered {
        edges.append(
          Edge(start: place, end: place + length, piece: scores.count, score: unknownScore))
      }
      place += length
    }
  }

  /// Adds how often every piece is expected in a text that is there `count` times.
  mutating func addExpectations(
    of text: [UInt8], _ count: Double, to expected: inout [Double]
  ) {
    build(text)
    var forward = [Double](repeating: -.infinity, count: text.count + 1)
    var backward = forward
    forward[0] = 0
    backward[text.count] = 0
    for edge in edges {
      forward[edge.end] = Self.logSum(forward[edge.end], forward[edge.start] + edge.score)
    }
    for edge in edges.reversed() {
      backward[edge.start] = Self.logSum(backward[edge.start], backward[edge.end] + edge.score)
    }
    for edge in edges where edge.piece < scores.count {
      let score = forward[edge.start] + edge.score + backward[edge.end] - forward[text.count]
      expected[edge.piece] += count * exp(score)
    }
  }

  private static func logSum(_ a: Double, _ b: Double) -> Double {
    let (low, high) = a < b ? (a, b) : (b, a)
    return low < high - 50 ? high : high + log1p(exp(low - high))
  }

  /// The pieces of the best cut; unknown characters have the number of pieces.
  mutating func best(for text: [UInt8]) -> [Int] {
    build(text)
    var scores = [Double](repeating: -.infinity, count: text.count + 1)
    var last = [Int](repeating: -1, count: text.count + 1)
    scores[0] = 0
    for (index, edge) in edges.enumerated() {
      let score = scores[edge.start] + edge.score
      if score > scores[edge.end] { (scores[edge.end], last[edge.end]) = (score, index) }
    }
    var pieces: [Int] = []
    var place = text.count
    while place > 0, last[place] >= 0 {
      pieces.append(edges[last[place]].piece)
      place = edges[last[place]].start
    }
    return pieces.reversed()
  }

  /// How a piece's own text is cut second best.
  mutating func secondBest(for text: [UInt8]) -> Alternative {
    build(text)
    /// A way to a place: its score, its last edge, and which way to that edge's start it took.
    struct Way {
      let score: Double
      let edge: Int
      let rank: Int
    }
    var ways = [[Way]](repeating: [], count: text.count + 1)
    ways[0] = [Way(score: 0, edge: -1, rank: 0)]
    for (index, edge) in edges.enumerated() {
      for (rank, way) in ways[edge.start].enumerated() {
        ways[edge.end].append(Way(score: way.score + edge.score, edge: index, rank: rank))
      }
      ways[edge.end].sort { $0.score > $1.score }
      ways[edge.end].removeSubrange(min(2, ways[edge.end].count)...)
    }
    guard ways[text.count].count == 2 else { return .none }
    func pieces(_ rank: Int) -> [Int] {
      var pieces: [Int] = []
      var (place, rank) = (text.count, rank)
      while place > 0 {
        let way = ways[place][rank]
        pieces.append(edges[way.edge].piece)
        (place, rank) = (edges[way.edge].start, way.rank)
      }
      return pieces.reversed()
    }
    guard pieces(0).count == 1 else { return .notChosen }
    return .some(pieces(1))
  }
}
