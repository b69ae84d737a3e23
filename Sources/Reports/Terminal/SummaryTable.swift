/// The table at the end of a gallery: every number with its kind, grouped by data; with 120
/// columns also as marks on the scale of 0 to 8 bits.
public struct SummaryTable: Sendable {
  private let report: GalleryReport

  public init(_ report: GalleryReport) { self.report = report }

  private struct Row {
    var name: String
    var value: String
    var kind: String
    var status: MethodReport.Status = .trained
    var metric: Metric?
    var isReference = false
    var time = ""
    var memory = ""
    var parameters = ""
    /// Where it stands among its neighbours.
    var order = Double.infinity
  }

  private struct Part {
    var title: String
    var rows: [Row]
  }

  /// The table, without a line break at its end.
  /// - Parameters:
  ///   - width: columns of the terminal; 80 if unknown.
  ///   - page: where the page lies, for the last line.
  public func text(on terminal: Terminal, width: Int = 80, page: String? = nil) -> String {
    let parts = parts()
    let layout = Layout(rows: parts.flatMap(\.rows), terminal: terminal, width: width)
    var lines: [String] = []
    for (place, part) in parts.enumerated() {
      lines.append(terminal.paint(terminal.shown(part.title), .dim))
      if place == 0 { lines.append(layout.heading) }
      lines += part.rows.map(layout.line)
    }
    lines += ["", terminal.shown(closing(page))]
    return lines.joined(separator: "\n")
  }

  /// The same as a Markdown table, for a README.
  public func markdown() -> String {
    var lines = ["| data | method | value | kind | time | memory | parameters |"]
    lines.append("|---|---|--:|---|--:|--:|--:|")
    for part in parts() {
      for row in part.rows {
        let cells = [
          part.title, row.name, row.value, row.kind, row.time, row.memory, row.parameters,
        ]
        let safe = cells.map { cell in
          escape(cell).replacing("|", with: "\\|").replacing("\n", with: " ")
        }
        lines.append("| " + safe.joined(separator: " | ") + " |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `8 of 9 trained, 1 failed, 8 min 10 s. Page: gallery/index.html`.
  private func closing(_ page: String?) -> String {
    let methods = report.methods
    let trained = methods.count { $0.status == .trained }
    var parts = ["\(trained) of \(methods.count) trained"]
    for status in MethodReport.Status.allCases where status != .trained {
      let count = methods.count { $0.status == status }
      if count > 0 { parts.append("\(count) \(status.word)") }
    }
    if report.seconds != nil { parts.append(Wording.duration(report.seconds)) }
    return parts.joined(separator: ", ") + "." + (page.map { " Page: \($0)" } ?? "")
  }

  // MARK: - Rows

  private func parts() -> [Part] {
    var rest = report.methods.indices.map { $0 }
    var parts = report.groups.map { group in
      let inGroup = rest.filter { index in
        let method = report.methods[index]
        return method.status == .trained && method.metric?.group == group.id
          && method.metric?.isOnScale == true
      }
      rest.removeAll(where: inGroup.contains)
      let references = group.references.map { reference in
        Row(
          name: reference.name, value: Wording.value(reference.value, unit: "bits"),
          kind: "exact", isReference: true, order: reference.value)
      }
      let rows = (inGroup.map { row(of: report.methods[$0], onScale: true) } + references)
        .enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
      return Part(title: "\(group.name), \(group.unit)", rows: rows.map(\.element))
    }.filter { $0.rows.contains { !$0.isReference } }
    if !rest.isEmpty {
      parts.append(
        Part(title: "Other", rows: rest.map { row(of: report.methods[$0], onScale: false) }))
    }
    return parts
  }

  private func row(of method: MethodReport, onScale: Bool) -> Row {
    var row = Row(
      name: method.recipe, value: Wording.missing, kind: "", status: method.status,
      time: Wording.duration(method.seconds), memory: Wording.bytes(method.peakBytes),
      parameters: Wording.parameters(method.parameters))
    guard method.status == .trained else {
      let step = method.failure?.step.map { "step " + Wording.count($0) }
      row.kind = step ?? method.failure?.short ?? method.status.word
      return row
    }
    guard let metric = method.metric, metric.value.isFinite else {
      row.kind = "no likelihood"
      return row
    }
    row.value = Wording.value(metric.value, unit: metric.unit)
    row.order = metric.value
    if onScale {
      row.kind = metric.kindInWords
      row.metric = metric
    } else if metric.kind == .score {
      row.kind = metric.unit == "%" ? metric.name : metric.unit
    } else {
      row.kind = "\(metric.unit), \(metric.kindInWords)"
    }
    return row
  }

  // MARK: - Columns

  /// The columns that fit: the scale from 120, the last ones only where there is room.
  private struct Layout {
    let terminal: Terminal
    let nameWidth, valueWidth, kindWidth, timeWidth: Int
    let hasScale, hasMemory, hasParameters: Bool

    init(rows: [Row], terminal: Terminal, width: Int) {
      self.terminal = terminal
      func widest(_ text: KeyPath<Row, String>) -> Int {
        rows.map { terminal.shown($0[keyPath: text]).count }.max() ?? 0
      }
      let sign = terminal.unicode ? 2 : 8
      hasScale = width >= 120
      nameWidth = max(18, widest(\.name) + 2)
      valueWidth = max(hasScale ? 6 : 7, widest(\.value))
      timeWidth = max(4, widest(\.time))
      kindWidth = max(hasScale ? 19 : 20, widest(\.kind) + 2)
      let scale = hasScale ? 43 : 0
      let narrow = sign + nameWidth + valueWidth + scale + 2 + kindWidth + timeWidth
      hasMemory = narrow + 10 <= width
      hasParameters = narrow + 22 <= width
    }

    var heading: String {
      let scale = hasScale ? "  0         2         4         6         8" : ""
      let sign = terminal.unicode ? 2 : 8
      let line =
        String(repeating: " ", count: sign) + "".left(nameWidth) + "bits".right(valueWidth)
        + scale + "  " + "kind".left(kindWidth) + "time".right(timeWidth)
        + (hasMemory ? "memory".right(10) : "") + (hasParameters ? "parameters".right(12) : "")
      return terminal.paint(line, .dim)
    }

    func line(_ row: Row) -> String {
      var sign = terminal.unicode ? "  " : "        "
      if row.status != .trained {
        sign = GalleryLines.Sign(row.status, on: terminal).bare.left(sign.count)
      }
      let name = terminal.shown(row.name).left(nameWidth)
      let value = terminal.shown(row.value).right(valueWidth)
      var rest = "  " + terminal.shown(row.kind).left(kindWidth)
      rest += terminal.shown(row.time).right(timeWidth)
      if hasMemory { rest += terminal.shown(row.memory).right(10) }
      if hasParameters { rest += terminal.shown(row.parameters).right(12) }
      while rest.hasSuffix(" ") { rest.removeLast() }
      let scale = hasScale ? "  " + self.scale(row) : ""
      if row.status == .failed { return terminal.paint(sign + name + value + scale + rest, .red) }
      return sign + name + terminal.paint(value, .bold) + scale + rest
    }

    /// 41 columns for 0 to 8 bits, five a bit; the mark says the kind here too.
    private func scale(_ row: Row) -> String {
      guard row.metric != nil || row.isReference else { return "".left(41) }
      var cells = (0...40).map { cell -> Character in
        cell.isMultiple(of: 10) ? (terminal.unicode ? "│" : ":") : " "
      }
      func put(_ sign: Character, _ plain: Character, at cell: Int) {
        if cells.indices.contains(cell) { cells[cell] = terminal.unicode ? sign : plain }
      }
      let place = Int((max(-1, min(9, row.order)) * 5).rounded())
      guard let metric = row.metric else {
        put("|", "|", at: place)
        return String(cells)
      }
      switch metric.kind {
      case .exact: put("●", "o", at: place)
      case .upperBound:
        for tail in 1...3 { put("·", ".", at: place - tail) }
        put("◀", "<", at: place)
      case .lowerBound:
        for tail in 1...3 { put("·", ".", at: place + tail) }
        put("▶", ">", at: place)
      case .estimate:
        let reach = metric.error.map { Int((abs($0) * 5).rounded()) } ?? 0
        for distance in 1..<max(1, min(40, reach) + 1) {
          put("─", "-", at: place - distance)
          put("─", "-", at: place + distance)
        }
        put("◇", "?", at: place)
      case .score: break
      }
      return String(cells)
    }
  }
}
