import Reports

/// Rows of text in columns, each as wide as its widest cell.
struct Columns {
  enum Side { case left, right }

  private let sides: [Side]
  private var rows: [[String]] = []

  /// Columns by the side at which their cells stand.
  init(_ sides: Side...) { self.sides = sides }

  mutating func add(_ cells: String...) { rows.append(cells) }

  /// The lines, with two spaces between columns and none at their ends.
  var lines: [String] {
    let widths = sides.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { cells in
      let padded = cells.indices.map { column in
        sides[column] == .left
          ? cells[column].left(widths[column]) : cells[column].right(widths[column])
      }
      let line = padded.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  var text: String { lines.joined(separator: "\n") }
}
