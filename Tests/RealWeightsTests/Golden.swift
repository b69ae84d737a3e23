import Checkpoints
import Documents
import Foundation
import Tensors
import TestSupport
import Testing

/// What the networks answer in their own libraries: a file of `Goldens/real`.
struct Golden {
  let file: SafetensorsFile

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Goldens/real")

  init(_ name: String) throws {
    file = try SafetensorsFile(Self.folder.appendingPathComponent("\(name).safetensors"))
  }

  func callAsFunction(_ name: String) throws -> Tensor {
    try #require(file.tensor(name), "no tensor \(name)")
  }

  /// The texts that a name of the metadata lists.
  func texts(_ name: String) throws -> [String] {
    let list = try JSONValue(parsing: Array(try #require(file.metadata[name]).utf8))
    return try #require(list.elements).compactMap(\.string)
  }

  /// Expects a tensor to be the file's within an absolute tolerance.
  func expect(
    _ found: Tensor?, _ name: String, within tolerance: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (found, wanted) = (try #require(found, sourceLocation: sourceLocation), try self(name))
    #expect(found.shape == wanted.shape, "\(name)", sourceLocation: sourceLocation)
    guard found.count == wanted.count else { return }
    let apart = zip(found.doubles(), wanted.doubles()).map { abs($0 - $1) }
    // NaN is in no range.
    let isNear = apart.allSatisfy { (0...tolerance).contains($0) }
    #expect(isNear, "\(name) differs by \(apart.max() ?? 0)", sourceLocation: sourceLocation)
  }
}

/// A picture of whole numbers, [3, height, width]: triangle waves whose period changes over it, a byte each.
func waves(_ height: Int, _ width: Int) -> [Int] {
  (0..<3).flatMap { c in
    (0..<height).flatMap { y in
      (0..<width).map { x in
        let phase = x * (7 + c) + y * (5 - 2 * c) + x * y * (c + 1) / 16
        let wave = (phase % 510 + 510) % 510
        return wave > 255 ? 510 - wave : wave
      }
    }
  }
}
