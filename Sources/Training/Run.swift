public import Checkpoints
public import Foundation
public import Reports
import Yams

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A run's folder, as others read it: while it goes on, and after.
public struct Run: Sendable {
  /// What became of a run.
  public enum Status: String, Sendable, CaseIterable {
    case running
    case finished
    /// It was stopped or killed; it can be resumed.
    case interrupted
    case failed
  }

  public let url: URL
  /// The recipe's name.
  public let recipe: String
  public let seed: UInt64
  /// Updates planned.
  public let steps: Int
  /// The step that a timed run ended after because its time was over; nil: it made all steps.
  public let stopAfter: Int?

  /// Reads the configuration of a run.
  public init(_ url: URL) throws(TrainingError) {
    self.url = url
    (recipe, seed, steps, stopAfter) = try Self.head(of: url.appendingPathComponent("config.yaml"))
  }

  /// What a run's configuration says of it besides the settings.
  static func head(
    of file: URL
  ) throws(TrainingError) -> (recipe: String, seed: UInt64, steps: Int, stopAfter: Int?) {
    let (folder, name) = (file.deletingLastPathComponent().path, file.lastPathComponent)
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw .notARun(folder: folder, problem: "it has no \(name) that can be read")
    }
    let text = String(decoding: data, as: UTF8.self)
    guard let node = try? Yams.compose(yaml: text), let recipe = node["recipe"]?.string,
      let steps = node["steps"]?.int
    else {
      throw .notARun(folder: folder, problem: "its \(name) names no recipe and steps")
    }
    let seed = node["seed"]?.scalar.flatMap { UInt64($0.string) } ?? 0
    return (recipe, seed, steps, node["stop_after"]?.int)
  }

  /// All runs in a folder, in the order of their names; folders that are none are passed over.
  public static func all(in folder: URL) -> [Run] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { try? Run(folder.appendingPathComponent($0)) }
  }

  /// A folder for a new run: "runs/vae-fashion-20261124-075031".
  public static func folder(for recipe: String, in folder: URL, at date: Date = Date()) -> URL {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let now = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second], from: date)
    func two(_ number: Int?) -> String {
      let number = number ?? 0
      return number < 10 ? "0\(number)" : "\(number)"
    }
    let day = "\(now.year ?? 0)\(two(now.month))\(two(now.day))"
    let time = "\(two(now.hour))\(two(now.minute))\(two(now.second))"
    return folder.appendingPathComponent("\(recipe)-\(day)-\(time)")
  }

  public var checkpoints: CheckpointStore {
    CheckpointStore(url.appendingPathComponent("checkpoints"))
  }

  /// The lines of `metrics.jsonl`.
  public func entries() throws(TrainingError) -> [MetricsLog.Entry] {
    let path = url.appendingPathComponent(Files.metrics).path
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do {
      return try MetricsLog.entries(path: path)
    } catch {
      throw .report(error)
    }
  }

  /// Whether a program is training in it, or how it ended.
  public var status: Status {
    if RunLock.isHeld(in: url) { return .running }
    switch try? entries().last?.event {
    case "done": return .finished
    case "failed": return .failed
    default: return .interrupted
    }
  }

  /// The last step that has a line of metrics.
  public var step: Int { (try? entries().last?.step) ?? 0 }

  /// What ended a failed run, in a few words.
  public var failure: String? {
    guard let last = try? entries().last, last.event == "failed" else { return nil }
    return last.texts["reason"]
  }

  /// The newest measurements with units and kinds.
  public var metrics: [Metric] {
    for step in checkpoints.steps.reversed() {
      if let state = try? TrainerState(folder: checkpoints.folder(step)) { return state.metrics }
    }
    return []
  }

  /// The samples of the last step that has some.
  public var figures: [Figure] { Samples(url).newest }

  /// The names of a run's files.
  enum Files {
    static let configuration = "config.yaml"
    static let command = "command.txt"
    static let environment = "environment.json"
    static let metrics = "metrics.jsonl"
    static let timing = "timing.jsonl"
    static let log = "log.txt"
    static let events = "events.out.tfevents.0.apus"
    static let lock = ".lock"
  }
}

/// The right to write in a run's folder; the system takes it back when the program ends, however.
final class RunLock {
  private let descriptor: Int32

  init(_ url: URL) throws(TrainingError) {
    let path = url.appendingPathComponent(Run.Files.lock).path
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .checkpoint(.writing(path))
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(folder: url.path) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether some program has it.
  static func isHeld(in url: URL) -> Bool {
    let path = url.appendingPathComponent(Run.Files.lock).path
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }
}
