import ArgumentParser
import CKernels
import Documents
import Foundation
import Layers
import Reports
import Tensors
import Training
import Workloads

struct BenchCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures the time of a training step of fixed workloads.",
    discussion: """
      The workloads are those of the peers' scripts, with the same shapes, losses and optimizers; \
      Benchmarks/compare runs both in turn. Quote ratios from one run on a quiet machine, not single times.
      """)

  @OptionGroup var output: OutputOptions
  @OptionGroup var compute: ComputeOptions

  @Argument(help: "The workload, such as gpt-mini.")
  var workload: String?

  @Flag(help: "List the workloads.")
  var list = false

  @Option(help: "The number of timed steps (default: as many as fit 6 seconds, at least 3).")
  var steps: Int?

  @Flag(help: "Show where the time of a step goes, kernel by kernel, on standard error.")
  var profile = false

  func execute(_ console: Console) throws {
    if list || workload == nil { return try listWorkloads(console) }
    guard let chosen = Workload.all.first(where: { $0.name == workload }) else {
      let names = Workload.all.map(\.name)
      let near = nearest(to: workload ?? "", among: names)
      throw Failure(
        .usage,
        "there is no workload \"\(workload ?? "")\"." + (near.map { " Did you mean \($0)?" } ?? ""),
        attempts: ["apus bench --list"])
    }
    if let steps, steps < 1 {
      throw Failure(.usage, "--steps is \(steps); at least one step is timed.")
    }
    try compute.run(console) {
      let measured = measure(chosen, console)
      try console.result(console.json ? measured.json : measured.text)
    }
  }

  private func listWorkloads(_ console: Console) throws {
    for workload in Workload.all {
      let row: JSONValue = .object([
        .init("workload", .string(workload.name)), .init("kind", .string(workload.kind.rawValue)),
      ])
      try console.result(
        console.json
          ? String(decoding: row.encoded(), as: UTF8.self)
          : "\(workload.name)  \(workload.kind.rawValue)")
    }
  }

  private func measure(_ workload: Workload, _ console: Console) -> Measurement {
    let running = workload.start()
    let first = running.step()
    let startup = ProcessAge.milliseconds
    for _ in 0..<2 { _ = running.step() }
    if profile { printProfile(running) }
    var times: [Double] = []
    var last = first
    let began = ContinuousClock.now
    let limit = steps ?? 2000
    while times.count < limit,
      steps != nil || times.count < 3 || began.duration(to: .now) < .seconds(6)
    {
      let start = ContinuousClock.now
      last = running.step()
      times.append(start.duration(to: .now) / .milliseconds(1))
    }
    return Measurement(
      workload: workload, running: running, times: times.sorted(), startup: startup,
      losses: (first, last))
  }

  private func printProfile(_ running: Workload.Running) {
    let rows = Profile.record { _ = running.step() }
    for row in rows.prefix(30) {
      let time = String(format: "%9.3f ms %5d  ", row.duration / .milliseconds(1), row.count)
      FileHandle.standardError.write(Data((time + row.label.prefix(140) + "\n").utf8))
    }
  }
}

/// What a workload's steps took.
private struct Measurement {
  let workload: Workload
  let running: Workload.Running
  /// Milliseconds, rising.
  let times: [Double]
  let startup: Double
  let losses: (first: Double, last: Double)

  private var median: Double {
    let middle = times.count / 2
    return times.count % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2
  }

  /// The share of what a large matrix product reaches on this machine right now.
  private var peakFraction: Double {
    running.arithmetic / (times[0] / 1e3) / Device.cpu.run { ProductRate.perSecond }
  }

  var json: String {
    func rounded(_ value: Double, _ digits: Double) -> JSONValue {
      .number((value * digits).rounded() / digits)
    }
    let object = JSONValue.object([
      .init("workload", .string(workload.name)), .init("peer", .string("apus")),
      .init("version", .string(apusVersion)), .init("threads", .integer(Int(apus_threads()))),
      .init("dtype", .string("float32")), .init("params", .integer(running.parameters)),
      .init("batch", .integer(workload.batch)), .init("step_ms_median", rounded(median, 1e3)),
      .init("step_ms_min", rounded(times[0], 1e3)),
      .init("items_per_s", rounded(Double(workload.batch) / median * 1e3, 100)),
      .init("peak_rss_mb", .integer(ResidentMemory.peak / 1_048_576)),
      .init("startup_ms", rounded(startup, 10)), .init("loss_first", rounded(losses.first, 1e4)),
      .init("loss_last", rounded(losses.last, 1e4)),
      .init("flops_per_step", .number(running.arithmetic)),
      .init("peak_fraction", rounded(peakFraction, 1e3)),
    ])
    return String(decoding: object.encoded(), as: UTF8.self)
  }

  var text: String {
    let rate = running.arithmetic / (times[0] / 1e3) / 1e9
    return """
      \(workload.name): \(String(format: "%.2f", times[0])) ms a step at best, \
      \(String(format: "%.2f", median)) ms in the median of \(times.count); \
      \(String(format: "%.0f", rate)) GFLOP/s, \(String(format: "%.0f", peakFraction * 100))% of a large product's; \
      \(ResidentMemory.peak / 1_000_000) MB
      """
  }
}

/// What a large matrix product reaches: the peak that a step is held against.
private enum ProductRate {
  /// Operations a second of the best of some products of 1024 × 1024 matrices.
  static var perSecond: Double {
    let a = RandomKey(seed: 1).normal([1024, 1024]).evaluated()
    let product = compiled { (a: Tensor, b: Tensor) in matrixProduct(a, b) }
    _ = product(a, a)
    let best =
      (0..<20).map { _ in
        let start = ContinuousClock.now
        _ = product(a, a)
        return start.duration(to: .now) / .seconds(1)
      }.min() ?? .infinity
    return 2 * 1024 * 1024 * 1024 / best
  }
}

#if !os(Linux)
  private let commandStart = ContinuousClock.now
#endif

/// Time since this process began; where the system does not say, since the benchmark did.
private enum ProcessAge {
  static var milliseconds: Double {
    #if os(Linux)
      // Field 22 of the process's line is its start in clock ticks since the machine's.
      guard let line = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
        let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
        let tail = line.split(separator: ")").last,
        let now = Double(uptime.split(separator: " ")[0])
      else { return 0 }
      let fields = tail.split(separator: " ")
      guard fields.count > 19, let start = Double(fields[19]) else { return 0 }
      return (now - start / Double(sysconf(Int32(_SC_CLK_TCK)))) * 1e3
    #else
      return commandStart.duration(to: .now) / .milliseconds(1)
    #endif
  }
}
