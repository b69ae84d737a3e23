package import Documents
internal import Foundation
package import Tensors

extension Fixture {
  /// The fixtures and the folders that look like one and cannot be read, with the reason.
  private static let found: (fixtures: [Fixture], problems: [String]) = {
    var (fixtures, problems): ([Fixture], [String]) = ([], [])
    for place in places {
      let isFixture = ["config.json", "reference.safetensors"].allSatisfy {
        FileManager.default.fileExists(atPath: place.appendingPathComponent($0).path)
      }
      guard isFixture else { continue }
      do { fixtures.append(try Fixture(at: place)) } catch {
        problems.append("\(place.path): \(error)")
      }
    }
    return (fixtures, problems)
  }()

  /// Why fixtures cannot be read; empty where all can.
  package static var problems: [String] { found.problems }

  /// Every fixture of a kind, which its contents tell and not its name.
  package static func all(where isKind: (Fixture) -> Bool) -> [Fixture] {
    found.fixtures.filter(isKind)
  }

  /// The cases of these operations in all fixtures.
  package static func cases(_ operations: Set<String>) -> [Case] {
    cases { _ in true }.filter { operations.contains($0.operation) }
  }

  /// The cases of all fixtures whose configuration is of a kind.
  package static func cases(where isKind: (JSONValue) -> Bool) -> [Case] {
    all { isKind($0.config) }.flatMap(\.cases)
  }

  /// The fixture's operations.
  package var cases: [Case] {
    (config["cases"]?.members ?? []).map {
      Case(fixture: self, name: $0.name, config: $0.value)
    }
  }

  /// One operation with arguments: its tensors are `input.<name>.…`, `output.<name>.…`, `train.<name>.grad.…`.
  package struct Case: Sendable, CustomStringConvertible {
    package let fixture: Fixture
    package let name: String
    package let config: JSONValue

    package var description: String { "\(fixture.folder.lastPathComponent)/\(name)" }
    package var operation: String { config["operation"]?.string ?? "" }
    package var arguments: JSONValue { config["arguments"] ?? .object([]) }

    /// The same operation, used in one of several ways: `<name>.<use>`.
    package func used(_ use: String) -> Case {
      Case(fixture: fixture, name: "\(name).\(use)", config: config)
    }

    /// Names of the operands, in the order of the file.
    package var inputs: [String] {
      fixture.names("input.\(name).").filter { !$0.hasPrefix("probe.") }
    }
    package func input(_ argument: String) throws -> Tensor {
      try fixture.tensor("input.\(name).\(argument)")
    }
    /// A result by its name; the case's only one, without a name.
    package func output(_ result: String? = nil) throws -> Tensor {
      try fixture.tensor((["output", name] + (result.map { [$0] } ?? [])).joined(separator: "."))
    }
    /// What the gradient's sum multiplies an output with.
    package func probe(_ result: String) throws -> Tensor {
      try fixture.tensor("input.\(name).probe.\(result)")
    }
    package func gradient(_ operand: String) -> Tensor? {
      fixture["train.\(name).grad.\(operand)"]
    }
    /// Names of what the sum was differentiated by.
    package var gradients: [String] { fixture.names("train.\(name).grad.") }
    /// Below this size gradients are taken for zeros with rounding noise: a hundredth of the case's largest.
    package var gradientNoise: Double {
      (gradients.compactMap(gradient).flatMap { $0.doubles() }.map(abs).max() ?? 0) / 100
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
    package func integer(_ argument: String) -> Int? { arguments[argument]?.integer }
    package func double(_ argument: String) -> Double? { arguments[argument]?.double }
    package func isTrue(_ argument: String) -> Bool? { arguments[argument]?.bool }
    package func string(_ argument: String) -> String? { arguments[argument]?.string }
  }
}

/// max |a − b| over max |b|: how far `a` is from a reference. Infinite for other shapes, and where a value is NaN or
/// infinite on one side only.
/// - Parameter least: what max |b| counts at least.
package func distance(_ a: Tensor, _ reference: Tensor, least: Double = 0) -> Double {
  guard a.shape == reference.shape else { return .infinity }
  var (largest, scale) = (0.0, 0.0)
  for (x, y) in zip(a.doubles(), reference.doubles()) where x != y {
    let difference = abs(x - y)
    largest = difference.isNaN ? .infinity : max(largest, difference)
    if difference.isNaN { break }
  }
  for y in reference.doubles() where y.isFinite { scale = max(scale, abs(y)) }
  return largest == 0 ? 0 : largest / max(scale, least, .leastNormalMagnitude)
}

extension Tensor {
  /// An image [batch, channels, spatial…] as [batch, spatial…, channels].
  package var channelsLast: Tensor { transposed([0] + Array(2..<rank) + [1]) }
  /// An image [batch, spatial…, channels] as [batch, channels, spatial…].
  package var channelsFirst: Tensor { transposed([0, rank - 1] + Array(1..<(rank - 1))) }
}
