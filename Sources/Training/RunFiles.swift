import Checkpoints
import Foundation

/// The files of a run's folder, for the program that trains in it.
final class RunFiles {
  let url: URL
  private let lock: RunLock

  var checkpoints: CheckpointStore {
    CheckpointStore(url.appendingPathComponent("checkpoints"))
  }

  /// A new run's folder with its configuration, its command and its environment.
  init(creating url: URL, configuration: String, command: [String]) throws(TrainingError) {
    self.url = url
    try Self.makeFolder(url)
    lock = try RunLock(url)
    try Self.requireUnused(url)
    try Self.makeFolder(url.appendingPathComponent("samples"))
    try prepareCheckpoints()
    try write(Array((Self.shellLine(command) + "\n").utf8), Run.Files.command)
    try write(Environment.json(of: url), Run.Files.environment)
    try write(Array(configuration.utf8), Run.Files.configuration)
  }

  /// An old run's folder; `configuration` replaces the old one.
  init(opening url: URL, configuration: String?) throws(TrainingError) {
    self.url = url
    lock = try RunLock(url)
    try Self.makeFolder(url.appendingPathComponent("samples"))
    try prepareCheckpoints()
    if let configuration { try write(Array(configuration.utf8), Run.Files.configuration) }
  }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Throws when a run lies in the folder already.
  static func requireUnused(_ url: URL) throws(TrainingError) {
    let file = url.appendingPathComponent(Run.Files.configuration).path
    if FileManager.default.fileExists(atPath: file) { throw .exists(folder: url.path) }
  }

  /// Removes what runs write, and nothing else that may lie in the folder.
  static func remove(_ url: URL) {
    guard !RunLock.isHeld(in: url) else { return }
    typealias Files = Run.Files
    // The configuration goes first: a folder without it is no run.
    let names = [
      Files.configuration, Files.command, Files.environment, Files.metrics, Files.timing, Files.log,
      Files.events, "samples", "checkpoints",
    ]
    for name in names {
      try? FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
  }

  /// Writes a file as a whole.
  func write(_ bytes: [UInt8], _ name: String) throws(TrainingError) {
    try attempt { () throws(CheckpointError) in
      try CheckpointStore.write(bytes, to: url.appendingPathComponent(name))
    }
  }

  func attempt<Value>(
    _ body: () throws(CheckpointError) -> Value
  ) throws(TrainingError) -> Value {
    do { return try body() } catch { throw .checkpoint(error) }
  }

  private func prepareCheckpoints() throws(TrainingError) {
    let store = checkpoints
    try attempt { () throws(CheckpointError) in try store.prepare() }
  }

  private static func makeFolder(_ url: URL) throws(TrainingError) {
    do { try CheckpointStore.makeFolder(url) } catch { throw .checkpoint(error) }
  }

  /// The arguments as a shell takes them.
  static func shellLine(_ arguments: [String]) -> String {
    arguments.map { argument in
      let isPlain = argument.range(of: "^[A-Za-z0-9_./=:,@%+-]+$", options: .regularExpression)
      if isPlain != nil { return argument }
      return "'" + argument.replacing("'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
