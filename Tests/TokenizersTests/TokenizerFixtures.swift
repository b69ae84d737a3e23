import Documents
import Foundation
import TestSupport
import Testing
import Tokenizers

/// Folders of tokenizer fixtures: `models/`, `cases/`, `decode/`, `training/`.
struct TokenizerFixtures: Sendable {
  /// A tokenizer of a fixture folder that is byte-level BPE.
  struct Model: Sendable, CustomTestStringConvertible {
    let folder: URL
    let name: String
    let tokenizer: BytePairTokenizer
    var testDescription: String { name }

    /// The rows of `cases` or `decode`.
    func rows(_ kind: String) throws -> [JSONValue] {
      let data = try Data(contentsOf: folder.appendingPathComponent("\(kind)/\(name).jsonl"))
      return try data.split(separator: 0x0A).map { try JSONValue(parsing: [UInt8]($0)) }
    }
  }

  static let folders = Fixture.places.filter {
    FileManager.default.fileExists(atPath: $0.appendingPathComponent("models").path)
      && FileManager.default.fileExists(atPath: $0.appendingPathComponent("cases").path)
  }

  /// Other kinds of tokenizers are refused as unsupported, and only those are passed over.
  static let models: [Model] = folders.flatMap { folder in
    json(in: folder, "models").compactMap { url in
      do throws(TokenizerError) {
        return Model(
          folder: folder, name: url.deletingPathExtension().lastPathComponent,
          tokenizer: try BytePairTokenizer(contentsOf: url))
      } catch {
        if case .unsupported = error { return nil }
        Issue.record("\(url.path): \(error)")
        return nil
      }
    }
  }

  /// A training of byte-level BPE and what it must learn.
  struct Training: Sendable, CustomTestStringConvertible {
    let folder: URL
    let name: String
    let golden: JSONValue
    var testDescription: String { name }
  }

  static let trainings: [Training] = folders.flatMap { folder in
    json(in: folder, "training").compactMap { url in
      guard let data = try? Data(contentsOf: url),
        let golden = try? JSONValue(parsing: [UInt8](data)),
        golden["trainer"]?["type"]?.string == "BpeTrainer",
        golden["pre_tokenizer"]?["type"]?.string == "ByteLevel",
        golden["pre_tokenizer"]?["add_prefix_space"]?.bool == false,
        golden["exact"]?.bool == true
      else { return nil }
      return Training(folder: folder, name: url.lastPathComponent, golden: golden)
    }
  }

  private static func json(in folder: URL, _ kind: String) -> [URL] {
    let urls = try? FileManager.default.contentsOfDirectory(
      at: folder.appendingPathComponent(kind), includingPropertiesForKeys: nil)
    return (urls ?? []).filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
  }
}
