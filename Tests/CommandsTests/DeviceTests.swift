import Documents
import Foundation
import Testing
import XLA

@Suite("--device", .enabled(if: Binary.isBuilt, "apus is not built"))
struct DeviceTests {
  /// The plugin of this machine's tests, for a process whose environment is otherwise empty of ours.
  private static let plugin = try? Plugin.find(.cpu)
  private var environment: [String: String] { Self.plugin.map { ["APUS_PJRT_CPU": $0] } ?? [:] }

  @Test("that does not exist is refused with a sentence and its exit code")
  func refusals() throws {
    let name = try Binary.run("bench", "mlp-mnist", "--device", "abacus", "--json")
    #expect(name.status == 4)
    #expect(try name.json()["error"]?["message"]?.string?.contains("abacus") == true)
    for device in ["xla:/no/such/file.so", "xla:\(#filePath)", "xla:cuda"] {
      let file = try Binary.run("bench", "mlp-mnist", "--device", device)
      #expect(file.status == 4)
      #expect(file.errors.contains("XLA") || file.errors.contains("cannot be loaded"))
      #expect(file.output.isEmpty)
    }
  }

  @Test("xla computes the step that the CPU computes", .enabled(if: plugin != nil, "no plugin"))
  func compare() throws {
    let arguments = ["compare", "realnvp-2d", "--with", "xla:cpu", "--json"]
    let settings = ["--set", "batch_size=16", "--set", "couplings=2", "--set", "hidden=[8]"]
    let outcome = try Binary.run(arguments: arguments + settings, environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try outcome.json()
    #expect(report["agree"]?.bool == true)
    #expect(report["loss"]?.elements?.count == 2)
    let strict = try Binary.run(
      arguments: arguments + settings + ["--tolerance", "0"], environment: environment)
    #expect(strict.status == 1)
    #expect(try strict.json()["first_difference"]?["node"]?.string?.isEmpty == false)
  }

  @Test("xla trains and samples", .enabled(if: plugin != nil, "no plugin"))
  func train() throws {
    let scratch = Scratch()
    let run = scratch.folder.appendingPathComponent("run").path
    let trained = try Binary.run(
      "train", "realnvp-2d", "--device", "xla:cpu", "--steps", "3", "--out", run, "--set",
      "couplings=2", "--set", "hidden=[8]", environment: environment)
    #expect(trained.status == 0, "\(trained.errors)")
    // What was trained on one device goes on on another.
    let sampled = try Binary.run("sample", "--run", run, "--count", "2")
    #expect(sampled.status == 0, "\(sampled.errors)")
  }

  @Test("xla's memory stays what it is", .enabled(if: plugin != nil, "no plugin"))
  func memory() throws {
    func peak(_ steps: Int) throws -> Int {
      let outcome = try Binary.run(
        "bench", "mlp-mnist", "--device", "xla:cpu", "--steps", "\(steps)", "--json",
        environment: environment)
      return try #require(try outcome.json()["peak_rss_mb"]?.integer)
    }
    _ = try peak(1)  // compiles, which takes memory of its own
    // The activations of a thousand steps would be a gigabyte.
    #expect(try peak(1100) - peak(100) < 64)
  }
}
