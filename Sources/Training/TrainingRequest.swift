public import Foundation

/// What a user asks of a new run.
public struct TrainingRequest: Sendable {
  /// The run's folder, which must not hold a run yet.
  public var folder: URL
  /// YAML files of settings; later ones count more.
  public var configurations: [URL]
  /// Settings as "key=value", which count more than files.
  public var assignments: [String]
  public var seed: UInt64?
  public var steps: Int?
  /// Time for the whole run: the number of steps is set to what fits, measured on some steps that
  /// are thrown away. The number is recorded, and a run of that many steps gives the same bits.
  public var seconds: Double?
  /// Whether a run that is in the folder is removed.
  public var overwrites: Bool
  /// The command, for `command.txt`.
  public var command: [String]

  public init(
    folder: URL, configurations: [URL] = [], assignments: [String] = [], seed: UInt64? = nil,
    steps: Int? = nil, seconds: Double? = nil, overwrites: Bool = false,
    command: [String] = CommandLine.arguments
  ) {
    self.folder = folder
    self.configurations = configurations
    self.assignments = assignments
    self.seed = seed
    self.steps = steps
    self.seconds = seconds
    self.overwrites = overwrites
    self.command = command
  }

  /// The settings of a run: the recipe's defaults, files, assignments, then seed and steps.
  func configuration<R: Recipe>(_ recipe: R.Type) throws(TrainingError) -> Configuration<R.Settings>
  {
    var configuration = Configuration<R.Settings>(R.self)
    for url in configurations {
      guard let data = FileManager.default.contents(atPath: url.path) else {
        throw .configuration(file: url.path, problem: "it cannot be read")
      }
      try configuration.apply(yaml: String(decoding: data, as: UTF8.self), file: url.path)
    }
    for assignment in assignments { try configuration.apply(assignment: assignment) }
    configuration.change(steps: steps, seed: seed)
    return configuration
  }
}

extension Recipe {
  /// Trains from the beginning.
  public static func train(
    _ request: TrainingRequest, stop: StopRequest = StopRequest(),
    report: (TrainingEvent) -> Void = { _ in }
  ) throws(TrainingError) -> TrainingSummary {
    let trainer = try Trainer<Self>(request)
    return try trainer.run(stop: stop, report: report)
  }

  /// Goes on with a run from its newest checkpoint that can be read.
  ///
  /// - Parameter steps: Another end of the run; nil: the planned one.
  public static func resume(
    _ folder: URL, steps: Int? = nil, stop: StopRequest = StopRequest(),
    report: (TrainingEvent) -> Void = { _ in }
  ) throws(TrainingError) -> TrainingSummary {
    let trainer = try Trainer<Self>(resuming: folder, steps: steps)
    return try trainer.run(stop: stop, report: report)
  }
}
