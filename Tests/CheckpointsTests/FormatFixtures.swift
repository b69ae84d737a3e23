import Documents
import Foundation
import Testing

/// Folders of checkpoint files made to be read or refused: `expected.json`, `good/`, `hostile/`,
/// `mutated/`. `APUS_FIXTURES` points at other ones than the project's own.
enum FormatFixtures {
  static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Goldens")

  /// A file and what `expected.json` says of it.
  struct File: Sendable, CustomTestStringConvertible {
    let url: URL
    let expected: JSONValue
    var testDescription: String { url.lastPathComponent }
  }

  /// The files of one kind whose names end so, in all fixture folders.
  static func files(_ kind: String, _ ending: String) -> [File] {
    let set = ProcessInfo.processInfo.environment["APUS_FIXTURES"]
    let root = set.map { URL(fileURLWithPath: $0) } ?? goldens
    let children = try? FileManager.default.contentsOfDirectory(
      at: root, includingPropertiesForKeys: nil)
    let folders = [root] + (children ?? []).sorted { $0.path < $1.path }
    return folders.flatMap { folder -> [File] in
      guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("good").path),
        let data = try? Data(contentsOf: folder.appendingPathComponent("expected.json")),
        let members = try? JSONValue(parsing: [UInt8](data))[kind]?.members
      else { return [] }
      return members.filter { $0.name.hasSuffix(ending) }.map {
        File(
          url: folder.appendingPathComponent(kind).appendingPathComponent($0.name),
          expected: $0.value)
      }
    }
  }
}
