import Documents
public import Reports

/// What a run tells while it goes on.
public enum TrainingEvent: Sendable {
  /// Before the first step.
  case start(Start)
  /// After every step.
  case step(Step)
  case evaluation(step: Int, metrics: [Metric])
  case figures(step: Int, [Figure])
  case checkpoint(step: Int, path: String)
  /// Something that a user should know: a damaged checkpoint that was passed over.
  case message(String)
  /// The end of the run.
  case end(TrainingSummary)

  /// How a run begins.
  public struct Start: Sendable {
    public var recipe: String
    public var run: String
    /// Steps already made; more than 0 when a run is resumed.
    public var step: Int
    public var steps: Int
    public var parameters: Int
  }

  /// A step that was made.
  public struct Step: Sendable {
    /// Counted from 1.
    public var step: Int
    public var steps: Int
    public var epoch: Double
    /// What the step gave: "loss" and whatever else.
    public var values: [String: Double]
    public var learningRate: Double?
    public var stepsPerSecond: Double?
    public var itemsPerSecond: Double?
    /// Resident memory in bytes; measured a few times a second.
    public var memory: Int
    public var secondsLeft: Double?

    public var loss: Double { values["loss"] ?? .nan }
  }

  /// The event as a line of JSON with the keys that programs rely on; nil for those that have none.
  public var json: String? {
    var members: [JSONValue.Member]
    switch self {
    case .step(let step):
      members = Self.head("step", step.step)
      members.append(.init("epoch", .number(step.epoch)))
      for (name, value) in step.values.sorted(by: { $0.key < $1.key }) {
        members.append(.init(name, .number(value)))
      }
      members.append(.init("learning_rate", Self.number(step.learningRate)))
      members.append(.init("items_per_s", Self.number(step.itemsPerSecond)))
      members.append(.init("rss_mb", .number((Double(step.memory) / 1e5).rounded() / 10)))
      members.append(.init("seconds_left", Self.number(step.secondsLeft)))
    case .evaluation(let step, let metrics):
      members = Self.head("eval", step) + [.init("metrics", Self.values(metrics))]
    case .checkpoint(let step, let path):
      members = Self.head("checkpoint", step) + [.init("path", .string(path))]
    case .end(let summary):
      members = Self.head(summary.isFinished ? "done" : "interrupted", summary.step)
      members.append(.init("run", .string(summary.run)))
      members.append(.init("metrics", Self.values(summary.metrics)))
    case .start, .figures, .message: return nil
    }
    return String(decoding: JSONValue.object(members).encoded(), as: UTF8.self)
  }

  private static func head(_ event: String, _ step: Int) -> [JSONValue.Member] {
    [.init("event", .string(event)), .init("step", .integer(step))]
  }

  private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  private static func values(_ metrics: [Metric]) -> JSONValue {
    .object(metrics.map { JSONValue.Member($0.key, .number($0.value)) })
  }
}

/// How a run ended.
public struct TrainingSummary: Sendable {
  /// The run's folder.
  public var run: String
  /// Updates made.
  public var step: Int
  /// False when it was asked to stop; it can be resumed.
  public var isFinished: Bool
  /// The newest measurements.
  public var metrics: [Metric]
  /// Seconds since the program began this run or went on with it.
  public var seconds: Double
  /// The largest resident memory in bytes.
  public var peakMemory: Int
}

extension Metric {
  /// The name as programs see it: "bits_per_dimension".
  public var key: String {
    String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }
}
