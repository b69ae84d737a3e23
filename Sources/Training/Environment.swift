import Documents
import Foundation

/// `environment.json`: what a run was made with.
enum Environment {
  static func json(of folder: URL) -> [UInt8] {
    let version = ProcessInfo.processInfo.operatingSystemVersionString
    let members: [JSONValue.Member] = [
      .init("time", .string(Date().formatted(.iso8601))),
      .init("system", .string(version)),
      .init("architecture", .string(architecture)),
      .init("cores", .integer(ProcessInfo.processInfo.activeProcessorCount)),
      .init("memory_bytes", .integer(Int(ProcessInfo.processInfo.physicalMemory))),
      .init("cpu", .string(processor.model)),
      .init("cpu_flags", .array(processor.flags.map { .string($0) })),
      .init("build", .string(build)),
      .init("git_commit", commit.map { .string($0) } ?? .null),
    ]
    return JSONValue.object(members).encoded(indented: true) + [UInt8(ascii: "\n")]
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }

  private static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  /// The processor's name and its vector extensions, as far as the system tells.
  private static var processor: (model: String, flags: [String]) {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    func field(_ names: [String]) -> String {
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { continue }
        if names.contains(parts[0].trimmingCharacters(in: .whitespaces)) {
          return parts[1].trimmingCharacters(in: .whitespaces)
        }
      }
      return ""
    }
    let wanted = ["sse", "avx", "fma", "f16c", "amx", "asimd", "sve", "bf16", "neon"]
    let flags = field(["flags", "Features"]).split(separator: " ").map(String.init)
    return (
      field(["model name", "Hardware"]),
      flags.filter { flag in wanted.contains { flag.contains($0) } }
    )
  }

  /// The commit of the folder in which the program runs, if git tracks it: read from git's files.
  private static var commit: String? {
    var folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    while folder.path != "/" {
      let git = folder.appendingPathComponent(".git")
      if let head = text(git.appendingPathComponent("HEAD")) {
        guard head.hasPrefix("ref: ") else { return head }
        return text(git.appendingPathComponent(String(head.dropFirst(5))))
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  private static func text(_ url: URL) -> String? {
    (try? String(contentsOf: url, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
