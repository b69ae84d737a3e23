/// The head of the page: title, plates, totals, conditions.
struct Head {
  let report: GalleryReport
  let names: PageNames

  var markup: HTML {
    """
    <header>
    <div class="brand">\(Marks.swift)<span>Apus gallery</span></div>
    <div class="top\(report.methods.count > 22 ? " many" : "")"><div><h1>\(title)</h1>
    <p class="lead">Trained on this computer from real data, from nothing. Samples are the first \
    that came, none is selected, and every number can be made again with the command below it.</p>\
    </div>
    <div><nav aria-label="All methods"><ul class="plates">\(plates)</ul></nav>
    <dl class="totals">
    <div><dt>Methods</dt><dd>\(trained.count) of \(report.methods.count)\(unfinished)</dd></div>
    <div><dt>Time</dt><dd>\(Wording.duration(report.seconds))\(small(trainingTime))</dd></div>
    <div><dt>Peak memory</dt><dd>\(Wording.bytes(largest?.peakBytes))\(small(largest?.recipe))\
    </dd></div>
    <div><dt>Parameters</dt><dd>\(Wording.parameters(sum(\.parameters)))\(small(onDisk))</dd></div>
    <div class="soft cond"><dt class="sr">Conditions</dt><dd>\(conditions)</dd></div>
    </dl></div></div>
    </header>
    """
  }

  /// "Nine ways to generate, a minute of training each".
  var title: String {
    let count = report.methods.count
    let opening = Wording.spelled(count) + (count == 1 ? " way" : " ways") + " to generate"
    let times = trained.compactMap(\.seconds).sorted()
    let usual = report.secondsEach ?? (times.isEmpty ? nil : times[times.count / 2])
    guard let usual, usual.isFinite, usual > 0 else { return opening }
    let time = (45...90).contains(usual) ? "a minute" : Wording.duration(usual)
    return opening + ", \(time) of training" + (count == 1 ? "" : " each")
  }

  private var trained: [MethodReport] { report.methods.filter { $0.status == .trained } }

  private var largest: MethodReport? {
    report.methods.filter { $0.peakBytes != nil }.max { ($0.peakBytes ?? 0) < ($1.peakBytes ?? 0) }
  }

  private func sum(_ part: KeyPath<MethodReport, Int?>) -> Int? {
    let known = report.methods.compactMap { $0[keyPath: part] }
    return known.isEmpty ? nil : known.reduce(0) { $0.addingReportingOverflow($1).partialValue }
  }

  private func small(_ text: String?) -> HTML { text.map { "<small>\($0)</small>" } ?? "" }

  private var trainingTime: String? {
    let times = report.methods.compactMap(\.seconds)
    return times.isEmpty ? nil : Wording.duration(times.reduce(0, +)) + " of it training"
  }

  private var onDisk: String? { sum(\.fileBytes).map { Wording.bytes($0) + " on disk" } }

  /// How many of each other status there are, each with a link to the first.
  private var unfinished: HTML {
    let statuses: [MethodReport.Status] = [.failed, .interrupted, .running, .notRun]
    return statuses.map { status -> HTML in
      let those = report.methods.indices.filter { report.methods[$0].status == status }
      guard let first = those.first else { return "" }
      let isBad = status == .failed
      return """
        <small\(isBad ? #" class="bad""# : "" as HTML)><a href="#\(names.methods[first])">\
        \(those.count) \(status.word)</a></small>
        """
    }.joined()
  }

  private var conditions: HTML {
    let words = ["Apus " + report.version] + report.machine + ["seed \(report.seed)"]
    return """
      \(words.joined(separator: " · ")) · \
      <time datetime="\(Moment(secondsSince1970: report.date).machineReadable)">\
      \(Wording.date(report.date))</time>
      """
  }

  // MARK: - Plates

  private var plates: HTML {
    zip(report.methods, names.methods).map { method, name -> HTML in
      """
      <li><a href="#\(name)" title="\(method.recipe)"><span class="sr">\(method.recipe)</span>\
      \(plate(of: method))</a></li>
      """
    }.joined()
  }

  /// The first sample of a method, or the sign of what became of it.
  private func plate(of method: MethodReport) -> HTML {
    if method.status == .failed {
      return """
        <svg class="no" viewBox="0 0 56 56" aria-hidden="true">\
        <path d="M20 20 36 36M36 20 20 36"/></svg>
        """
    }
    return method.figures.lazy.compactMap(sample(of:)).first
      ?? "<span class=\"aa\" aria-hidden=\"true\">\(method.status == .trained ? "·" : "–")</span>"
  }

  private func sample(of figure: Figure) -> HTML? {
    switch figure {
    case .pictures(let grid): grid.pictures.first.map(image)
    case .rows(let rows):
      // What the model made stands between what it was given and the original.
      rows.rows.dropFirst().first?.pictures.first.map(image)
        ?? rows.rows.first?.pictures.dropFirst().first.map(image)
    case .classes(let classes): classes.columns.first?.pictures.first.map(image)
    case .denoising(let strip):
      (strip.samples?.pictures.first ?? strip.states.last).map(image)
    case .texts, .translations: "<span class=\"aa\" aria-hidden=\"true\">Aa</span>"
    case .sound(let sound):
      """
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">\
      <path d="\(SoundFigure.envelope(sound, columns: 40))" fill="var(--accent)"/></svg>
      """
    case .density(let map):
      tile(map)
    case .confusion, .alignment, .nothing: nil
    }
  }

  /// A density with no more cells than a plate has pixels.
  private func tile(_ map: DensityMap) -> HTML {
    let stride = max(1, map.side / 56)
    let side = map.side / stride
    let levels = (0..<side * side).map { place in
      let cell = place / side * stride * map.side + place % side * stride
      return map.levels.indices.contains(cell) ? map.levels[cell] : 0
    }
    return """
      <img src="\(PlotPicture.dataURI(levels: levels, width: side))" width="56" \
      height="56" alt=""/>
      """
  }

  private func image(_ picture: Picture) -> HTML {
    """
    <img src="\(dataURI(picture.png, type: "image/png"))" width="56" height="56" alt=""/>
    """
  }
}
