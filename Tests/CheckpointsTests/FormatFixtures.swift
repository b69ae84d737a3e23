import Documents
import Foundation
import TestSupport
import Testing

/// Folders of checkpoint files made to be read or refused: `expected.json`, `good/`, `hostile/`, `mutated/`.
enum FormatFixtures {
  /// A file and what `expected.json` says of it.
  struct File: Sendable, CustomTestStringConvertible {
    let url: URL
    let expected: JSONValue
    var testDescription: String { url.lastPathComponent }
  }

  /// The files of one kind whose names end so, in all fixture folders.
  static func files(_ kind: String, _ ending: String) -> [File] {
    Fixture.places.flatMap { folder -> [File] in
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
