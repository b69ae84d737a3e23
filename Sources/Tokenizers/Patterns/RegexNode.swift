/// The tree of a regular expression.
indirect enum RegexNode: Sendable {
  case empty
  case set(ScalarSet)
  case sequence([RegexNode])
  case choice([RegexNode])
  case repeated(RegexNode, least: Int, most: Int?, kind: Repetition)
  /// A group that is never entered again by backtracking.
  case atomic(RegexNode)
  case look(RegexNode, isBehind: Bool, isNegative: Bool)
  case anchor(Anchor)

  enum Repetition: Sendable { case greedy, lazy, possessive }

  enum Anchor: Sendable {
    case lineStart, lineEnd, textStart, textEnd, textEndOrLastLine, wordEdge, noWordEdge
  }

  /// How many characters it matches; nil where that may differ.
  var width: Int? {
    switch self {
    case .empty, .look, .anchor: return 0
    case .set: return 1
    case .sequence(let nodes):
      var sum = 0
      for node in nodes {
        guard let width = node.width else { return nil }
        sum += width
      }
      return sum
    case .choice(let nodes):
      let widths = nodes.map(\.width)
      return widths.allSatisfy { $0 == widths.first } ? widths.first ?? 0 : nil
    case .repeated(let node, let least, let most, _):
      return least == most ? node.width.map { $0 * least } : nil
    case .atomic(let node): return node.width
    }
  }

  /// Whether it may match nothing.
  var isNullable: Bool {
    switch self {
    case .empty, .look, .anchor: true
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .choice(let nodes): nodes.contains(where: \.isNullable)
    case .repeated(let node, let least, _, _): least == 0 || node.isNullable
    case .atomic(let node): node.isNullable
    }
  }
}

/// Why a regular expression cannot be used, and where.
struct RegexError: Error {
  let offset: Int
  let problem: String
}
