public import Checkpoints
public import Foundation
public import Reports

/// Why a run could not begin, go on or end.
public enum TrainingError: Error, Sendable {
  /// A setting that does not exist; `place` says where it was given.
  case unknownSetting(String, known: [String], place: String)
  /// A setting with a value of the wrong kind.
  case wrongSetting(String, problem: String, place: String)
  /// A configuration that cannot be read.
  case configuration(file: String, problem: String)
  /// The folder has a run already.
  case exists(folder: String)
  /// Another program is training in this folder.
  case inUse(folder: String)
  /// The folder is no run.
  case notARun(folder: String, problem: String)
  /// No checkpoint of the run can be read; what is wrong with each.
  case noCheckpoint(folder: String, problems: [String])
  /// A run that is to be resumed by another recipe than it was begun with.
  case otherRecipe(folder: String, its: String, asked: String)
  /// The run ended because a number was not finite.
  case notFinite(NotFinite)
  /// The recipe's data could not be read.
  case data(any Error)
  /// The device failed, or refuses the step.
  case device(any Error)
  /// The recipe refuses its settings.
  case refused(any Error)
  case checkpoint(CheckpointError)
  case report(ReportsError)
  case file(path: String, problem: String)

  /// A loss or gradient that is no number.
  public struct NotFinite: Sendable, Hashable {
    public var recipe: String
    /// "loss" or "grad_norm".
    public var quantity: String
    /// The step that gave it, counted from 1.
    public var step: Int
    /// The items of its batch.
    public var indices: [Int]
    /// The newest checkpoint before it.
    public var lastGood: String?
    public var folder: String
  }

  /// The exit code of a command that ends with it.
  public var exitCode: Int32 {
    switch self {
    case .notFinite, .report, .file: 1
    case .checkpoint(.unwritable), .checkpoint(.diskFull), .checkpoint(.readOnly): 1
    case .checkpoint, .noCheckpoint, .configuration, .otherRecipe: 2
    case .notARun, .data: 3
    case .device: 4
    case .unknownSetting, .wrongSetting, .exists, .inUse, .refused: 64
    }
  }

  /// A short name for programs.
  public var kind: String {
    switch self {
    case .unknownSetting: "unknown_setting"
    case .wrongSetting: "wrong_setting"
    case .configuration: "configuration"
    case .exists: "exists"
    case .inUse: "in_use"
    case .notARun: "not_a_run"
    case .noCheckpoint: "no_checkpoint"
    case .otherRecipe: "other_recipe"
    case .notFinite: "not_finite"
    case .data: "data"
    case .refused: "refused"
    case .device: "device"
    case .checkpoint: "checkpoint"
    case .report: "report"
    case .file: "file"
    }
  }

  /// What happened, the facts, and what to do about it.
  public var message: ErrorMessage {
    switch self {
    case .unknownSetting(let name, let known, let place):
      ErrorMessage(
        "\(place): there is no setting \"\(name)\""
          + (nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? "."),
        facts: [("settings", known.joined(separator: ", "))])
    case .wrongSetting(let name, let problem, let place):
      ErrorMessage("\(place): \(name) \(problem).")
    case .configuration(let file, let problem):
      ErrorMessage("\(file) is no configuration: \(problem).")
    case .exists(let folder):
      ErrorMessage(
        "\(folder) has a run already.",
        attempts: ["apus train --resume \(folder)", "rm -r \(folder)"])
    case .inUse(let folder): ErrorMessage("another program is training in \(folder).")
    case .notARun(let folder, let problem):
      ErrorMessage("\(folder) is no run: \(problem).", attempts: ["apus runs"])
    case .noCheckpoint(let folder, let problems):
      ErrorMessage(
        "\(folder) has no checkpoint that can be read.", facts: problems.map { ("", $0) })
    case .otherRecipe(let folder, let its, let asked):
      ErrorMessage("\(folder) is a run of \(its), not of \(asked).")
    case .notFinite(let stop): stop.message
    case .data(let error), .refused(let error), .device(let error): ErrorMessage("\(error)")
    case .checkpoint(let error): ErrorMessage("\(error).")
    case .report(let error): ErrorMessage("\(error).")
    case .file(let path, let problem): ErrorMessage("\(path): \(problem).")
    }
  }
}

extension TrainingError: CustomStringConvertible, LocalizedError {
  /// The message in one paragraph.
  public var description: String {
    let message = message
    let facts = message.facts.map { $0.label.isEmpty ? $0.text : "\($0.label): \($0.text)" }
    let attempts = message.attempts.isEmpty ? [] : ["try \(message.attempts[0])"]
    return ([message.summary] + facts + attempts).joined(separator: " ")
  }

  public var errorDescription: String? { description }
}

extension TrainingError.NotFinite {
  var quantityInWords: String { quantity == "loss" ? "loss" : "norm of the gradient" }

  var message: ErrorMessage {
    let shown = indices.prefix(8).map(String.init).joined(separator: ", ")
    let rest = indices.count > 8 ? ", …" : ""
    let kept = lastGood ?? "none: no checkpoint had been written"
    return ErrorMessage(
      "\(recipe) stopped: the \(quantityInWords) is not a number at step \(Wording.count(step)).",
      facts: [("batch", "\(Wording.count(step)) (items \(shown)\(rest))"), ("last good", kept)],
      attempts: ["apus train \(recipe) --set learning_rate=…  (a smaller one)"])
  }
}
