package import Tensors
package import Testing
internal import XLA

/// Runs the tests of a suite on the CPU, then once more on a plugin of XLA where one is installed.
package struct EveryDevice: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  /// The plugin's device, opened once for all tests; nil where there is none.
  package static let xla: Device? = try? .xla(plugin: "cpu")

  package func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await function()
    guard let device = EveryDevice.xla else { return }
    try await device.run { try await function() }
  }
}

extension Trait where Self == EveryDevice {
  package static var onEveryDevice: Self { EveryDevice() }
}
