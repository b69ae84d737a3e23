import ArgumentParser
import CKernels
import Foundation
import Tensors
import XLA

/// How a command reports; every command has these.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print results and errors as JSON on standard output.")
  var json = false

  @Flag(name: [.long, .short], help: "Print results and errors only, no progress.")
  var quiet = false

  @Flag(name: [.long, .short], help: "Add details to progress and errors.")
  var verbose = false

  @Flag(
    name: .customLong("no-color"),
    help: "Use no colours; NO_COLOR in the environment does the same.")
  var noColor = false
}

/// What decides numbers and where they are computed; the same for every command that computes.
struct ComputeOptions: ParsableArguments {
  @Option(help: "The seed of all random numbers (default: 0, or APUS_SEED).")
  var seed: UInt64?

  @Option(
    help: "The threads to compute with, 1 to 256 (default: all cores, or APUS_THREADS).")
  var threads: Int32?

  @Option(
    help: """
      The device to compute on: cpu, or a plugin of XLA as xla, xla:cuda, xla:cuda:1 or xla:FILE \
      (default: cpu, or APUS_DEVICE).
      """, completion: .list(["cpu", "xla", "xla:cuda", "xla:rocm", "xla:tpu", "xla:cpu"]))
  var device: String?

  @Option(
    help: "The type of numbers (default: float32, or APUS_DTYPE).",
    completion: .list(["float32"]))
  var dtype: String?

  /// Does `body` with the chosen threads, on the chosen device.
  func run(_ console: Console, _ body: () throws -> Void) throws {
    try apply()
    let device = try Device(named: resolved(device, "DEVICE") ?? "cpu")
    let (json, verbose, forbidsColor) = (console.json, console.verbose, console.forbidsColor)
    Device.setFailureEnding { error in
      let failure = Failure(error, arguments: [])
      Console(json: json, verbose: verbose, forbidsColor: forbidsColor).report(failure)
      Foundation.exit(failure.kind.exitCode)
    }
    try device.run(body)
  }

  private func apply() throws(Failure) {
    let dtype = try resolved(dtype, "DTYPE") ?? "float32"
    guard dtype == "float32" else {
      throw Failure(
        .unavailable, "there is no computing in \"\(dtype)\"; this version has \"float32\".",
        attempts: ["--dtype float32"])
    }
    if let threads = try resolved(threads, "THREADS") {
      guard (1...256).contains(threads) else {
        throw Failure(.usage, "\(threads) threads are not between 1 and 256.")
      }
      apus_set_threads(threads)
    }
  }

  /// The seed, or nothing where neither flag nor environment has one.
  func chosenSeed() throws(Failure) -> UInt64? { try resolved(seed, "SEED") }
}

/// The value of a flag, else of the environment's `APUS_…`.
/// - Throws: a failure that names the variable whose value cannot be read.
func resolved<Value: LosslessStringConvertible>(
  _ flag: Value?, _ name: String
) throws(Failure) -> Value? {
  if let flag { return flag }
  let variable = "APUS_" + name
  guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return nil }
  if let value = Value(text) { return value }
  let kind = Value.self is any BinaryInteger.Type ? "whole number" : "number"
  throw Failure(.usage, "\(variable) is \"\(text)\", which is no \(kind) in range.")
}
