import Foundation
import Recipes
import Testing
import Training

/// What `--set` may be given, at every number of every recipe.
@Suite struct BadSettingsTests {
  private static let values = ["0", "-1", "7", "1000000007", "9223372036854775807", "nan", "1e300"]

  private static let shared: Set<String> = [
    "learning_rate.rate", "learning_rate.warmup", "evaluate_every", "sample_every",
    "checkpoint_every", "checkpoint_seconds", "keep", "log_every", "patience", "stop_after",
  ]

  /// What is fine-tuned is the user's, so that it has no defaults to begin with.
  @Test(arguments: Recipes.all.map { $0.method.name }.filter { $0 != "finetune" })
  func `no value of any setting ends the program`(name: String) throws {
    let recipe = try #require(Recipes.all.first { $0.method.name == name })
    let all = try recipe.numbers()
    #expect(all.contains { $0.key == "batch_size" })
    #expect(all.contains { $0.key.hasPrefix("learning_rate") })
    // What all recipes share is tried at the one that begins the soonest.
    let numbers = all.filter { name == "realnvp-2d" || !Self.shared.contains($0.key) }
    var refused = 0
    for number in numbers {
      for value in Self.values {
        let assignment = number.key + "=" + (number.isList ? "[\(value)]" : value)
        guard let error = recipe.problem(with: assignment) else { continue }
        refused += 1
        #expect(error.exitCode == 64, "\(assignment): \(error)")
        // A wrong rate is told of in the words of learning rates.
        let names = number.key.split(separator: ".").map(String.init)
        #expect(names.contains { "\(error)".contains($0) }, "\(assignment): \(error)")
      }
    }
    #expect(refused >= numbers.count)
  }
}

extension BadSettingsTests {
  @Test func `a choice is refused with the names of all`() throws {
    let error = try #require(Flow2D.problem(with: "kind=glow"))
    #expect(error.exitCode == 64)
    #expect("\(error)".contains("kind takes nice, realnvp, maf, iaf, spline,"))
    #expect("\(error)".contains("or continuous, not \"glow\""))
  }
}

extension Recipe {
  /// The keys of all numbers, single or in lists, as `--set` takes them.
  fileprivate static func numbers() throws -> [(key: String, isList: Bool)] {
    let scratch = RunScratch()
    _ = try train(TrainingRequest(folder: scratch.url, steps: 0))
    let text = try String(contentsOf: scratch.url.appending(path: "config.yaml"), encoding: .utf8)
    var parent = ""
    return text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, !["recipe", "seed", "text"].contains(parts[0]) else { return nil }
      if !line.hasPrefix(" ") { parent = parts[1].isEmpty ? parts[0] + "." : "" }
      let isList = parts[1].hasPrefix("[")
      let isNumber = Double(parts[1]) != nil || isList || parts[1] == "null"
      return isNumber ? (parent + parts[0], isList) : nil
    }
  }

  /// Why a run with this value cannot begin; nil if it can.
  fileprivate static func problem(with assignment: String) -> TrainingError? {
    let scratch = RunScratch()
    // It is stopped before its first step.
    let stop = StopRequest()
    stop.request()
    do {
      _ = try train(TrainingRequest(folder: scratch.url, assignments: [assignment]), stop: stop)
      return nil
    } catch { return error }
  }
}

/// A folder for a run that disappears with its owner.
private final class RunScratch {
  let url = FileManager.default.temporaryDirectory.appending(path: "apus-bad-\(UUID().uuidString)")
  deinit { try? FileManager.default.removeItem(at: url) }
}
