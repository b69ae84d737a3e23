/// What splits and replacements look for.
enum Pattern: Sendable {
  case text([UInt8])
  case regex(Regex)
  case scanner(PieceScanner)

  /// - Throws: where the regular expression is broken or not supported.
  init(regex source: String) throws(RegexError) {
    if let scanner = PieceScanner(source: source) {
      self = .scanner(scanner)
    } else {
      self = .regex(try Regex(source))
    }
  }

  /// Calls `body` with every match in a range, in order.
  func forEachMatch(in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    switch self {
    case .regex(let regex): regex.forEachMatch(in: bytes, range, body)
    case .scanner(let scanner): scanner.forEachPiece(in: bytes, range, body)
    case .text(let text):
      guard let first = text.first else { return }
      var place = range.lowerBound
      let last = range.upperBound - text.count
      while place <= last {
        if bytes[place] == first, bytes[place..<place + text.count].elementsEqual(text) {
          body(place..<place + text.count)
          place += text.count
        } else {
          place += 1
        }
      }
    }
  }
}

/// What becomes of the matches that a text is split at.
enum SplitBehavior: String, CaseIterable, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// The parts that are left of alternating matches and gaps.
  func parts(_ cuts: [(range: Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
    switch self {
    case .removed: return cuts.filter { !$0.isMatch }.map(\.range)
    case .isolated: return cuts.map(\.range)
    case .contiguous: return merged(cuts) { $0 == $1 }
    case .mergedWithPrevious: return merged(cuts) { $0 && !$1 }
    case .mergedWithNext:
      var parts: [Range<Int>] = []
      var wasMatch = false
      for (range, isMatch) in cuts.reversed() {
        if isMatch, !wasMatch, let last = parts.last {
          parts[parts.count - 1] = range.lowerBound..<last.upperBound
        } else {
          parts.append(range)
        }
        wasMatch = isMatch
      }
      return parts.reversed()
    }
  }

  private func merged(
    _ cuts: [(range: Range<Int>, isMatch: Bool)], _ belongs: (Bool, Bool) -> Bool
  ) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var wasMatch = false
    for (range, isMatch) in cuts {
      if belongs(isMatch, wasMatch), let last = parts.last {
        parts[parts.count - 1] = last.lowerBound..<range.upperBound
      } else {
        parts.append(range)
      }
      wasMatch = isMatch
    }
    return parts
  }
}
