package import Documents
package import Foundation
package import Tensors

/// A case of a fixture's `config.json`, and the fixture it belongs to.
package struct FixtureCase: Sendable, CustomStringConvertible {
  package let fixture: Fixture
  package let name: String
  package let config: JSONValue

  package var description: String { "\(fixture.folder.lastPathComponent): \(name)" }

  /// The tensor `<group>.<case>.<rest>` of the reference.
  package func callAsFunction(_ group: String, _ rest: String? = nil) throws -> Tensor {
    let full = [group, name, rest].compactMap { $0 }.joined(separator: ".")
    guard let tensor = fixture[full] else { throw FixtureError.missing(full, fixture.folder) }
    return tensor
  }
}

package enum FixtureError: Error {
  case missing(String, URL)
}

extension Fixture {
  /// The cases of all fixture folders whose configuration is of a kind, in the order of their names.
  package static func cases(where isOfKind: (JSONValue) -> Bool) -> [FixtureCase] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.sorted().filter(exists).compactMap { try? Fixture($0) }
      .filter { isOfKind($0.config) }
      .flatMap { fixture in
        (fixture.config["cases"]?.members ?? []).map {
          FixtureCase(fixture: fixture, name: $0.name, config: $0.value)
        }
      }
  }
}
