package import Documents
package import Foundation
package import Tensors

extension Fixture {
  /// Opens a folder; nil where it holds no fixture.
  package init?(folder: URL) {
    let (config, reference) = ("config.json", "reference.safetensors")
    let exists = [config, reference].allSatisfy {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
    }
    guard exists, let fixture = try? Fixture(at: folder) else { return nil }
    self = fixture
  }

  /// Every fixture of the root folder for which `isKind` holds, in the order of names, whatever they are called.
  package static func folders(matching isKind: (Fixture) -> Bool) -> [Fixture] {
    let children =
      (try? FileManager.default.contentsOfDirectory(at: root, includingPropertiesForKeys: nil))
      ?? []
    return ([root] + children.sorted { $0.path < $1.path })
      .compactMap { Fixture(folder: $0) }.filter(isKind)
  }

  /// A tensor of the reference under its full name, such as `input.case.x`; ends the program where there is none.
  package func tensor(_ name: String) -> Tensor {
    guard let tensor = self[name] else { fatalError("\(folder.path) has no tensor \(name)") }
    return tensor
  }

  /// One operation with arguments: its tensors are `input.<name>.…`, `output.<name>.…`, `train.<name>.grad.…`.
  package struct Case: Sendable, CustomStringConvertible {
    package let fixture: Fixture
    package let name: String
    package let operation: String
    package let arguments: JSONValue

    package var description: String { "\(fixture.folder.lastPathComponent)/\(name)" }

    package func input(_ argument: String) -> Tensor { fixture.tensor("input.\(name).\(argument)") }
    package func output(_ result: String) -> Tensor { fixture.tensor("output.\(name).\(result)") }
    /// What the gradient's sum multiplies an output with.
    package func probe(_ result: String) -> Tensor {
      fixture.tensor("input.\(name).probe.\(result)")
    }
    package func gradient(_ operand: String) -> Tensor? {
      fixture["train.\(name).grad.\(operand)"]
    }
    package func weight(_ parameter: String) -> Tensor? { fixture.weight("\(name).\(parameter)") }

    /// A number or a list of numbers; nil where the argument is absent or null.
    package func integers(_ argument: String) -> [Int]? {
      guard let value = arguments[argument] else { return nil }
      return value.integer.map { [$0] } ?? value.elements?.compactMap(\.integer)
    }
    package func doubles(_ argument: String) -> [Double]? {
      guard let value = arguments[argument] else { return nil }
      return value.double.map { [$0] } ?? value.elements?.compactMap(\.double)
    }
    package func isTrue(_ argument: String) -> Bool? { arguments[argument]?.bool }
    package func string(_ argument: String) -> String? { arguments[argument]?.string }
  }

  /// The folder's operations.
  package var cases: [Case] {
    (config["cases"]?.members ?? []).compactMap { member in
      guard let operation = member.value["operation"]?.string else { return nil }
      return Case(
        fixture: self, name: member.name, operation: operation,
        arguments: member.value["arguments"] ?? .object([]))
    }
  }

  /// The cases of these operations in all fixtures.
  package static func cases(_ operations: Set<String>) -> [Case] {
    folders { $0.cases.contains { operations.contains($0.operation) } }.flatMap(\.cases)
      .filter { operations.contains($0.operation) }
  }
}

/// max |a − b| over max |b|: how far `a` is from a reference. Infinite for other shapes, and where a value is NaN or
/// infinite on one side only.
package func distance(_ a: Tensor, _ reference: Tensor) -> Double {
  guard a.shape == reference.shape else { return .infinity }
  var (largest, scale) = (0.0, 0.0)
  for (x, y) in zip(a.doubles(), reference.doubles()) where x != y {
    let difference = abs(x - y)
    largest = difference.isNaN ? .infinity : max(largest, difference)
    if difference.isNaN { break }
  }
  for y in reference.doubles() where y.isFinite { scale = max(scale, abs(y)) }
  return largest == 0 ? 0 : largest / max(scale, .leastNormalMagnitude)
}

extension Tensor {
  /// An image [batch, channels, spatial…] as [batch, spatial…, channels].
  package var channelsLast: Tensor { transposed([0] + Array(2..<rank) + [1]) }
  /// An image [batch, spatial…, channels] as [batch, channels, spatial…].
  package var channelsFirst: Tensor { transposed([0, rank - 1] + Array(1..<(rank - 1))) }
}
