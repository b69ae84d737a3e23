/// An error as people read it: what happened, the facts, and what to do as commands to paste.
public struct ErrorMessage: Sendable, Equatable {
  /// One sentence, after `apus: `.
  public var summary: String
  /// What is known, each with a label: "batch", "last good", "looked in".
  public var facts: [(label: String, text: String)]
  /// Commands that mend it, best first.
  public var attempts: [String]
  /// What the commands are for: "try", or "go on" and the like.
  public var attemptLabel: String

  public init(
    _ summary: String, facts: [(label: String, text: String)] = [], attempts: [String] = [],
    attemptLabel: String = "try"
  ) {
    self.summary = summary
    self.facts = facts
    self.attempts = attempts
    self.attemptLabel = attemptLabel
  }

  /// The lines, without a line break at their end; only the first word is red.
  public func text(on terminal: Terminal) -> String {
    let labels = facts.map(\.label) + (attempts.isEmpty ? [] : [attemptLabel])
    let width = max(9, labels.map(\.count).max() ?? 0)
    var lines = [terminal.paint("apus:", .red) + " " + terminal.shown(summary)]
    for fact in facts { lines.append("  \(fact.label.left(width))   \(terminal.shown(fact.text))") }
    for (place, attempt) in attempts.enumerated() {
      let label = place == 0 ? attemptLabel.left(width) : "or".right(width)
      lines.append("  \(label)   \(terminal.shown(attempt))")
    }
    return lines.joined(separator: "\n")
  }

  public static func == (left: ErrorMessage, right: ErrorMessage) -> Bool {
    left.summary == right.summary && left.attempts == right.attempts
      && left.attemptLabel == right.attemptLabel
      && left.facts.elementsEqual(right.facts) { $0.label == $1.label && $0.text == $1.text }
  }
}

/// The name among `names` that was probably meant, for "Did you mean …?": at most a third of its
/// letters differ.
public func nearest(to name: String, among names: [String]) -> String? {
  let best = names.map { (name: $0, distance: distance(name.lowercased(), $0.lowercased())) }
    .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
  guard let best, best.distance <= max(1, name.count / 3) else { return nil }
  return best.name
}

/// The fewest letters to insert, delete, replace or swap with a neighbour.
private func distance(_ left: String, _ right: String) -> Int {
  let (left, right) = (Array(left), Array(right))
  var rows = [Array(0...right.count)]
  for i in left.indices {
    var row = [i + 1]
    for j in right.indices {
      var cost = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        cost = min(cost, rows[i - 1][j - 1] + 1)
      }
      row.append(cost)
    }
    rows.append(row)
  }
  return rows[left.count][right.count]
}
