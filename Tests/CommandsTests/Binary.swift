import Documents
import Foundation
import Testing

/// The built command, run as its users run it.
enum Binary {
  /// What a run of the command left.
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    /// The lines of standard output, each read as JSON.
    func lines() throws -> [JSONValue] {
      try output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    }

    /// Standard output as one JSON value on one line.
    func json() throws -> JSONValue {
      let lines = try lines()
      return try #require(lines.count == 1 ? lines[0] : nil, "not one line: \(output)")
    }

    /// The kind of the error that `--json` reports.
    var errorKind: String? { (try? json())?["error"]?["kind"]?.string }
  }

  /// Where `swift build` and `swift test` put it: beside the tests, or in the usual folder.
  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let ownFolders =
      CommandLine.arguments.map { URL(fileURLWithPath: $0) } + [Bundle.main.bundleURL]
    let folders =
      ownFolders.map { $0.deletingLastPathComponent() }
      + [
        root.appendingPathComponent(".build/release"), root.appendingPathComponent(".build/debug"),
      ]
    return folders.map { $0.appendingPathComponent("apus").path }
      .first { path in
        var isFolder: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        return exists && !isFolder.boolValue
      }
  }()

  static let isBuilt = path != nil

  /// Runs the command to its end.
  static func run(
    _ arguments: String..., environment: [String: String] = [:], output: FileHandle? = nil,
    folder: String? = nil
  ) throws -> Outcome {
    try run(arguments: arguments, environment: environment, output: output, folder: folder)
  }

  static func run(
    arguments: [String], environment: [String: String] = [:], output: FileHandle? = nil,
    folder: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(path))
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("APUS_") }
    all["LC_ALL"] = "C.UTF-8"
    process.environment = all.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    // Files rather than pipes: nothing can block, whatever the command writes.
    let scratch = Scratch()
    let (outputPath, errorsPath) = (scratch.path("output"), scratch.path("errors"))
    for path in [outputPath, errorsPath] {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    let errors: FileHandle = try #require(FileHandle(forWritingAtPath: errorsPath))
    process.standardOutput = output ?? FileHandle(forWritingAtPath: outputPath)
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit
        ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOfFile: outputPath, encoding: .utf8),
      errors: try String(contentsOfFile: errorsPath, encoding: .utf8))
  }
}

/// A folder that disappears with its value.
final class Scratch {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "apus-commands-\(UUID().uuidString)")

  init() { try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: folder.appendingPathComponent(name))
    return path(name)
  }
}

extension JSONValue {
  /// The names of an object's members.
  var names: [String] { members?.map(\.name) ?? [] }
}
