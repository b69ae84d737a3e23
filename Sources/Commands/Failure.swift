import ArgumentParser
import Checkpoints
import Datasets
import Foundation
import Images
import Published
import Reports
import Tensors
import Training
import XLA

/// Why a command ended without its result, in the words of its user.
struct Failure: Error {
  /// What kind of failure it is, for programs.
  enum Kind: String {
    /// The work was done and did not succeed.
    case failed
    /// A file could not be written.
    case unwritable
    /// A file or its contents are not what they should be.
    case invalid
    /// A file, a model or a data set is not there.
    case missing
    /// A device or a library cannot be used.
    case unavailable
    /// The command was called wrongly.
    case usage
    /// Somebody stopped it; what was done is saved.
    case interrupted

    var exitCode: Int32 {
      switch self {
      case .failed, .unwritable: 1
      case .invalid: 2
      case .missing: 3
      case .unavailable: 4
      case .usage: 64
      case .interrupted: 130
      }
    }
  }

  var kind: Kind
  var message: ErrorMessage
  /// The error as the program sees it, for `-v`.
  var details = ""

  init(
    _ kind: Kind, _ summary: String, facts: [(label: String, text: String)] = [],
    attempts: [String] = [], attemptLabel: String = "try"
  ) {
    self.kind = kind
    message = ErrorMessage(
      summary, facts: facts, attempts: attempts, attemptLabel: attemptLabel)
  }

  /// A name that is not among those there are, with the one that was probably meant.
  static func unknownName(
    _ name: String, of thing: String, among names: [String], attempts: [String]
  ) -> Failure {
    var summary = "no \(thing) \"\(name)\"."
    if let meant = nearest(to: name, among: names) { summary += " Did you mean \(meant)?" }
    return Failure(
      .usage, summary, facts: [("all \(thing)s", names.joined(separator: ", "))],
      attempts: attempts)
  }

  /// The failure that any error of any module means: the one place that knows them all.
  /// - Parameter arguments: those of the command, for hints.
  init(_ error: any Error, arguments: [String]) {
    switch error {
    case let error as Failure: self = error
    case let error as DatasetError: self.init(error)
    case let error as CheckpointError: self.init(error)
    case let error as PublishedError: self.init(error)
    case let error as XLAError: self.init(error)
    case let error as ImageError: self.init(error)
    case let error as ReportsError: self.init(error)
    case let error as TrainingError: self.init(error, arguments)
    case let error as ShapeError: self.init(.failed, sentence("\(error)"))
    default: self.init(parsing: error, arguments: arguments)
    }
    if details.isEmpty { details = String(reflecting: error) }
  }

  private init(_ error: DatasetError) {
    switch error {
    case .missing(let name, let lookedIn, let mend):
      self.init(
        .missing, "the data set \"\(name)\" is missing.",
        facts: [("looked in", lookedIn.joined(separator: ", "))], attempts: mend)
    case .file(let path, let reason):
      self.init(Self.isThere(path) ? .invalid : .missing, sentence("\(path): \(reason)"))
    case .damaged(let path, let reason):
      self.init(.invalid, sentence("\(path): \(reason)"))
    case .argument(let reason):
      self.init(.usage, sentence(reason))
    case .fetch(let name, let reason, let mend):
      self.init(
        .missing, "the data set \"\(name)\" could not be fetched.", facts: [("reason", reason)],
        attempts: mend)
    }
  }

  private init(_ error: XLAError) {
    let attempts = if case .noPlugin = error { ["apus doctor"] } else { [String]() }
    self.init(.unavailable, sentence("\(error)"), attempts: attempts)
  }

  init(_ error: CheckpointError) {
    switch error {
    case .unreadable(let file, _):
      self.init(Self.isFile(file) ? .invalid : .missing, sentence("\(error)"))
    case .refused(let refusal, let file, let problem):
      // What to do stands behind the last semicolon.
      let parts = "\(error)".components(separatedBy: "; ")
      let summary =
        refusal == .format
        ? "\(file): \(problem)" : parts.dropLast().joined(separator: "; ")
      self.init(
        .invalid, sentence(summary), attempts: Array(parts.suffix(1)), attemptLabel: "mend")
    case .mismatched:
      // A line, then one a tensor, then what to do.
      let lines = "\(error)".split(separator: "\n").map { $0.drop { $0 == " " } }
      self.init(
        .invalid, String(lines[0].dropLast()) + ".",
        facts: lines.dropFirst().dropLast().map { ("tensor", String($0)) },
        attempts: lines.suffix(1).map(String.init), attemptLabel: "mend")
    case .unwritable, .diskFull, .readOnly: self.init(.unwritable, sentence("\(error)"))
    }
  }

  private init(_ error: ImageError) {
    switch error {
    case .file(let path, _):
      self.init(Self.isThere(path) ? .invalid : .missing, sentence("\(error)"))
    case .argument: self.init(.usage, sentence("\(error)"))
    case .unrecognized, .truncated, .malformed, .tooLarge:
      self.init(.invalid, sentence("\(error)"))
    }
  }

  private init(_ error: ReportsError) {
    switch error {
    case .file(let path, _):
      self.init(Self.isThere(path) ? .unwritable : .missing, sentence("\(error)"))
    case .damagedLog, .notEvents, .picture, .notGallery:
      self.init(.invalid, sentence("\(error)"))
    }
  }

  private init(_ error: TrainingError, _ arguments: [String]) {
    switch error {
    case .checkpoint(let error): self.init(error)
    case .report(let error): self.init(error)
    case .data(let error): self.init(error, arguments: arguments)
    case .device(let error): self.init(error, arguments: arguments)
    case .refused(let error):
      self.init(.usage, sentence("\(error)"))
    default:
      let kinds: [Int32: Kind] = [1: .failed, 2: .invalid, 3: .missing, 64: .usage]
      self.init(kinds[error.exitCode] ?? .failed, "")
      message = error.message
    }
  }

  /// What the parser of the arguments says, and anything else that no module owns.
  private init(parsing error: any Error, arguments: [String]) {
    let command = Program.calledCommand(arguments)
    if ApusCommand.exitCode(for: error) == .validationFailure {
      self.init(
        .usage, sentence(ApusCommand.message(for: error)), attempts: ["\(command) --help"])
    } else {
      self.init(.failed, sentence(ApusCommand.message(for: error)))
    }
  }

  private static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  private static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists && !isFolder.boolValue
  }
}

/// A text as a sentence: its first line, with a full stop.
func sentence(_ text: String) -> String {
  let line = text.split(separator: "\n").first.map(String.init) ?? "something failed"
  return line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
}
