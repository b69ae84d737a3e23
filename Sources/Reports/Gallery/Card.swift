/// A method's card: six rows, always the same, so that neighbouring cards align.
struct Card {
  let method: MethodReport
  let name: String
  let family: String
  let thinning: Int

  var markup: HTML {
    let figures = Figures(method: method, thinning: thinning).markup
    return """
      <article class="m \(Marks.name(method.status)) \(family)" id="\(name)" \
      aria-labelledby="h-\(name)">
      <div class="hd"><div><h3 id="h-\(name)" dir="auto">\(method.title)</h3><div class="fam">\
      <span>\(method.family)</span><span class="id">\(method.recipe)</span></div></div>\
      \(Marks.status(method.status))</div>
      <div class="idea"><p>\(method.idea)</p>\(formula)\(progress)</div>
      \(explanation == "" ? figures : "<div>\(explanation)\(figures)</div>" as HTML)
      \(Curve.all(method.curves))
      <div class="fx"><dl class="facts">\(facts.joined())</dl></div>
      <div class="cmd"><p class="sr">\(invitation):</p><pre><code>\(command)</code></pre></div>
      </article>
      """
  }

  private var formula: HTML {
    method.formula.isEmpty
      ? "" : "<div class=\"formula\">\(Formula.markup(method.formula))</div>"
  }

  // MARK: - What became of it

  private var progress: HTML {
    guard method.status == .running, let progress = method.progress else { return "" }
    let done = Wording.percent(progress.step, of: progress.steps)
    var text = "Step \(Wording.count(progress.step)) of \(Wording.count(progress.steps)): \(done)"
    if let left = progress.secondsLeft { text += ", \(Wording.duration(left)) left" }
    return """
      <p>\(text)</p><progress max="\(max(1, progress.steps))" \
      value="\(max(0, min(progress.step, progress.steps)))" aria-label="Training">\(done)</progress>
      """
  }

  private var explanation: HTML {
    guard method.status != .trained, method.status != .running else { return "" }
    guard let failure = method.failure else {
      return "<div class=\"why hold\"><b>No reason is known.</b></div>"
    }
    let isBad = method.status == .failed
    let remedy: HTML =
      failure.attempt.isEmpty
      ? "\(sentences([failure.remedy]))"
      : "\(failure.remedy.isEmpty ? "Try" : failure.remedy): <code>\(failure.attempt)</code>."
    let parts: [HTML] = [
      "<b>\(sentences([failure.what]))</b>", "\(sentences([failure.why]))",
      "\(sentences([failure.kept]))", remedy,
    ]
    return """
      <div class="why\(isBad ? "" : " hold")">\(parts.filter { $0 != "" }.joined(" "))</div>
      """
  }

  private var invitation: String {
    switch method.status {
    case .failed: "Try again with"
    case .interrupted: "Go on with"
    case .notRun: "Run it with"
    case .trained, .running: "Reproduce with"
    }
  }

  // MARK: - Facts

  private var facts: [HTML] {
    if method.status == .running, let progress = method.progress { return live(progress) }
    let size = method.fileBytes.map { Wording.bytes($0) + " file" }
    return [
      metric, fact("Time", Wording.duration(method.seconds), pace),
      fact("Peak memory", Wording.bytes(method.peakBytes), nil),
      fact("Parameters", Wording.parameters(method.parameters), size),
    ]
  }

  private func live(_ progress: MethodReport.Progress) -> [HTML] {
    let rate = progress.learningRate.map(Wording.significant) ?? Wording.missing
    return [
      metric, fact("Speed", Wording.rate(progress.stepsPerSecond, "steps"), nil),
      fact("Memory", Wording.bytes(method.peakBytes), nil), fact("Rate", rate, nil),
    ]
  }

  private func fact(_ term: String, _ value: String, _ note: String?) -> HTML {
    let small: HTML = note.map { "<small>\($0)</small>" } ?? ""
    return "<div><dt>\(term)</dt><dd>\(value)\(small)</dd></div>"
  }

  private var pace: String? {
    guard let seconds = method.seconds, let steps = method.steps, steps > 0, seconds > 0 else {
      return nil
    }
    return Wording.duration(seconds / Double(steps)) + "/step"
  }

  private var metric: HTML {
    guard let metric = method.metric, metric.value.isFinite else { return noMetric }
    let quantity = Wording.quantity(metric.value, unit: metric.unit)
    let note = metric.note.isEmpty ? "" : ", " + metric.note
    guard metric.kind != .score else {
      let term = metric.unit == "%" ? metric.name : "Score"
      return """
        <div><dt>\(term)</dt><dd>\(quantity)<small><b>\(metric.kindInWords)</b>\(note)</small>\
        </dd></div>
        """
    }
    let term =
      metric.unit.contains("bits") || metric.unit.contains("nats")
      ? "Likelihood" : metric.name
    return """
      <div><dt>\(term)</dt><dd>\(Marks.small(metric.kind))\(quantity)\
      <small><b>\(metric.kindInWords)</b>\(note)</small></dd></div>
      """
  }

  private var noMetric: HTML {
    switch method.status {
    case .trained: fact("Likelihood", "none", "the method defines none")
    case .running, .interrupted: fact("Likelihood", Wording.missing, "measured at the end")
    case .failed, .notRun: fact("Likelihood", Wording.missing, "not measured")
    }
  }

  // MARK: - Command

  /// Lines break between an option and the next one, never inside "--steps 4000".
  private var command: HTML {
    var pieces: [String] = []
    for word in method.command.split(separator: " ", omittingEmptySubsequences: false) {
      if let last = pieces.indices.last, !word.hasPrefix("--") {
        pieces[last] += " " + word
      } else {
        pieces.append(String(word))
      }
    }
    return pieces.map { piece -> HTML in "<span>\(piece)</span>" }.joined(" ")
  }
}
