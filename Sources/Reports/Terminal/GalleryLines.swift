/// What `apus gallery` says while it works: finished methods scroll up, one line moves.
public enum GalleryLines {
  /// The first line: `9 methods, about a minute each, seed 1, 2 cores`.
  public static func opening(
    methods: Int, secondsEach: Double?, seed: UInt64, cores: Int, on terminal: Terminal
  ) -> String {
    var parts = ["\(methods) " + (methods == 1 ? "method" : "methods")]
    if let secondsEach {
      let time = (45...90).contains(secondsEach) ? "a minute" : Wording.duration(secondsEach)
      parts.append("about \(time)" + (methods == 1 ? "" : " each"))
    }
    parts.append("seed \(seed)")
    parts.append("\(cores) " + (cores == 1 ? "core" : "cores"))
    return terminal.paint(terminal.shown(parts.joined(separator: ", ")), .dim)
  }

  /// A method that ended: sign, name, number and its kind or the reason, time, memory.
  /// - Parameter nameWidth: the longest name of the gallery, for columns that stay.
  public static func ended(
    _ method: MethodReport, nameWidth: Int = 16, on terminal: Terminal
  ) -> String {
    let sign = Sign(method.status, on: terminal)
    let name = terminal.shown(method.recipe).left(max(16, nameWidth) + 3)
    let time = terminal.shown(Wording.duration(method.seconds))
    let memory = terminal.shown(Wording.bytes(method.peakBytes)).right(terminal.unicode ? 9 : 8)
    guard method.status == .trained else {
      let reason = terminal.shown(method.failure?.short ?? method.status.word)
      let middle = reason + time.right(max(41 - reason.count, time.count + 2))
      let ink: Terminal.Ink = method.status == .failed ? .red : .yellow
      return sign.painted + name
        + terminal.paint(reason, ink) + middle.dropFirst(reason.count) + memory
    }
    guard let metric = method.metric else {
      let none = "no number".left(35)
      return sign.painted + name + none + time.right(6) + memory
    }
    let value = terminal.shown(Wording.value(metric.value, unit: metric.unit))
    let quantity = terminal.shown(Wording.quantity(metric.value, unit: metric.unit))
    let number = terminal.paint(value, .bold) + quantity.left(18).dropFirst(value.count)
    let kind = terminal.shown(metric.kindInWords)
    return sign.painted + name + number + kind
      + time.right(max(23 - kind.count, time.count + 2)) + memory
  }

  /// The line under the moving one: `  then mae-fashion; about 2 min left`.
  public static func ahead(
    next: String?, secondsLeft: Double?, on terminal: Terminal, width: Int = 80
  ) -> String {
    var parts: [String] = []
    if let next { parts.append("then \(next)") }
    if let secondsLeft, secondsLeft.isFinite {
      // As coarse as the guess it is.
      let seconds = secondsLeft < 90 ? (secondsLeft / 10).rounded() * 10 : secondsLeft
      let time =
        seconds < 90
        ? Wording.duration(max(10, seconds)) : Wording.duration((seconds / 60).rounded() * 60)
      parts.append("about \(time) left")
    }
    let line = "  " + terminal.shown(parts.joined(separator: "; "))
    return terminal.paint(Terminal.cut(line, to: width - 1), .dim)
  }

  /// The line of a method that ended for a stream that is no terminal:
  /// `07:50:56 vae-fashion done: 3.42 bits/dim (upper bound), 58 s, 182 MB`.
  public static func plainEnd(_ method: MethodReport, at time: Int) -> String {
    var line = Moment(secondsSince1970: time).clock + " \(method.recipe) "
    if method.status == .trained {
      line += "done"
      if let metric = method.metric {
        line += ": \(Wording.quantity(metric.value, unit: metric.unit)) (\(metric.kindInWords))"
      }
    } else {
      let word = method.status == .interrupted ? "stopped" : method.status.word
      line += word + (method.failure.map { ": " + $0.short.replacing(",", with: "") } ?? "")
    }
    for part in [Wording.duration(method.seconds), Wording.bytes(method.peakBytes)]
    where part != Wording.missing {
      line += ", " + part
    }
    return line.replacing("\u{A0}", with: " ")
  }

  /// The sign before a method's name, two columns wide; a word where signs are not shown.
  struct Sign {
    let bare: String
    let painted: String

    init(_ status: MethodReport.Status, on terminal: Terminal) {
      let (sign, word, ink): (String, String, Terminal.Ink) =
        switch status {
        case .trained: ("✓", "ok", .green)
        case .failed: ("✕", "FAILED", .red)
        case .interrupted: ("‖", "stopped", .yellow)
        case .running: ("…", "running", .cyan)
        case .notRun: ("–", "not run", .dim)
        }
      bare = terminal.unicode ? sign + " " : word.left(max(7, word.count))
      painted = terminal.paint(bare, ink)
    }
  }
}
