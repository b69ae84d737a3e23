internal import CEmbedded

/// Which script every scalar belongs to.
struct ScriptTable: Sendable {
  static let shared = ScriptTable()

  private struct Entry {
    let start: UInt32
    let end: UInt32
    let script: Int
  }

  private var entries: [Entry] = []
  private var numbers: [String: Int] = [:]

  private init() {
    let text = unsafe String(decoding: embedded(apus_unicode_scripts()), as: UTF8.self)
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 3, let start = UInt32(parts[0], radix: 16),
        let end = UInt32(parts[1], radix: 16)
      else { continue }
      let name = parts[2].lowercased().filter { $0 != "_" }
      let script = numbers[name] ?? numbers.count
      numbers[name] = script
      entries.append(Entry(start: start, end: end, script: script))
    }
  }

  /// The number of a scalar's script; nil where it has none.
  func script(of value: UInt32) -> Int? {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].end < value { low = middle + 1 } else { high = middle }
    }
    guard low < entries.count, entries[low].start <= value else { return nil }
    return entries[low].script
  }

  /// The number of a script by its name in lower case without spaces.
  func number(of name: String) -> Int? { numbers[name] }

  /// All scalars of a script.
  func set(named name: String) -> ScalarSet? {
    guard let script = numbers[name] else { return nil }
    return .union(entries.filter { $0.script == script }.map { .range($0.start, $0.end) })
  }
}
