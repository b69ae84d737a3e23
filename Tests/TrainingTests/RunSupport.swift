import Foundation
import Training

/// A folder that disappears with its last owner.
final class Scratch: Sendable {
  let url: URL

  init() {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  subscript(name: String) -> URL { url.appendingPathComponent(name) }
}

extension URL {
  /// The bytes of each file of a run that must be the same whenever the run is made again.
  var reproducibleFiles: [String: Data] {
    var files: [String: Data] = [:]
    let last = appendingPathComponent("checkpoints/last").resolvingSymlinksInPath()
    files["metrics.jsonl"] = FileManager.default.contents(
      atPath: appendingPathComponent("metrics.jsonl").path)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: last.path)) ?? [] {
      files[last.lastPathComponent + "/" + name] = FileManager.default.contents(
        atPath: last.appendingPathComponent(name).path)
    }
    return files
  }

  /// Where two runs differ: names of files.
  func differences(to other: URL) -> [String] {
    let (mine, others) = (reproducibleFiles, other.reproducibleFiles)
    return Set(mine.keys).union(others.keys).filter { mine[$0] != others[$0] }.sorted()
  }
}

/// Trains the test recipe with its samples off, so that steps follow each other quickly.
@discardableResult
func train(
  _ folder: URL, _ assignments: [String] = [], seed: UInt64 = 1,
  stop: StopRequest = StopRequest(), report: (TrainingEvent) -> Void = { _ in }
) throws(TrainingError) -> TrainingSummary {
  let request = TrainingRequest(
    folder: folder, assignments: assignments, seed: seed, command: ["apus", "train", "it's"])
  return try DenoisingRecipe.train(request, stop: stop, report: report)
}
