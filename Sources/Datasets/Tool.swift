internal import Foundation

/// Programs of the system.
enum Tool {
  /// The path of a program in `PATH`.
  static func path(of name: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return folders.split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program to its end: its status, what it printed, and the last line of its complaints.
  static func run(
    _ program: String, _ arguments: [String]
  ) -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    // Complaints go to a file: two pipes read one after the other can block each other.
    let complaints = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-\(UUID().uuidString)")
    let output = Pipe()
    process.standardOutput = output
    _ = FileManager.default.createFile(atPath: complaints.path, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: complaints.path)
    defer { try? FileManager.default.removeItem(at: complaints) }
    do {
      try process.run()
    } catch {
      return (-1, "", "\(program) cannot be run")
    }
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let lines = ((try? Data(contentsOf: complaints)) ?? Data()).split(separator: 0x0A)
    return (
      process.terminationStatus, String(decoding: printed, as: UTF8.self),
      lines.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    )
  }
}
