/// What the stream that progress goes to can show; a plain value, so that tests can make any.
public struct Terminal: Sendable, Equatable {
  /// Whether a line may be drawn over: a terminal that is not dumb.
  public var redraws: Bool
  /// Whether the terminal's own sixteen colours may be used.
  public var colors: Bool
  /// Whether any colour may be used.
  public var trueColor: Bool
  /// Whether signs such as ✓ and ━ are shown, one column wide.
  public var unicode: Bool

  public init(redraws: Bool, colors: Bool, trueColor: Bool = false, unicode: Bool = true) {
    self.redraws = redraws
    self.colors = colors
    self.trueColor = trueColor
    self.unicode = unicode
  }

  /// What a stream can show, by the environment's rules:
  /// `NO_COLOR` (not empty) or `forbidsColor` turn colour off, `FORCE_COLOR` (neither empty nor
  /// `0`) turns it on even without a terminal, `TERM=dumb` forbids colour and redrawing.
  /// Signs need a UTF-8 locale, and one whose terminals show them in one column: not Chinese,
  /// Japanese or Korean.
  public init(
    environment: [String: String], isTerminal: Bool, forbidsColor: Bool = false
  ) {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    let isDumb = value("TERM") == "dumb"
    redraws = isTerminal && !isDumb
    let isForced = value("FORCE_COLOR").map { $0 != "0" } ?? false
    let isForbidden = forbidsColor || value("NO_COLOR") != nil || value("FORCE_COLOR") == "0"
    colors = !isForbidden && (isForced || redraws)
    trueColor = colors && ["truecolor", "24bit"].contains(value("COLORTERM") ?? "")
    let locale = (value("LC_ALL") ?? value("LC_CTYPE") ?? value("LANG") ?? "").lowercased()
    let isWide = ["zh", "ja", "ko"].contains { locale.hasPrefix($0) }
    unicode = !isWide && (locale.contains("utf-8") || locale.contains("utf8"))
  }

  /// The colours and weights of a terminal.
  package enum Ink: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
  }

  /// A text in inks; without colour the text is the same to the letter.
  package func paint(_ text: String, _ inks: Ink...) -> String {
    guard colors, !inks.isEmpty, !text.isEmpty else { return text }
    let codes = inks.map(\.rawValue).joined(separator: ";")
    return "\u{1B}[\(codes)m\(text)\u{1B}[0m"
  }

  /// The text with signs that this terminal shows, and with plain spaces.
  package func shown(_ text: String) -> String {
    let text = text.replacing("\u{A0}", with: " ")
    guard !unicode else { return text }
    var plain = ""
    for character in text { plain += Terminal.plain(character) }
    return plain
  }

  private static func plain(_ character: Character) -> String {
    switch character {
    case "–", "−": "-"
    case "±": "+-"
    case "×": "x"
    case "’", "‘": "'"
    case "µ", "μ": "u"
    case "⁻": "^-"
    case "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹":
      character.wholeNumberValue.map(String.init) ?? "?"
    default: String(character)
    }
  }

  /// A bar of `width` cells.
  func bar(_ share: Double, width: Int) -> String {
    let share = share.isFinite ? max(0, min(1, share)) : 0
    let full = Int((share * Double(width)).rounded())
    let (done, left) = unicode ? ("━", "─") : ("#", ".")
    let cells = String(repeating: done, count: full) + String(repeating: left, count: width - full)
    return unicode ? cells : "[\(cells)]"
  }

  /// The first `width` characters of a line.
  static func cut(_ line: String, to width: Int) -> String { String(line.prefix(max(0, width))) }
}

extension String {
  /// The text in a column of `width`, to its left.
  package func left(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  /// The text in a column of `width`, to its right.
  package func right(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
