package import Checkpoints
package import Documents
package import Foundation
package import Tensors

/// A folder of reference data: `config.json`, `reference.safetensors` and at times `model.safetensors`, as other libraries
/// wrote them. `APUS_FIXTURES` names a folder of such folders other than the project's own.
package struct Fixture: Sendable {
  package let folder: URL
  package let config: JSONValue
  /// Inputs, outputs and gradients.
  package let reference: SafetensorsFile
  /// The folder's weights, nil where it has none.
  package let weights: SafetensorsFile?

  /// - Throws: where a file is missing or broken.
  package init(at folder: URL) throws {
    self.folder = folder
    let text = try Data(contentsOf: folder.appendingPathComponent("config.json"))
    config = try JSONValue(parsing: [UInt8](text), takesPythonNumbers: true)
    reference = try SafetensorsFile(folder.appendingPathComponent("reference.safetensors"))
    let model = ["model.safetensors", "diffusion_pytorch_model.safetensors"]
      .map(folder.appendingPathComponent)
      .first { FileManager.default.fileExists(atPath: $0.path) }
    weights = try model.map { try SafetensorsFile($0) }
  }

  /// Whether the fixtures are the project's own, whose numbers are known.
  package static let areOwn = ProcessInfo.processInfo.environment["APUS_FIXTURES"] == nil

  /// The folder that has the fixtures.
  package static let root =
    ProcessInfo.processInfo.environment["APUS_FIXTURES"].map { URL(fileURLWithPath: $0) }
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens")

  /// Where fixtures may be: that folder itself and those in it, in the order of their names.
  package static let places: [URL] = {
    let children = try? FileManager.default.contentsOfDirectory(
      at: root, includingPropertiesForKeys: nil)
    return [root] + (children ?? []).sorted { $0.path < $1.path }
  }()

  /// A tensor of the reference, nil where it has none of this name.
  package subscript(name: String) -> Tensor? {
    reference.tensor(name)
  }

  /// A tensor of the reference under its full name, such as `input.case.x`.
  /// - Throws: where there is none.
  package func tensor(_ name: String) throws -> Tensor {
    guard let tensor = self[name] else { throw FixtureError.missing(name, folder) }
    return tensor
  }

  /// A tensor of the weights, nil where there is none of this name.
  package func weight(_ name: String) -> Tensor? {
    weights?.tensor(name)
  }

  /// What the reference says in words, such as how it was trained.
  package var metadata: [String: String] { reference.metadata }

  /// Names of the reference's tensors that begin so, without the beginning.
  package func names(_ prefix: String) -> [String] {
    reference.entries.map(\.name).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
  }
}

extension SafetensorsFile {
  /// The tensor of this name, nil where there is none.
  package func tensor(_ name: String) -> Tensor? {
    self[name].flatMap { entry in
      entry.type.dataType.map { Tensor(bytes: bytes(of: entry), TensorType(entry.shape, $0)) }
    }
  }
}

package enum FixtureError: Error {
  case missing(String, URL)
}

extension Fixture: CustomStringConvertible {
  package var description: String { folder.lastPathComponent }
}
