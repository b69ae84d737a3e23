import Foundation

/// A learning curve as a plot: training raw and thin, held-out points thick, nothing smoothed.
struct Curve {
  private let curve: LearningCurve
  private let training: [LearningCurve.Point]
  private let heldOut: [LearningCurve.Point]
  private let ticks: [Double]
  private let steps: Int
  /// Whether it is one of several plots of a card, and half as high.
  private let isLow: Bool

  /// All curves of a method.
  static func all(_ curves: [LearningCurve]) -> HTML {
    let drawn = curves.compactMap { Curve($0, isLow: curves.count > 1)?.markup }
    return drawn.isEmpty ? "<div></div>" : "<div class=\"curve\">\(drawn.joined())</div>"
  }

  /// Nothing where there is no value to draw.
  init?(_ curve: LearningCurve, isLow: Bool) {
    self.curve = curve
    self.isLow = isLow
    let isLogarithmic = curve.scale == .logarithmic
    training = Axis.decimated(curve.training.filter { !isLogarithmic || $0.value > 0 })
    heldOut = Axis.decimated(
      curve.heldOut.filter { !isLogarithmic || $0.value > 0 }, to: Axis.mostHeldOut)
    guard !training.isEmpty || !heldOut.isEmpty else { return nil }
    let last = max(training.last?.step ?? 0, heldOut.last?.step ?? 0)
    steps = max(1, curve.plannedSteps, last)
    let range = Axis.range(training: training, heldOut: heldOut, steps: steps)
    ticks =
      isLogarithmic
      ? Axis.logarithmicTicks(from: range.lowerBound, to: range.upperBound)
      : Axis.ticks(from: range.lowerBound, to: range.upperBound)
  }

  var markup: HTML {
    let unit: HTML = curve.unit.isEmpty ? "" : ", \(curve.unit)"
    return """
      <div class="plot\(isLow ? " low" : "")"><div class="h"><b>\(curve.title)</b>\(unit)</div>\
      <div class="y" aria-hidden="true">\(tickLabels)</div>
      <div class="in"><svg role="img" aria-label="\(description)">\(grid)\
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%" \
      class="clip">\(path(training, "train"))\(path(heldOut, "held"))</svg>\(dots)\(cross)</svg>\
      <div aria-hidden="true">\(curve.failure == nil ? "" : endOfFailed)</div></div>
      <div class="e" aria-hidden="true">\(curve.failure == nil ? endLabels : "")</div>\
      <div class="xx" aria-hidden="true"><span>0</span>\
      <span>\(Wording.count(steps / 2))</span>\
      <span>\(Wording.count(steps) + Wording.gap)steps</span></div></div>
      """
  }

  // MARK: - Places in percent of the frame

  private func across(_ step: Int) -> Double { 100 * Double(step) / Double(steps) }

  private func down(_ value: Double) -> Double {
    let (low, high) = (ticks[0], ticks[ticks.count - 1])
    let share =
      curve.scale == .logarithmic
      ? (log10(high) - log10(value)) / (log10(high) - log10(low))
      : (high - value) / (high - low)
    return max(-90, min(190, 100 * share))
  }

  private func inFrame(_ value: Double) -> Double { max(0, min(100, down(value))) }

  // MARK: - Lines and dots

  private func path(_ points: [LearningCurve.Point], _ name: String) -> HTML {
    guard points.count > 1 else { return "" }
    let line = points.map { point -> HTML in
      "\(across(point.step), digits: 1) \(down(point.value), digits: 1)"
    }
    return "<path class=\"\(name)\" d=\"M\(line.joined("L"))\"/>"
  }

  private var grid: HTML {
    let rows = ticks.map { tick -> HTML in
      let place: HTML = "\(down(tick), digits: 1)%"
      return "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"\(place)\" y2=\"\(place)\"/>"
    }
    let resumes = curve.resumedAt.map { step -> HTML in
      let place: HTML = "\(across(step), digits: 1)%"
      return "<line class=\"resume\" x1=\"\(place)\" x2=\"\(place)\" y1=\"0\" y2=\"100%\"/>"
    }
    return rows.joined() + resumes.joined()
  }

  /// The held-out points inside the frame, the last one larger; of training alone its last value.
  private var dots: HTML {
    let shown = heldOut.filter { down($0.value) == inFrame($0.value) }
    return shown.enumerated().map { place, point -> HTML in
      """
      <circle class="dot" cx="\(across(point.step), digits: 1)%" \
      cy="\(down(point.value), digits: 1)%" r="\(place == shown.count - 1 ? "4" : "2.2")"/>
      """
    }.joined()
  }

  private var tickLabels: HTML {
    let shown = isLow && ticks.count > 3 ? [ticks[0], ticks[ticks.count - 1]] : ticks
    return shown.map { tick -> HTML in
      "<span style=\"top:\(down(tick), digits: 1)%\">\(Axis.label(tick, among: ticks))</span>"
    }.joined()
  }

  // MARK: - The end of the lines

  /// The mean of the last training values: where the label of the line belongs.
  private var endOfTraining: Double? {
    let last = training.suffix(12)
    return last.isEmpty ? nil : last.map(\.value).reduce(0, +) / Double(last.count)
  }

  private var endLabels: HTML {
    let apart: Double = isLow ? 30 : 15
    let held = heldOut.last.map { inFrame($0.value) }
    var trained = endOfTraining.map(inFrame)
    if let held, let place = trained, abs(held - place) < apart {
      trained = held + (place >= held ? apart : -apart)
    }
    let heldLabel = heldOut.last.map { label("v", held ?? 0, shown($0.value) + " held out") } ?? ""
    guard let trained else { return heldLabel }
    let name = heldOut.isEmpty ? training.last.map { shown($0.value) + " training" } : "training"
    return heldLabel + label("tr", trained, name ?? "training")
  }

  private func label(_ name: String, _ place: Double, _ text: String) -> HTML {
    "<span class=\"\(name)\" style=\"top:\(place, digits: 0)%\">\(text)</span>"
  }

  private func shown(_ value: Double) -> String { Wording.value(value, unit: curve.unit) }

  // MARK: - A run that failed

  private var lastGood: LearningCurve.Point? {
    [training.last, heldOut.last].compactMap(\.self).max { $0.step < $1.step }
  }

  private var cross: HTML {
    guard curve.failure != nil, let end = lastGood else { return "" }
    return """
      <svg x="\(across(end.step), digits: 1)%" y="\(inFrame(end.value), digits: 1)%">\
      <path class="cross" d="M-5-5L5 5M5-5L-5 5"/></svg>
      """
  }

  private var endOfFailed: HTML {
    guard let failure = curve.failure, let end = lastGood else { return "" }
    let gap = Wording.gap
    let top = inFrame(end.value)
    let place = across(end.step)
    // Beside the cross; to its left where the line ends near the right edge.
    let side: HTML =
      place > 55
      ? "right:calc(\(100 - place, digits: 1)% + 12px)"
      : "left:calc(\(place, digits: 1)% + 12px)"
    func note(_ name: String, _ place: Double, _ text: String) -> HTML {
      "<span class=\"\(name)\" style=\"\(side);top:\(place, digits: 1)%\">\(text)</span>"
    }
    let apart: Double = isLow ? 30 : 17
    let reason = "\(failure.reason) at step\(gap)\(Wording.count(failure.step))"
    guard let held = heldOut.last else { return note("x", top, reason) }
    var heldTop = inFrame(held.value)
    if abs(heldTop - top) < 2 * apart {
      heldTop = top < 50 ? top + 2 * apart : top - apart
    }
    return note("x", top, reason)
      + note(
        "v", heldTop, "\(shown(held.value)) held out, step\(gap)\(Wording.count(held.step))")
      + note("tr", heldTop - apart, "training")
  }

  /// What the plot shows, for who cannot see it.
  private var description: String {
    let (name, points) =
      heldOut.isEmpty ? ("training", training) : ("held out", heldOut)
    guard let first = points.first, let last = points.last else { return curve.title }
    var text = "Learning curve, \(curve.title): \(name) from \(shown(first.value)) to "
    text += "\(shown(last.value)) \(curve.unit)"
    for step in curve.resumedAt { text += ", resumed at step \(Wording.count(step))" }
    guard let failure = curve.failure else {
      return text + " in \(Wording.count(last.step)) steps"
    }
    return text + ", then \(failure.reason) at step \(Wording.count(failure.step))"
  }
}
