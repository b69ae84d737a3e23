import Checkpoints
import Foundation
import Reports
import Training

extension MethodReport {
  /// A method of which there is nothing yet.
  init(_ method: Training.Method, status: Status, command: String) {
    self.init(
      recipe: method.name, title: method.title, family: method.family, idea: method.idea,
      formula: method.formula, status: status, command: command)
  }

  /// A method after its process ended.
  /// - Parameters:
  ///   - run: what it left, if anything.
  ///   - folder: the gallery's folder, to which paths are relative.
  ///   - error: what it reported.
  init(
    _ method: Training.Method, run: Run?, in folder: String, ending: ChildProcess.Ending,
    error: String?, seconds: Double, peakBytes: Int?, seed: UInt64
  ) {
    let status: Status =
      switch ending {
      case .exit(0): .trained
      case .exit(130): .interrupted
      default: .failed
      }
    let steps =
      run.map { run in
        " --steps \(run.steps)" + (run.stopAfter.map { " --set stop_after=\($0)" } ?? "")
      } ?? ""
    self.init(
      method, status: status, command: "apus train \(method.name) --seed \(seed)\(steps)")
    self.seconds = seconds
    self.peakBytes = peakBytes
    if let run { take(run, method, in: folder) }
    if status != .trained {
      failure = Self.failure(status, run, folder, ending: ending, error: error)
      if status == .interrupted { command = "apus train --resume \(folder)/runs/\(method.name)" }
    }
  }

  private mutating func take(_ run: Run, _ method: Training.Method, in folder: String) {
    let entries = (try? run.entries()) ?? []
    steps = entries.last { $0.event == "step" || $0.event == "eval" }?.step
    metric = run.metrics.first
    figures = run.figures
    let model = run.url.appendingPathComponent("checkpoints/last/model.safetensors")
    if let file = try? Checkpoint(model) { parameters = file.elementCount }
    fileBytes = (try? model.resourceValues(forKeys: [.fileSizeKey]))?.fileSize
    curves = Self.curves(entries, method, plannedSteps: run.steps)
    artifacts = Self.artifacts(of: run, in: folder)
  }

  /// The loss of the training batches, and the measure on held-out data.
  private static func curves(
    _ entries: [MetricsLog.Entry], _ method: Training.Method, plannedSteps: Int
  ) -> [LearningCurve] {
    func points(_ event: String, _ name: String) -> [LearningCurve.Point] {
      entries.compactMap { entry in
        guard entry.event == event, let value = entry.values[name] else { return nil }
        return LearningCurve.Point(step: entry.step, value: value)
      }
    }
    let key = method.goal.measured(0).key
    let end = entries.last.flatMap { entry in
      entry.event == "failed"
        ? LearningCurve.End(step: entry.step, reason: entry.texts["quantity"] ?? "") : nil
    }
    let loss = points("step", "loss")
    let heldOut = points("eval", key)
    var curves: [LearningCurve] = []
    if !loss.isEmpty {
      curves.append(
        LearningCurve(
          title: "Training loss", unit: "per batch", training: loss, plannedSteps: plannedSteps,
          failure: end))
    }
    if heldOut.count > 1 {
      curves.append(
        LearningCurve(
          title: "Held-out \(method.goal.name)", unit: method.goal.unit, training: [],
          heldOut: heldOut, plannedSteps: plannedSteps))
    }
    return curves
  }

  private static func artifacts(of run: Run, in folder: String) -> [String] {
    let name = run.url.lastPathComponent
    let samples =
      ((try? FileManager.default.contentsOfDirectory(
        atPath: run.url.appendingPathComponent("samples").path)) ?? [])
      .filter { !$0.hasSuffix(".json") }.sorted().map { "samples/\($0)" }
    let others = ["checkpoints/last/model.safetensors", "config.yaml", "metrics.jsonl"]
    return (samples + others)
      .filter { FileManager.default.fileExists(atPath: run.url.appendingPathComponent($0).path) }
      .map { "runs/\(name)/\($0)" }
  }

  private static func failure(
    _ status: Status, _ run: Run?, _ folder: String, ending: ChildProcess.Ending, error: String?
  ) -> Failure {
    let last = run?.checkpoints.steps.last
    let kept = last.map { "The checkpoint of step \(Wording.count($0)) is kept" } ?? ""
    let step = run?.step
    if status == .interrupted {
      let place = step.map { "at step \(Wording.count($0))" } ?? "before its first step"
      return Failure(
        short: place, step: step, what: "Stopped \(place)", kept: kept)
    }
    if case .signal(let number) = ending {
      return Failure(
        short: "ended by signal \(number)", step: step,
        what: "The process was ended by signal \(number)",
        why: number == 9 ? "Often the system does that when memory runs out" : "", kept: kept)
    }
    let sentence = error ?? "it ended without a reason"
    let isNumber = run?.failure != nil
    return Failure(
      short: run?.failure ?? sentence, step: step,
      what: sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence, kept: kept,
      remedy: isNumber ? "A smaller learning rate usually helps" : "",
      attempt: isNumber ? "--set learning_rate=1e-4" : "")
  }
}
