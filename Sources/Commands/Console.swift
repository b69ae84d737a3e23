import Documents
import Foundation
import Reports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where a command speaks: results on standard output, everything else on standard error.
final class Console {
  /// Whether results and errors are JSON.
  let json: Bool
  /// Whether only results and errors are wanted.
  let quiet: Bool
  let verbose: Bool
  let forbidsColor: Bool
  /// What standard output can show.
  let output: Terminal
  /// What standard error can show.
  let terminal: Terminal
  private var isClosed = false

  init(json: Bool = false, quiet: Bool = false, verbose: Bool = false, forbidsColor: Bool = false) {
    (self.json, self.quiet, self.verbose) = (json, quiet, verbose)
    self.forbidsColor = forbidsColor
    let environment = ProcessInfo.processInfo.environment
    func terminal(_ stream: Int32) -> Terminal {
      Terminal(
        environment: environment, isTerminal: isatty(stream) == 1, forbidsColor: forbidsColor)
    }
    output = terminal(STDOUT_FILENO)
    self.terminal = terminal(STDERR_FILENO)
  }

  convenience init(_ options: OutputOptions) {
    self.init(
      json: options.json, quiet: options.quiet, verbose: options.verbose,
      forbidsColor: options.noColor)
  }

  // MARK: - Results

  /// Writes a text and a line break to standard output. A reader that has gone away is no error:
  /// the rest goes nowhere.
  func result(_ text: String) throws(Failure) {
    try piece(text.hasSuffix("\n") ? text : text + "\n")
  }

  /// Writes a part of a text to standard output.
  func piece(_ text: String) throws(Failure) {
    guard !isClosed else { return }
    let problem = writeAll(text, STDOUT_FILENO)
    if problem == EPIPE {
      isClosed = true
    } else if problem != 0 {
      throw Failure(
        .unwritable, "standard output cannot be written: \(reason(ofError: problem)).")
    }
  }

  /// Writes a value as one line of JSON.
  func result(_ value: JSONValue) throws(Failure) {
    try result(String(decoding: value.encoded(), as: UTF8.self))
  }

  /// Sees that nothing written is lost.
  func finish() throws(Failure) {
    // A network's or a full disk's refusal may come only now.
    guard !isClosed, close(STDOUT_FILENO) != 0, errno != EBADF else { return }
    throw Failure(.unwritable, "standard output cannot be written: \(reason(ofError: errno)).")
  }

  // MARK: - Messages

  /// Says something on standard error, unless it should be quiet.
  func note(_ text: String) {
    if !quiet { say(text) }
  }

  /// Says something on standard error that only `--verbose` wants to know.
  func detail(_ text: String) {
    if verbose { say(text) }
  }

  /// Lines that move, on standard error.
  func liveLines() -> LiveLines { .standardError(forbidsColor: forbidsColor) }

  /// Reports a failure: for programs on standard output, for people on standard error.
  func report(_ failure: Failure) {
    var message = failure.message
    if verbose, !failure.details.isEmpty { message.facts.append(("details", failure.details)) }
    guard json else {
      say(message.text(on: terminal))
      return
    }
    let hint =
      message.attempts.isEmpty
      ? message.facts.map { ($0.label.isEmpty ? "" : $0.label + ": ") + $0.text }.joined(
        separator: "; ")
      : message.attempts.joined(separator: " or: ")
    let error = JSONValue.object([
      .init(
        "error",
        .object([
          .init("kind", .string(failure.kind.rawValue)),
          .init("message", .string(message.summary)),
          .init("hint", .string(hint)),
        ]))
    ])
    try? result(error)
  }

  private func say(_ text: String) { _ = writeAll(text + "\n", STDERR_FILENO) }
}
