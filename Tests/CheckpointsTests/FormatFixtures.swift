import Documents
import Foundation
import TestSupport
import Testing

/// Folders of checkpoint files made to be read or refused: `expected.json`, `good/`, `hostile/`, `mutated/`.
enum FormatFixtures {
  /// A file and what `expected.json` says of it.
  struct File: Sendable, CustomTestStringConvertible {
    let url: URL
    let name: String
    let expected: JSONValue
    var testDescription: String { name }
  }

  /// The files of one kind that hold tensors, in all fixture folders.
  static func files(_ kind: String) -> [File] {
    Fixture.places.flatMap { folder -> [File] in
      guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("good").path),
        let data = try? Data(contentsOf: folder.appendingPathComponent("expected.json")),
        let members = try? JSONValue(parsing: [UInt8](data))[kind]?.members
      else { return [] }
      return members.filter { holdsTensors($0.name) }.map {
        File(
          url: folder.appendingPathComponent(kind).appendingPathComponent($0.name),
          name: $0.name, expected: $0.value)
      }
    }
  }

  /// Other files in these folders are tokenizers and their like.
  private static func holdsTensors(_ name: String) -> Bool {
    [".safetensors", ".index.json", ".pth", ".pt", ".bin", ".npy", ".npz"].contains {
      name.hasSuffix($0)
    }
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
