/// The signs of the page: a shape says what kind of number it is, a sign with a word what became
/// of a method.
enum Marks {
  /// The mark of a value on the axis of 0 to 8 bits, placed in percent of its cell.
  static func onScale(_ metric: Metric) -> HTML {
    let error = metric.error.map { abs($0) }.flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    let place = percent(metric.value)
    let bar: HTML = error.map { interval(metric.value - $0, metric.value + $0) } ?? ""
    return """
      <svg class="mk" aria-hidden="true">\(bar)<svg x="\(place)" y="50%">\
      \(metric.value > 8 ? beyond : shape(metric.kind))</svg></svg>
      """
  }

  /// The grey stroke of a reference.
  static func reference(_ value: Double) -> HTML {
    """
    <svg aria-hidden="true"><svg x="\(percent(value))" y="50%">\
    <path d="M0-8V8" stroke="var(--soft)" stroke-width="2"/></svg></svg>
    """
  }

  /// The same shape in a line of text.
  static func small(_ kind: Metric.Kind) -> HTML {
    guard kind != .score else { return "" }
    return """
      <svg class="mk" viewBox="0 0 20 11" aria-hidden="true">\(smallShape(kind))</svg>
      """
  }

  /// Sign and word of a status, or of what stands for it.
  static func status(_ status: MethodReport.Status, word: String? = nil, wrapped: Bool = false)
    -> HTML
  {
    """
    <span class="st \(name(status))\(wrapped ? " wrapped" : "")">\
    <svg viewBox="0 0 12 12" aria-hidden="true">\(sign(status))</svg>\
    \(word ?? status.word)</span>
    """
  }

  /// The class of a status in the style sheet.
  static func name(_ status: MethodReport.Status) -> String {
    switch status {
    case .trained: "ok"
    case .notRun: "notrun"
    case .running, .failed, .interrupted: status.rawValue
    }
  }

  static let swift: HTML = """
    <svg viewBox="0 0 92 52" aria-hidden="true"><path d="M0 7C16 3 32 7 43 18.5C45.5 16 48 15.2 \
    50 18C62 7 76 1.5 92 0C78 6 65 14 55 25.5C54 29 54.5 33 57.5 39L61.5 50.5L54.5 43.5L51 52\
    C49.5 44 46.5 36 43.5 30.5C33 19.5 17 11 0 7Z"/></svg>
    """

  private static func percent(_ bits: Double) -> HTML {
    "\(100 * max(0, min(8, bits)) / 8, digits: 2)%"
  }

  private static func interval(_ low: Double, _ high: Double) -> HTML {
    let caps = [low, high].map { bound -> HTML in
      """
      <svg x="\(percent(bound))" y="50%"><path d="M0-4V4" stroke="currentColor" \
      stroke-width="1.6"/></svg>
      """
    }
    return """
      <line x1="\(percent(low))" x2="\(percent(high))" y1="50%" y2="50%" stroke="currentColor" \
      stroke-width="1.6"/>\(caps.joined())
      """
  }

  private static func shape(_ kind: Metric.Kind) -> HTML {
    switch kind {
    case .exact:
      #"<circle r="5.2" fill="currentColor"/>"#
    case .upperBound:
      """
      <path d="M-30 0H-8" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 3"/>\
      <path d="M-8 0L4-6V6Z" fill="currentColor"/>
      """
    case .lowerBound:
      """
      <path d="M8 0H30" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 3"/>\
      <path d="M8 0L-4-6V6Z" fill="currentColor"/>
      """
    case .estimate:
      """
      <path d="M0-5L5 0 0 5-5 0Z" fill="var(--card)" stroke="currentColor" stroke-width="2"/>
      """
    case .score: ""
    }
  }

  /// A value above 8 lies outside the axis: an arrow at its end.
  private static let beyond: HTML =
    #"<path d="M-9-5L-3 0-9 5" fill="none" stroke="currentColor" stroke-width="2"/>"#

  private static func smallShape(_ kind: Metric.Kind) -> HTML {
    switch kind {
    case .exact:
      #"<circle cx="10" cy="5.5" r="5" fill="currentColor"/>"#
    case .upperBound:
      """
      <path d="M0 5.5H8" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 2"/>\
      <path d="M6 5.5L17 0V11Z" fill="currentColor"/>
      """
    case .lowerBound:
      """
      <path d="M12 5.5H20" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 2"/>\
      <path d="M14 5.5L3 0V11Z" fill="currentColor"/>
      """
    case .estimate:
      """
      <path d="M0 5.5H20" stroke="currentColor" stroke-width="1.6"/>\
      <path d="M10 0L15.5 5.5 10 11 4.5 5.5Z" fill="var(--card)" stroke="currentColor" \
      stroke-width="1.8"/>
      """
    case .score: ""
    }
  }

  private static func sign(_ status: MethodReport.Status) -> HTML {
    switch status {
    case .trained: #"<path d="M1.5 6.5 4.5 9.5 10.5 2.5"/>"#
    case .failed: #"<path d="M2 2 10 10M10 2 2 10"/>"#
    case .interrupted: #"<path d="M3.5 2V10M8.5 2V10"/>"#
    case .running: #"<circle cx="6" cy="6" r="4.5"/><path d="M6 3.4V6L8 7.2"/>"#
    case .notRun: #"<path d="M2.5 6H9.5"/>"#
    }
  }
}
