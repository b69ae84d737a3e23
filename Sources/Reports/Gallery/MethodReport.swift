/// One method of a gallery: what it is, what became of it, what it made.
public struct MethodReport: Sendable, Equatable {
  /// What became of a method.
  public enum Status: String, Sendable, Codable, CaseIterable {
    case trained
    case running
    case failed
    case interrupted
    case notRun = "not_run"

    /// The word that stands beside every sign.
    public var word: String { self == .notRun ? "not run" : rawValue }
  }

  /// The recipe's name, such as "vae-fashion": unique, and what commands call it.
  public var recipe: String
  /// The method's name, such as "Variational autoencoder".
  public var title: String
  /// The family it belongs to, such as "Flows".
  public var family: String
  /// One sentence without jargon: what the model does.
  public var idea: String
  /// The formula in the notation of `Formula`.
  public var formula: String
  public var status: Status
  /// What went wrong; for `failed`, `interrupted` and `notRun`.
  public var failure: Failure?
  /// How far it is; for `running`.
  public var progress: Progress?
  /// Training time in seconds.
  public var seconds: Double?
  /// The optimisation steps made in that time.
  public var steps: Int?
  /// The largest resident memory in bytes.
  public var peakBytes: Int?
  public var parameters: Int?
  /// The size of the model's file in bytes.
  public var fileBytes: Int?
  public var metric: Metric?
  public var curves: [LearningCurve]
  public var figures: [Figure]
  /// The command that makes it again, or that mends it.
  public var command: String
  /// Paths of the files it left, relative to the gallery's folder.
  public var artifacts: [String]

  public init(
    recipe: String, title: String, family: String, idea: String, formula: String = "",
    status: Status, failure: Failure? = nil, progress: Progress? = nil, seconds: Double? = nil,
    steps: Int? = nil, peakBytes: Int? = nil, parameters: Int? = nil, fileBytes: Int? = nil,
    metric: Metric? = nil, curves: [LearningCurve] = [], figures: [Figure] = [],
    command: String, artifacts: [String] = []
  ) {
    self.recipe = recipe
    self.title = title
    self.family = family
    self.idea = idea
    self.formula = formula
    self.status = status
    self.failure = failure
    self.progress = progress
    self.seconds = seconds
    self.steps = steps
    self.peakBytes = peakBytes
    self.parameters = parameters
    self.fileBytes = fileBytes
    self.metric = metric
    self.curves = curves
    self.figures = figures
    self.command = command
    self.artifacts = artifacts
  }

  /// Why a method did not end, in the words of the page: sentences without their last full stop.
  public struct Failure: Sendable, Equatable, Codable {
    /// For rows and terminals, such as "not a number at step 1,204".
    public var short: String
    /// The step at which it ended, where there was one.
    public var step: Int?
    /// What happened, with the step: "The loss was not a number at step 1,204".
    public var what: String
    /// Why, as far as it is known.
    public var why: String
    /// What was kept: "Nothing after step 1,000 is kept".
    public var kept: String
    /// What to try, in words: "A smaller learning rate usually helps".
    public var remedy: String
    /// The same as a flag or a command: "--set learning_rate=1e-4".
    public var attempt: String

    public init(
      short: String, step: Int? = nil, what: String, why: String = "", kept: String = "",
      remedy: String = "",
      attempt: String = ""
    ) {
      self.short = short
      self.step = step
      self.what = what
      self.why = why
      self.kept = kept
      self.remedy = remedy
      self.attempt = attempt
    }
  }

  /// How far a running method is.
  public struct Progress: Sendable, Equatable, Codable {
    public var step: Int
    public var steps: Int
    public var secondsLeft: Double?
    public var stepsPerSecond: Double?
    public var learningRate: Double?

    public init(
      step: Int, steps: Int, secondsLeft: Double? = nil, stepsPerSecond: Double? = nil,
      learningRate: Double? = nil
    ) {
      self.step = step
      self.steps = steps
      self.secondsLeft = secondsLeft
      self.stepsPerSecond = stepsPerSecond
      self.learningRate = learningRate
    }
  }
}

/// One quantity over the steps of a run; values that are not finite are left out.
public struct LearningCurve: Sendable, Equatable, Codable {
  /// Linear for losses, logarithmic for learning rates and gradient norms.
  public enum Scale: String, Sendable, Codable {
    case linear, logarithmic
  }

  /// A value at the end of a step.
  public struct Point: Sendable, Equatable {
    public var step: Int
    public var value: Double

    public init(step: Int, value: Double) {
      self.step = step
      self.value = value
    }
  }

  /// Where and how a run ended too early.
  public struct End: Sendable, Equatable, Codable {
    public var step: Int
    /// Such as "not a number".
    public var reason: String

    public init(step: Int, reason: String) {
      self.step = step
      self.reason = reason
    }
  }

  /// The quantity, such as "Negative bound".
  public var title: String
  /// Its unit in full, such as "bits per dimension".
  public var unit: String
  /// The raw values of the training batches, in the order of steps; any number of them.
  public var training: [Point]
  /// The values on held-out data, in the order of steps.
  public var heldOut: [Point]
  /// The width of the horizontal axis.
  public var plannedSteps: Int
  /// The steps at which the run was resumed.
  public var resumedAt: [Int]
  public var failure: End?
  public var scale: Scale

  public init(
    title: String, unit: String, training: [Point], heldOut: [Point] = [], plannedSteps: Int,
    resumedAt: [Int] = [], failure: End? = nil, scale: Scale = .linear
  ) {
    self.title = title
    self.unit = unit
    self.training = training
    self.heldOut = heldOut
    self.plannedSteps = plannedSteps
    self.resumedAt = resumedAt
    self.failure = failure
    self.scale = scale
  }
}
