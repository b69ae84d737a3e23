/// The table that is the chart: every method's number with its kind, by data set.
struct Table {
  let report: GalleryReport
  let names: PageNames

  var markup: HTML {
    """
    <section class="over" aria-labelledby="likelihood">
    <h2 id="likelihood">How well each one knows its data</h2>
    \(key)<table>
    <caption class="sr">Likelihood of every method in bits, lower is better, with the kind of the \
    number, time, memory, size and status</caption>
    <thead><tr><th scope="col">Method</th><th scope="col" class="ax"><span class="sr">Bits, from \
    0 to 8</span><span class="axis" aria-hidden="true"><span>0</span><span>2</span><span>4</span>\
    <span>6</span><span>8</span></span></th><th scope="col" class="n val">Bits</th>\
    <th scope="col" class="wide kind">Kind</th><th scope="col" class="w2">Family</th>\
    <th scope="col" class="n wide">Time</th><th scope="col" class="n w1">Memory</th>\
    <th scope="col" class="n w1">Parameters</th><th scope="col" class="wide stc">Status</th></tr>\
    </thead>
    \(groups.map(body(of:)).joined())\(rest)
    </table>
    <p class="cap">Lower is better; 8 is a blind guess among 256 values. Compare within one data \
    set only.</p>
    </section>
    """
  }

  // MARK: - Which row stands where

  private var onScale: [Int] {
    report.methods.indices.filter {
      report.methods[$0].status == .trained && report.methods[$0].metric?.isOnScale == true
    }
  }

  /// The data sets of the report, and one for every other data set that a method names.
  private var groups: [(group: DataGroup, rows: [Int])] {
    var groups = report.groups
    for index in onScale {
      guard let metric = report.methods[index].metric else { continue }
      let id = metric.group ?? ""
      if !groups.contains(where: { $0.id == id }) {
        groups.append(DataGroup(id: id, name: id.isEmpty ? "Other data" : id, unit: metric.name))
      }
    }
    return groups.map { group in
      let rows = onScale.filter { (report.methods[$0].metric?.group ?? "") == group.id }
      return (group, rows.sorted { (value($0), $0) < (value($1), $1) })
    }.filter { !$0.rows.isEmpty || !$0.group.references.isEmpty }
  }

  private func value(_ index: Int) -> Double { report.methods[index].metric?.value ?? .infinity }

  private func body(of part: (group: DataGroup, rows: [Int])) -> HTML {
    let note = part.group.note.isEmpty ? part.group.unit : part.group.unit + ", " + part.group.note
    let rows = part.rows.map(plotted) + part.group.references.map(reference)
    return """
      <tbody><tr><th scope="rowgroup" colspan="9">\(part.group.name) <small>\(note)</small></th>\
      </tr>\(rows.joined())</tbody>
      """
  }

  private var rest: HTML {
    let shown = Set(onScale)
    let rows = report.methods.indices.filter { !shown.contains($0) }.map(plain)
    guard !rows.isEmpty else { return "" }
    return """
      <tbody><tr><th scope="rowgroup" colspan="9">Not on this scale</th></tr>\
      \(rows.joined())</tbody>
      """
  }

  // MARK: - Rows

  private func plotted(_ index: Int) -> HTML {
    guard let metric = report.methods[index].metric else { return plain(index) }
    return row(
      index, cell: "<td class=\"c\">\(Marks.onScale(metric))</td>",
      value: Wording.value(metric.value, unit: metric.unit), kind: metric)
  }

  private func plain(_ index: Int) -> HTML {
    let method = report.methods[index]
    return row(
      index, cell: cell(of: method), value: Wording.missing,
      kind: method.status == .trained ? method.metric : nil)
  }

  /// What stands in the chart's column of a method that has no place on the axis.
  private func cell(of method: MethodReport) -> HTML {
    switch method.status {
    case .trained:
      guard let metric = method.metric else {
        return "<td class=\"soft ind\">no likelihood</td>"
      }
      let unit = metric.unit == "%" || metric.name.contains(metric.unit) ? "" : metric.unit + " "
      let name = metric.unit.contains("nats") ? metric.name : unit + metric.name
      let note = metric.kind == .score || metric.note.isEmpty ? "" : ": " + metric.note
      return """
        <td class="soft ind"><b>\(Wording.value(metric.value, unit: metric.unit))</b> \
        \(name)\(note)</td>
        """
    case .running:
      guard let progress = method.progress else {
        return "<td class=\"soft ind\">in training</td>"
      }
      let done = Wording.percent(progress.step, of: progress.steps)
      return """
        <td class="c"><div class="far"><progress max="\(max(1, progress.steps))" \
        value="\(max(0, min(progress.step, progress.steps)))" aria-label="Training">\(done)\
        </progress><span>\(done)</span></div></td>
        """
    case .failed, .interrupted, .notRun:
      let short = method.failure?.short ?? method.status.word
      let mark = Marks.status(method.status, word: short, wrapped: true)
      return "<td class=\"soft ind\">\(mark)</td>"
    }
  }

  private func row(_ index: Int, cell: HTML, value: String, kind metric: Metric?) -> HTML {
    let method = report.methods[index]
    let word = metric?.kindInWords ?? ""
    var short: HTML = ""
    if let metric {
      let interval = word.dropFirst(metric.kind.word.count + 1)
      short =
        interval.isEmpty
        ? "<small>\(metric.kind.word)</small>"
        : "<small>\(metric.kind.word)<br/>\(String(interval))</small>"
    }
    return """
      <tr class="r \(names.family(of: method))"><th scope="row" class="name">\
      <a href="#\(names.methods[index])">\(method.recipe)</a></th>\(cell)\
      <td class="n val">\(value)\(short)</td><td class="wide kind">\(word)</td>\
      <td class="w2 fam">\(method.family)</td>\
      <td class="n t wide">\(Wording.duration(method.seconds))</td>\
      <td class="n t w1">\(Wording.bytes(method.peakBytes))</td>\
      <td class="n t w1">\(Wording.parameters(method.parameters))</td>\
      <td class="wide stc">\(Marks.status(method.status))</td></tr>
      """
  }

  private func reference(_ reference: DataGroup.Reference) -> HTML {
    """
    <tr class="r base"><th scope="row" class="name">\(reference.name)</th>\
    <td class="c">\(Marks.reference(reference.value))</td>\
    <td class="n val">\(Wording.value(reference.value, unit: "bits"))<small>exact</small></td>\
    <td class="wide soft kind">exact</td>\
    <td class="w2 soft" colspan="5">for comparison: \(reference.note)</td></tr>
    """
  }

  // MARK: - Key

  /// The kinds that stand in the table, each explained.
  private var key: HTML {
    let kinds = Set(onScale.compactMap { report.methods[$0].metric?.kind })
    let entries = Metric.Kind.allCases.filter(kinds.contains).map { kind -> HTML in
      let word = kind.word.prefix(1).uppercased() + kind.word.dropFirst()
      return "<li>\(Marks.small(kind))<span><b>\(word)</b>: \(meaning(of: kind))</span></li>"
    }
    return entries.isEmpty ? "" : "<ul class=\"key\">\n\(entries.joined("\n"))\n</ul>\n"
  }

  private func meaning(of kind: Metric.Kind) -> String {
    switch kind {
    case .exact: "the model’s own number"
    case .upperBound: "the truth lies at the point or left of it"
    case .lowerBound: "the truth lies at the point or right of it"
    case .estimate: "the truth lies within the bar, 19 times of 20"
    case .score: ""
    }
  }
}
