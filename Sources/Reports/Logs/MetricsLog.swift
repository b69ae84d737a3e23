import Foundation

/// A run's `metrics.jsonl`: a JSON object a line, in the order in which things happened.
///
/// A line is on its way to the disk when `append` returns. A run that is killed and resumed ends
/// with exactly the bytes of one that was never interrupted, if its values do not depend on the
/// clock: resuming cuts the file after the last line of the checkpoint's step, and what the ended
/// run said about its end goes too. A line that was torn by a crash is no line.
public struct MetricsLog {
  /// A line's name and step, and its numbers in the order of the line.
  public struct Entry: Sendable, Equatable {
    /// What the line tells: "step", "eval", "checkpoint", "done", "interrupted".
    public var event: String
    public var step: Int
    /// The numbers by name; not a number stands as null in the file.
    public var values: [String: Double]
    /// The texts by name, such as the path of a checkpoint.
    public var texts: [String: String]

    public init(
      event: String, step: Int, values: [String: Double] = [:], texts: [String: String] = [:]
    ) {
      self.event = event
      self.step = step
      self.values = values
      self.texts = texts
    }

    /// The line without its end: event and step first, then the names in alphabetical order, so
    /// that the same entry always gives the same bytes.
    public var json: String {
      let numbers = values.map { name, value in
        (name, value.isFinite ? "\(value)" : "null")
      }
      let words = texts.map { name, text in (name, MetricsLog.quoted(text)) }
      let fields = (numbers + words).sorted { $0.0 < $1.0 }
      let rest = fields.map { name, value in ",\(MetricsLog.quoted(name)):\(value)" }
      return "{\"event\":\(MetricsLog.quoted(event)),\"step\":\(step)\(rest.joined())}"
    }

    /// The entry of a line, or nothing if it is none.
    init?(line: some Sequence<UInt8>) {
      let object = try? JSONSerialization.jsonObject(with: Data(line))
      guard let object = object as? [String: Any], let step = object["step"] as? Int else {
        return nil
      }
      self.init(event: object["event"] as? String ?? "", step: step)
      for (name, value) in object where name != "event" && name != "step" {
        switch value {
        case let text as String: texts[name] = text
        case let number as NSNumber: values[name] = number.doubleValue
        case is NSNull: values[name] = .nan
        default: continue
        }
      }
    }
  }

  /// Where the log lies.
  public let path: String
  private let file: AppendedFile

  /// Opens a log to go on after `step`: everything later is cut off; nil keeps nothing.
  /// - Throws: `ReportsError.file`, and `.damagedLog` for a line in the middle that is none.
  public init(path: String, resumingAfter step: Int?) throws(ReportsError) {
    self.path = path
    let file = try AppendedFile(path: path)
    var kept = 0
    if let step { kept = try MetricsLog.sizeOfLines(upTo: step, in: file.contents(), path: path) }
    try file.truncate(to: kept)
    self.file = file
  }

  /// Writes a line.
  public func append(_ entry: Entry) throws(ReportsError) {
    try file.append(Data((entry.json + "\n").utf8))
  }

  /// Waits until all lines are on the disk; before a checkpoint that they belong to.
  public func synchronize() throws(ReportsError) { try file.synchronize() }

  /// All whole lines of a log, whether or not a run is writing to it.
  /// - Throws: `ReportsError.file`, and `.damagedLog` for a line in the middle that is none.
  public static func entries(path: String) throws(ReportsError) -> [Entry] {
    let contents = try AppendedFile.read(path)
    var entries: [Entry] = []
    try forEachLine(in: contents, path: path) { entry, _ in
      entries.append(entry)
      return true
    }
    return entries
  }

  /// The bytes of the lines before the first one that lies after `step` or tells of an end.
  private static func sizeOfLines(upTo step: Int, in contents: Data, path: String)
    throws(ReportsError) -> Int
  {
    var size = 0
    try forEachLine(in: contents, path: path) { entry, end in
      let isKept = entry.step <= step && !["done", "interrupted", "failed"].contains(entry.event)
      if isKept { size = end }
      return isKept
    }
    return size
  }

  /// Visits each whole line with the place of its end, as long as `body` says so. The last line
  /// may be torn: without its line break, or full of what a crash left there.
  private static func forEachLine(
    in contents: Data, path: String, _ body: (Entry, Int) -> Bool
  ) throws(ReportsError) {
    let bytes = [UInt8](contents)
    var start = 0
    var line = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      line += 1
      guard let entry = Entry(line: bytes[start..<end]) else {
        guard bytes[(end + 1)...].contains(UInt8(ascii: "\n")) else { return }
        throw .damagedLog(path: path, line: line)
      }
      guard body(entry, end + 1) else { return }
      start = end + 1
    }
  }

  /// A text as JSON.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
