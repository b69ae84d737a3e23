/// How often the loop measures, draws, saves and writes. Every number is a setting of the run, in
/// snake_case, beside those of the recipe.
public struct LoopSettings: Codable, Sendable, Hashable {
  /// Steps between two measurements; nil: a tenth of the run. The last step is always measured.
  public var evaluateEvery: Int?
  /// Steps between two sets of samples; nil: a fifth of the run. The last step always draws.
  public var sampleEvery: Int?
  /// Steps between two checkpoints; nil: a tenth of the run. The last step is always saved.
  public var checkpointEvery: Int?
  /// Seconds after which a checkpoint is due in any case.
  public var checkpointSeconds: Double
  /// How many of the newest checkpoints stay, besides the best.
  public var keep: Int
  /// Steps between two lines of metrics; nil: a two-thousandth of the run.
  public var logEvery: Int?
  /// Measurements without a better one after which the run ends; nil: it goes on.
  public var patience: Int?
  /// The step after which the run ends although more are planned: a timed run whose time was over sets it, so that
  /// the same settings give the same bits; nil: all steps are made.
  public var stopAfter: Int?

  public init(
    evaluateEvery: Int? = nil, sampleEvery: Int? = nil, checkpointEvery: Int? = nil,
    checkpointSeconds: Double = 300, keep: Int = 2, logEvery: Int? = nil, patience: Int? = nil,
    stopAfter: Int? = nil
  ) {
    self.evaluateEvery = evaluateEvery
    self.sampleEvery = sampleEvery
    self.checkpointEvery = checkpointEvery
    self.checkpointSeconds = checkpointSeconds
    self.keep = keep
    self.logEvery = logEvery
    self.patience = patience
    self.stopAfter = stopAfter
  }

  /// The same with every interval of a run of so many steps.
  public func resolved(steps: Int) -> LoopSettings {
    func part(_ count: Int) -> Int { max(1, (steps + count - 1) / count) }
    var resolved = self
    resolved.evaluateEvery = evaluateEvery ?? part(10)
    resolved.sampleEvery = sampleEvery ?? part(5)
    resolved.checkpointEvery = checkpointEvery ?? part(10)
    resolved.logEvery = logEvery ?? part(2000)
    return resolved
  }
}

extension Int {
  /// Whether this step is one of every `interval`.
  func isDue(_ interval: Int?) -> Bool {
    guard let interval, interval > 0 else { return false }
    return self % interval == 0
  }
}
