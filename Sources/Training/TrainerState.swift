import Foundation
import Reports

/// `trainer_state.json`: what a checkpoint says besides its tensors. The same run gives the same
/// bytes, so there is no clock in it.
struct TrainerState: Codable, Equatable {
  /// Grows when a key changes its meaning; a newer one is refused.
  static let currentVersion = 1

  var version = TrainerState.currentVersion
  var recipe: String
  /// Updates made.
  var step: Int
  /// Updates planned.
  var steps: Int
  var epoch: Double
  var seed: UInt64
  var learningRate: Double?
  var best: Best?
  /// Measurements since the best one.
  var stalledEvaluations = 0
  /// The newest measurements.
  var metrics: [Metric] = []
  /// Whether the run came to its end here, planned or by patience.
  var isFinished = false

  struct Best: Codable, Equatable {
    var step: Int
    var value: Double
  }

  var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Measurements may be infinite.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(self) else { return [] }
    return [UInt8](data) + [UInt8(ascii: "\n")]
  }

  init(
    recipe: String, step: Int, steps: Int, epoch: Double, seed: UInt64, learningRate: Double? = nil
  ) {
    self.recipe = recipe
    self.step = step
    self.steps = steps
    self.epoch = epoch
    self.seed = seed
    self.learningRate = learningRate
  }

  /// - Throws: a sentence that says what is wrong.
  init(folder: URL) throws(Problem) {
    let file = folder.appendingPathComponent("trainer_state.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw Problem(description: "\(file.path) cannot be read")
    }
    do {
      self = try decoder.decode(TrainerState.self, from: data)
    } catch {
      throw Problem(description: "\(file.path) is damaged")
    }
    guard version <= Self.currentVersion else {
      throw Problem(description: "\(file.path) was written by a newer version; install that")
    }
  }

  struct Problem: Error, CustomStringConvertible { let description: String }
}
