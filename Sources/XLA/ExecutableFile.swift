package import Foundation

/// The file of a compiled program in the user's cache. It holds all that the program was compiled from, which must be the
/// same when it is read; a file that is not exactly what was written is no file.
package struct ExecutableFile {
  package let url: URL
  private let origin: [UInt8]

  /// Bytes of all files together; the oldest go first.
  static let sizeLimit = 1 << 30

  private static let head = Array("apus compiled program 1\n".utf8)

  /// The file in `APUS_CACHE`, `XDG_CACHE_HOME/apus` or `~/.cache/apus`; nil with `APUS_XLA_CACHE=off`.
  static func standard(for text: String, _ options: [UInt8], _ client: Client) -> ExecutableFile? {
    let environment = ProcessInfo.processInfo.environment
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    guard value("APUS_XLA_CACHE") != "off" else { return nil }
    let cache =
      value("APUS_CACHE") ?? value("XDG_CACHE_HOME").map { $0 + "/apus" }
      ?? (value("HOME") ?? NSHomeDirectory()) + "/.cache/apus"
    // Code for a CPU is code for this very kind of CPU.
    let machine = client.platform == "cpu" ? processor : ""
    let origin = [client.plugin.path, client.identity, machine, text].joined(separator: "\0")
    return ExecutableFile(
      in: URL(fileURLWithPath: cache + "/xla"), origin: Array(origin.utf8) + options)
  }

  package init(in folder: URL, origin: [UInt8]) {
    self.origin = origin
    let name = String(hash(origin), radix: 16)
    url = folder.appendingPathComponent(name + ".executable")
  }

  /// The program, nil where there is none or the file is damaged.
  package func read() -> [UInt8]? {
    guard let data = try? Data(contentsOf: url) else { return nil }
    let bytes = [UInt8](data)
    let (head, size) = (ExecutableFile.head, MemoryLayout<UInt64>.size)
    let start = head.count + 2 * size + origin.count
    guard bytes.count >= start, bytes.starts(with: head),
      word(bytes, head.count) == UInt64(origin.count),
      bytes[(start - origin.count)..<start].elementsEqual(origin),
      word(bytes, head.count + size) == hash(bytes[start...])
    else { return nil }
    // What is used is the last to go.
    try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: url.path)
    return Array(bytes[start...])
  }

  /// Keeps a program. A cache that cannot be written is none: the program runs all the same.
  package func write(_ program: [UInt8]) {
    var bytes = ExecutableFile.head
    for number in [UInt64(origin.count), hash(program[...])] {
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
    bytes += origin + program
    let folder = url.deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try? Data(bytes).write(to: url, options: .atomic)
    ExecutableFile.trim(folder, to: ExecutableFile.sizeLimit)
  }

  /// Removes the oldest files until the others fit.
  package static func trim(_ folder: URL, to limit: Int) {
    let keys: Set<URLResourceKey> = [.contentModificationDateKey, .fileSizeKey]
    let files =
      (try? FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: Array(keys))) ?? []
    let entries = files.compactMap { file -> (url: URL, date: Date, size: Int)? in
      guard let values = try? file.resourceValues(forKeys: keys) else { return nil }
      return (file, values.contentModificationDate ?? .distantPast, values.fileSize ?? 0)
    }
    var total = 0
    for entry in entries.sorted(by: { $0.date > $1.date }) {
      total += entry.size
      if total > limit { try? FileManager.default.removeItem(at: entry.url) }
    }
  }

  /// What a processor is called and can do.
  private static let processor: String = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter {
      $0.hasPrefix("model name") || $0.hasPrefix("flags") || $0.hasPrefix("Features")
    }.prefix(2).joined(separator: "\n")
  }()
}

/// The FNV-1a hash of bytes.
private func hash(_ bytes: some Collection<UInt8>) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// Eight bytes, the low one first.
private func word(_ bytes: [UInt8], _ start: Int) -> UInt64 {
  (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
}
