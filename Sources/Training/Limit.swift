import Foundation

/// A condition on a setting that its type does not express.
public struct Limit: Sendable {
  /// The setting's name in snake_case.
  let key: String
  /// The value as messages show it.
  let value: String
  /// What the setting takes, such as "1 to 4096".
  let range: String
  let isMet: Bool

  /// A condition in words, such as "a divisor of width (192)".
  public init(_ key: String, _ value: some Any, takes range: String, when isMet: Bool) {
    self.key = key
    self.value = "\(value)"
    self.range = range
    self.isMet = isMet
  }

  /// A number in a range; nil is allowed.
  public init<Number: Comparable & Sendable>(
    _ key: String, _ value: Number?, _ range: ClosedRange<Number>
  ) {
    self.init(
      key, value.map { "\($0)" } ?? "null",
      takes: "\(range.lowerBound) to \(range.upperBound)", when: value.map(range.contains) ?? true)
  }

  /// A list of so many numbers, each in a range.
  public init(
    _ key: String, _ values: [Int], each range: ClosedRange<Int>, count: ClosedRange<Int> = 1...8
  ) {
    self.init(
      key, values,
      takes: "a list of \(count.lowerBound) to \(count.upperBound) numbers from "
        + "\(range.lowerBound) to \(range.upperBound)",
      when: count.contains(values.count) && values.allSatisfy(range.contains))
  }
}

extension RecipeSettings {
  public var limits: [Limit] { [] }
}

extension LoopSettings {
  var limits: [Limit] {
    let interval = 1...1_000_000_000_000
    return [
      Limit("evaluate_every", evaluateEvery, interval),
      Limit("sample_every", sampleEvery, interval),
      Limit("checkpoint_every", checkpointEvery, interval),
      Limit("checkpoint_seconds", checkpointSeconds, 0...1e9),
      Limit("keep", keep, 1...1_000_000), Limit("log_every", logEvery, interval),
      Limit("patience", patience, interval), Limit("stop_after", stopAfter, interval),
    ]
  }
}

extension Configuration {
  /// The recipe's defaults.
  init<R: Recipe>(_ recipe: R.Type) where R.Settings == Settings {
    self.init(recipe: R.method.name, settings: R.defaults, loop: R.loop, seed: 0)
  }

  /// The settings of a file over the recipe's defaults.
  init<R: Recipe>(_ recipe: R.Type, file: URL) throws(TrainingError) where R.Settings == Settings {
    self.init(recipe)
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw .configuration(file: file.path, problem: "it cannot be read")
    }
    try apply(yaml: String(decoding: data, as: UTF8.self), file: file.path)
  }

  /// The recipe of these settings, if they are what it takes.
  func recipe<R: Recipe>(_ type: R.Type) throws(TrainingError) -> R where R.Settings == Settings {
    try check()
    do { return try R(settings) } catch { throw .refused(error) }
  }

  /// The recipe's data, if a batch fits into them.
  func data<R: Recipe>(
    of recipe: R
  ) throws(TrainingError) -> DataSplit<R.Data> where R.Settings == Settings {
    let data: DataSplit<R.Data>
    do { data = try recipe.data() } catch { throw .data(error) }
    let limit = Limit(
      "batch_size", settings.batchSize,
      takes: "1 to \(data.training.count), the number of training items",
      when: settings.batchSize <= data.training.count)
    try check([limit])
    return data
  }

  private func check() throws(TrainingError) {
    let common = [
      Limit("steps", settings.steps, 0...1_000_000_000_000),
      Limit("batch_size", settings.batchSize, 1...1_000_000),
    ]
    try check(common + settings.limits + loop.limits)
  }

  private func check(_ limits: [Limit]) throws(TrainingError) {
    for limit in limits where !limit.isMet {
      throw .wrongSetting(
        limit.key, problem: "takes \(limit.range), not \(limit.value)", place: recipe)
    }
  }
}
