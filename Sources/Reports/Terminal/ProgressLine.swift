/// How far a run is, in one line that fits the width: `apus train` redraws it, a log gets it as a
/// plain sentence.
public struct ProgressLine: Sendable, Equatable {
  public var name: String
  public var step: Int
  public var steps: Int
  /// What the training loss is called, "loss" or "error".
  public var lossName: String
  public var loss: Double?
  /// The unit of loss and held-out value, for their decimals.
  public var unit: String
  public var heldOut: Double?
  /// What the held-out number is: "bound" or "exact".
  public var heldOutKind: String
  public var stepsPerSecond: Double?
  public var memory: Int?
  public var secondsLeft: Double?

  public init(
    name: String, step: Int, steps: Int, lossName: String = "loss", loss: Double? = nil,
    unit: String = "bits", heldOut: Double? = nil, heldOutKind: String = "",
    stepsPerSecond: Double? = nil, memory: Int? = nil, secondsLeft: Double? = nil
  ) {
    self.name = name
    self.step = step
    self.steps = steps
    self.lossName = lossName
    self.loss = loss
    self.unit = unit
    self.heldOut = heldOut
    self.heldOutKind = heldOutKind
    self.stepsPerSecond = stepsPerSecond
    self.memory = memory
    self.secondsLeft = secondsLeft
  }

  /// A part of the line: its bare text, which is measured, and the text in colour.
  private struct Field {
    var bare: String
    var painted: String
  }

  private enum Part: CaseIterable {
    // In the order in which they leave a line that is too narrow.
    case heldOut, steps, leftWord, memory, speed, bar
  }

  /// The line for a terminal of `width` columns; it leaves the last column free, so that no
  /// terminal wraps it. Below 60 columns only name, percentage and time left are shown.
  /// - Parameters:
  ///   - indent: columns before the name.
  ///   - barWidth: cells of the bar.
  public func text(
    on terminal: Terminal, width: Int, indent: Int = 0, barWidth: Int = 24
  ) -> String {
    let room = max(0, width - 1 - indent)
    if steps == 0 {
      return join([nameField(terminal), plain("measures its speed")], terminal, room, indent)
    }
    var shown = Set(Part.allCases)
    if width < 60 {
      let parts = [nameField(terminal), plain(percent), left(terminal, withWord: false)]
      return join(parts.compactMap(\.self), terminal, room, indent)
    }
    var fields = fields(terminal, shown, barWidth)
    for part in Part.allCases where length(fields) > room {
      shown.remove(part)
      fields = self.fields(terminal, shown, barWidth)
    }
    return join(fields, terminal, room, indent)
  }

  /// The line for a stream that is no terminal: `07:50:31 vae-fashion step 3480 of 6000, …`.
  /// - Parameter time: seconds since 1970, shown in UTC.
  public func plainText(at time: Int) -> String {
    var parts = [steps > 0 ? "step \(step) of \(steps)" : "measures its speed"]
    if let loss { parts.append("\(lossName) \(Wording.value(loss, unit: lossUnit))") }
    if let stepsPerSecond { parts.append(Wording.rate(stepsPerSecond, "steps")) }
    if let secondsLeft { parts.append(Wording.duration(secondsLeft) + " left") }
    return Moment(secondsSince1970: time).clock + " \(name) "
      + parts.joined(separator: ", ").replacing("\u{A0}", with: " ")
  }

  /// A share's loss is none itself.
  private var lossUnit: String { unit == "%" ? "" : unit }

  private var percent: String { Wording.percent(step, of: steps).right(4) }

  private func fields(_ terminal: Terminal, _ shown: Set<Part>, _ barWidth: Int) -> [Field] {
    var fields = [nameField(terminal)]
    if shown.contains(.bar) {
      let bar = terminal.bar(Double(step) / Double(max(1, steps)), width: barWidth)
      fields.append(Field(bare: bar, painted: terminal.paint(bar, .cyan)))
    }
    fields.append(plain(percent))
    if shown.contains(.steps) {
      fields.append(plain(" \(Wording.count(step))/\(Wording.count(steps))"))
    }
    if let loss {
      fields.append(labelled(lossName, Wording.value(loss, unit: lossUnit), terminal))
    }
    if shown.contains(.heldOut), let heldOut {
      var value = Wording.value(heldOut, unit: unit)
      if !heldOutKind.isEmpty { value += " " + heldOutKind }
      fields.append(labelled("held out", value, terminal))
    }
    if shown.contains(.speed), let stepsPerSecond {
      fields.append(plain(" " + Wording.rate(stepsPerSecond, "steps")))
    }
    if shown.contains(.memory), let memory { fields.append(plain(" " + Wording.bytes(memory))) }
    if let left = left(terminal, withWord: shown.contains(.leftWord)) { fields.append(left) }
    return fields
  }

  private func nameField(_ terminal: Terminal) -> Field {
    let name = terminal.shown(self.name)
    return Field(bare: name, painted: terminal.paint(name, .bold))
  }

  private func plain(_ text: String) -> Field {
    let text = text.replacing("\u{A0}", with: " ")
    return Field(bare: text, painted: text)
  }

  private func labelled(_ label: String, _ value: String, _ terminal: Terminal) -> Field {
    let value = terminal.shown(value)
    return Field(
      bare: " \(label) \(value)",
      painted: " " + terminal.paint(label, .dim) + " " + terminal.paint(value, .bold))
  }

  private func left(_ terminal: Terminal, withWord: Bool) -> Field? {
    guard let secondsLeft else { return nil }
    let time = " " + Wording.duration(secondsLeft).replacing("\u{A0}", with: " ")
    guard withWord else { return plain(time) }
    return Field(bare: time + " left", painted: time + " " + terminal.paint("left", .dim))
  }

  private func length(_ fields: [Field]) -> Int {
    fields.reduce(0) { $0 + $1.bare.count } + fields.count - 1
  }

  /// The fields with a space between them; cut, and then without colour, if they do not fit.
  private func join(_ fields: [Field], _ terminal: Terminal, _ room: Int, _ indent: Int)
    -> String
  {
    let before = String(repeating: " ", count: indent)
    guard length(fields) > room else {
      return before + fields.map(\.painted).joined(separator: " ")
    }
    return before + Terminal.cut(fields.map(\.bare).joined(separator: " "), to: room)
  }
}
