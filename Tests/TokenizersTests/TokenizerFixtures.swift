import Documents
import Foundation
import TestSupport
import Testing
import Tokenizers

/// Folders of tokenizer fixtures: `models/`, `cases/`, `decode/`, `parts/`, `training/` and
/// `settings.jsonl`.
enum TokenizerFixtures {
  /// A file of a fixture folder.
  struct File: Sendable, CustomTestStringConvertible {
    let folder: URL
    let url: URL
    var name: String { url.deletingPathExtension().lastPathComponent }
    var testDescription: String { "\(folder.lastPathComponent)/\(name)" }

    /// The values of a file with one a line; lines end with U+000A alone.
    func rows() throws -> [JSONValue] {
      try Data(contentsOf: url).split(separator: 0x0A).map { try JSONValue(parsing: [UInt8]($0)) }
    }

    /// The tokenizer of the same name.
    func tokenizer() throws -> TokenizerPipeline {
      try TokenizerFixtures.tokenizer(name, in: folder)
    }
  }

  static func tokenizer(_ name: String, in folder: URL) throws -> TokenizerPipeline {
    try TokenizerPipeline(contentsOf: folder.appendingPathComponent("models/\(name).json"))
  }

  /// The folders that have models, cases or parts.
  static let folders = Fixture.places.filter { folder in
    ["models", "parts", "training"].contains {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
    }
  }

  /// All files of a kind, whatever their names.
  static func files(_ kind: String, _ fileExtension: String) -> [File] {
    folders.flatMap { folder in
      let urls = try? FileManager.default.contentsOfDirectory(
        at: folder.appendingPathComponent(kind), includingPropertiesForKeys: nil)
      return (urls ?? []).filter { $0.pathExtension == fileExtension }
        .sorted { $0.path < $1.path }.map { File(folder: folder, url: $0) }
    }
  }

  static let models = files("models", "json")
  static let cases = files("cases", "jsonl")
  static let decodings = files("decode", "jsonl")
  static let parts = files("parts", "jsonl")
  static let trainings = files("training", "json")
  static let settings = folders.map {
    File(folder: $0, url: $0.appendingPathComponent("settings.jsonl"))
  }.filter { FileManager.default.fileExists(atPath: $0.url.path) }

  /// Files made to break a reader.
  static let hostile: [URL] = Fixture.places.flatMap { folder in
    let urls = try? FileManager.default.contentsOfDirectory(
      at: folder.appendingPathComponent("hostile"), includingPropertiesForKeys: nil)
    return (urls ?? []).filter {
      $0.lastPathComponent.hasPrefix("tokenizer-") && $0.pathExtension == "json"
    }.sorted { $0.path < $1.path }
  }
}

extension JSONValue {
  var integers: [Int]? { elements?.compactMap(\.integer) }
  var texts: [ExactText]? { elements?.compactMap { $0.string.map { ExactText($0) } } }
}
