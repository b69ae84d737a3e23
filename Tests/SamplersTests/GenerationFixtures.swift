import Documents
import Foundation
import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// Folders of generation fixtures: `processors.jsonl`, `pipelines.jsonl`, `search.jsonl`, `sampling.jsonl`,
/// `speculative.jsonl`.
enum GenerationFixtures {
  /// The rows of all files of a name.
  static func rows(_ name: String) -> [Row] {
    let root = Fixture.root
    let children = try? FileManager.default.contentsOfDirectory(
      at: root, includingPropertiesForKeys: nil)
    return ([root] + (children ?? []).sorted { $0.path < $1.path }).flatMap { folder -> [Row] in
      let url = folder.appendingPathComponent(name + ".jsonl")
      guard
        FileManager.default.fileExists(
          atPath: folder.appendingPathComponent("processors.jsonl").path),
        let data = try? Data(contentsOf: url)
      else { return [] }
      return data.split(separator: 0x0A).enumerated().compactMap { i, line in
        (try? JSONValue(parsing: [UInt8](line))).map {
          Row(label: "\(folder.lastPathComponent)/\(name):\(i + 1)", json: $0)
        }
      }
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let label: String
    let json: JSONValue

    var testDescription: String {
      label + (json["name"]?.string.map { " " + $0 } ?? "")
    }
    subscript(name: String) -> JSONValue { json[name] ?? .null }
  }
}

extension JSONValue {
  /// A number, or a text that stands for one.
  var float: Float { self.double.map { Float($0) } ?? string.flatMap { Float($0) } ?? .nan }
  var floats: [Float] { elements?.map(\.float) ?? [] }
  var floatRows: [[Float]] { elements?.map(\.floats) ?? [] }
  var ints: [Int] { integer.map { [$0] } ?? elements?.compactMap(\.integer) ?? [] }
  var intRows: [[Int]] { elements?.map(\.ints) ?? [] }

  func settings() throws -> GenerationSettings {
    try JSONDecoder().decode(GenerationSettings.self, from: Data(encoded()))
  }
}

/// Within 1e-5, relative or absolute; infinities exactly.
func isNear(_ a: Float, _ b: Float) -> Bool {
  a == b || abs(a - b) <= 1e-5 * max(1, abs(b)) || a.isNaN && b.isNaN
}

func areNear(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy(isNear)
}

/// A language model that is one table: the logits behind a token are its row.
struct TableModel: TokenModel {
  var table: Tensor

  init(_ rows: [[Float]]) {
    table = Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
  }

  var context: Int? { nil }

  func memory(of source: Nothing, batch: Int, capacity: Int, padding: Tensor?) -> Nothing {
    Nothing()
  }

  func read(_ ids: Tensor, _ memory: inout Nothing, last count: Int) -> Tensor {
    table.rows(ids.lastPlaces(count))
  }

  mutating func visit(_ visitor: inout Visitor) { visitor("table", &table) }
}

/// How far counts are from what probabilities say, cells of fewer than five expected ones joined; and the cells.
func chiSquare(_ counts: [Int], _ probabilities: [Double]) -> (value: Double, cells: Int) {
  let total = Double(counts.reduce(0, +))
  var (value, cells, few) = (0.0, 0, (count: 0.0, expected: 0.0))
  for (count, p) in zip(counts, probabilities) {
    guard p * total >= 5 else {
      few = (few.count + Double(count), few.expected + p * total)
      continue
    }
    value += (Double(count) - p * total) * (Double(count) - p * total) / (p * total)
    cells += 1
  }
  if few.expected > 0 {
    value += (few.count - few.expected) * (few.count - few.expected) / few.expected
    cells += 1
  }
  return (value, cells)
}

/// What a right sampler's chi-square exceeds about once in a million runs (Wilson and Hilferty 1931).
func chiSquareLimit(cells: Int) -> Double {
  let n = Double(max(1, cells - 1))
  let t = 1 - 2 / (9 * n) + 4.7534 * (2 / (9 * n)).squareRoot()
  return n * t * t * t + 1
}
