import Foundation
import Reports

/// The files that tell how a run goes: `metrics.jsonl` with what is the same whenever the run is
/// made again, `timing.jsonl` with what is not, TensorBoard's events with both, `log.txt` in words.
struct RunLogs {
  private let metrics: MetricsLog
  private let timing: MetricsLog
  private let board: TensorBoardWriter
  private let logPath: String

  init(_ files: RunFiles, resumingAfter step: Int) throws(TrainingError) {
    logPath = files.path(Run.Files.log)
    do {
      metrics = try MetricsLog(path: files.path(Run.Files.metrics), resumingAfter: step)
      timing = try MetricsLog(path: files.path(Run.Files.timing), resumingAfter: step)
      board = try TensorBoardWriter(
        path: files.path(Run.Files.events), resumingAfter: step, wallTime: Self.now)
    } catch {
      throw .report(error)
    }
    say(step == 0 ? "begins" : "goes on after step \(step)")
  }

  private static var now: Double { Date().timeIntervalSince1970 }

  /// The numbers of a step, where one is due.
  func write(
    _ state: TrainerState, _ values: [String: Double], _ meter: Meter, everyStep interval: Int?
  ) throws(TrainingError) {
    guard state.step.isDue(interval) || state.step == state.steps else { return }
    var values = values
    values["epoch"] = state.epoch
    values["learning_rate"] = state.learningRate
    var clock = ["rss_mb": (Double(meter.memory) / 1e5).rounded() / 10]
    clock["seconds"] = meter.seconds
    clock["items_per_s"] = meter.itemsPerSecond
    try attempt { () throws(ReportsError) in
      try metrics.append(.init(event: "step", step: state.step, values: values))
      try timing.append(.init(event: "step", step: state.step, values: clock))
      try board.append(
        step: state.step, wallTime: Self.now, scalars: values.merging(clock) { first, _ in first })
    }
  }

  /// Measurements on held-out data, the event "eval", or on test data, "test".
  func write(_ measured: [Metric], _ event: String, step: Int) throws(TrainingError) {
    var values: [String: Double] = [:]
    for metric in measured {
      values[metric.key] = metric.value
      values[metric.key + "_error"] = metric.error
    }
    let scalars = Dictionary(uniqueKeysWithValues: values.map { (event + "/" + $0, $1) })
    try attempt { () throws(ReportsError) in
      try metrics.append(.init(event: event, step: step, values: values))
      try board.append(step: step, wallTime: Self.now, scalars: scalars)
    }
    let words = measured.map { "\($0.name) \($0.value) \($0.unit) (\($0.kind.word))" }
    say("step \(step), \(measured.first?.note ?? ""): " + words.joined(separator: ", "))
  }

  func end(_ summary: TrainingSummary) throws(TrainingError) {
    let event = summary.isFinished ? "done" : "interrupted"
    try attempt { () throws(ReportsError) in
      try metrics.append(.init(event: event, step: summary.step))
    }
    try synchronize()
    say("\(event) at step \(summary.step) after \(Wording.duration(summary.seconds))")
  }

  func fail(_ failure: TrainingError.NotFinite) throws(TrainingError) {
    let reason = "not a number at step \(Wording.count(failure.step))"
    try attempt { () throws(ReportsError) in
      try metrics.append(
        .init(
          event: "failed", step: failure.step,
          texts: ["quantity": failure.quantity, "reason": reason]))
    }
    say("failed: \(TrainingError.notFinite(failure))")
  }

  func synchronize() throws(TrainingError) {
    try attempt { () throws(ReportsError) in
      try metrics.synchronize()
      try board.synchronize()
    }
  }

  /// A line of `log.txt`. It is for people alone: a line that cannot be written ends no run.
  func say(_ text: String) {
    let line = Date().formatted(.iso8601) + " " + text + "\n"
    if !FileManager.default.fileExists(atPath: logPath) {
      _ = FileManager.default.createFile(atPath: logPath, contents: nil)
    }
    guard let file = FileHandle(forWritingAtPath: logPath) else { return }
    _ = try? file.seekToEnd()
    try? file.write(contentsOf: Data(line.utf8))
    try? file.close()
  }

  private func attempt(_ body: () throws(ReportsError) -> Void) throws(TrainingError) {
    do { try body() } catch { throw .report(error) }
  }
}

/// Speed, memory and time left of a run.
struct Meter {
  private let steps: Int
  private let batchSize: Int
  private let start = ContinuousClock.now
  private var pace: Pace
  private var lastLook = -1.0
  private var lastSave = 0.0
  private(set) var memory = 0
  private(set) var seconds = 0.0

  init(steps: Int, batchSize: Int, step: Int) {
    self.steps = steps
    self.batchSize = batchSize
    pace = Pace(steps: steps)
    pace.record(step: step, at: 0)
  }

  var itemsPerSecond: Double? { pace.stepsPerSecond.map { $0 * Double(batchSize) } }

  mutating func record(_ state: TrainerState, _ values: [String: Double]) -> TrainingEvent.Step {
    seconds = (ContinuousClock.now - start).inSeconds
    pace.record(step: state.step, at: seconds)
    // Asking the system costs as much as a small step.
    if seconds - lastLook > 0.25 {
      memory = ResidentMemory.now
      lastLook = seconds
    }
    return TrainingEvent.Step(
      step: state.step, steps: steps, epoch: state.epoch, values: values,
      learningRate: state.learningRate, stepsPerSecond: pace.stepsPerSecond,
      itemsPerSecond: itemsPerSecond, memory: memory, secondsLeft: pace.secondsLeft(at: seconds))
  }

  func isSaveDue(_ interval: Double) -> Bool { seconds - lastSave >= interval }

  mutating func saved() { lastSave = (ContinuousClock.now - start).inSeconds }
}
