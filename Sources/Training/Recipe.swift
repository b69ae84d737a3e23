public import Layers
public import Reports
public import Samplers
public import Tensors

/// A training run as a method: data, a state, a step, a measure. The loop owns everything else.
///
/// The batch and the random key of step n depend on the seed and n alone, and all that a step
/// changes is in the state: so a checkpoint is the state and one number, and a run that is resumed
/// ends with the same bits as one that was never interrupted. Most methods have one model and one
/// loss: see `LossRecipe`.
public protocol Recipe: Sendable {
  /// What `--set` may change; its keys are the property names in snake_case.
  associatedtype Settings: RecipeSettings
  associatedtype Data: Dataset
  /// Models, optimizers, averages: all that a step changes. Its structure stays the same.
  associatedtype State: Module

  /// What the recipe is called and what it is.
  static var method: Method { get }
  static var defaults: Settings { get }
  /// How often the loop measures, draws and saves, unless the user says otherwise.
  static var loop: LoopSettings { get }

  init(_ settings: Settings) throws
  /// The number that the method is judged by, where it depends on the settings.
  var goal: Method.Goal { get }
  /// What to say before the first step, such as that a head is new.
  var remarks: [String] { get }
  /// The data, without side effects on the run: called at the start and at every resumption.
  func data() throws -> DataSplit<Data>
  /// The state before the first step.
  func start(_ data: DataSplit<Data>, _ key: RandomKey) -> State
  /// One step, which the loop compiles. The result holds one number by name; "loss" must be there.
  /// "loss" and "grad_norm" end the run when they are not finite.
  func step(_ state: inout State, _ batch: Data.Batch, _ key: RandomKey) -> [String: Tensor]
  /// Changes before each step what a schedule changes: learning rates, temperatures. Not compiled:
  /// give the state tensors with values, `Tensor([rate], shape: [])`.
  func prepare(_ state: inout State, step: Int)
  /// The learning rate of a step, for logs; nil where there is none.
  func learningRate(at step: Int) -> Double?
  /// Measures on held-out data; the first is the one that the method is judged by.
  func evaluate(_ state: State, _ data: DataSplit<Data>, _ key: RandomKey) -> [Metric]
  /// What a finished model is shown by: pictures, texts, sound.
  func figures(_ state: State, _ data: DataSplit<Data>, _ key: RandomKey) -> [Figure]
  /// As many samples as are asked for; nil where the method makes none.
  func samples(_ state: State, _ request: SampleRequest) -> SampleBatch?
  /// Whether samples go on with a text that a user gives.
  static var takesPrompts: Bool { get }
  /// The model as a lossless codec; nil where it gives no exact probabilities of whole symbols.
  func codec(_ state: State, _ data: DataSplit<Data>) -> RecipeCodec?
  /// What a checkpoint offers to others. It only selects parts of the state.
  func export(_ state: State) -> Export
}

extension Recipe {
  public static var loop: LoopSettings { LoopSettings() }
  public var goal: Method.Goal { Self.method.goal }
  public var remarks: [String] { [] }
  public func prepare(_ state: inout State, step: Int) {}
  public func learningRate(at step: Int) -> Double? { nil }
  public func figures(_ state: State, _ data: DataSplit<Data>, _ key: RandomKey) -> [Figure] { [] }
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? { nil }
  public static var takesPrompts: Bool { false }
  public func codec(_ state: State, _ data: DataSplit<Data>) -> RecipeCodec? { nil }
}

/// A trained model as a codec, and data to show it on.
public struct RecipeCodec: Sendable {
  public var codec: any LosslessCodec
  /// The shape of an item, such as [28, 28]; empty for texts.
  public var shape: [Int]
  /// The data that the model is measured on, as the codec takes them.
  public var test: [UInt8]
  /// The CRC-32 of the model's tensors, by which a file knows its codec.
  public internal(set) var weights: UInt32 = 0

  public init(_ codec: any LosslessCodec, shape: [Int] = [], test: [UInt8]) {
    self.codec = codec
    self.shape = shape
    self.test = test
  }
}

/// The settings that every recipe has.
public protocol RecipeSettings: Codable, Sendable {
  /// Updates of the whole run.
  var steps: Int { get set }
  /// Items of one batch.
  var batchSize: Int { get set }
  /// What values must be besides their types; a run whose settings are not so is refused with the key, the value and
  /// what is allowed. None by default.
  var limits: [Limit] { get }
}

/// What a recipe is called and what it is.
public struct Method: Sendable, Hashable {
  /// What commands call it, such as "vae-fashion".
  public var name: String
  /// Such as "Variational autoencoder".
  public var title: String
  /// Such as "Autoencoders".
  public var family: String
  /// One sentence without jargon: what the model does.
  public var idea: String
  /// In the notation of the gallery's formulas.
  public var formula: String
  /// The data's name, such as "fashion-mnist".
  public var data: String
  public var goal: Goal

  public init(
    name: String, title: String, family: String, idea: String, formula: String, data: String,
    goal: Goal
  ) {
    self.name = name
    self.title = title
    self.family = family
    self.idea = idea
    self.formula = formula
    self.data = data
    self.goal = goal
  }

  /// The number that the method is judged by.
  public struct Goal: Sendable, Hashable {
    /// Such as "bits per dimension".
    public var name: String
    /// Such as "bits/dim".
    public var unit: String
    public var kind: Metric.Kind
    public var isBetterWhenLarger: Bool
    /// The group of comparable methods, as in `DataGroup.id`.
    public var group: String?

    public init(
      _ name: String, unit: String, kind: Metric.Kind, isBetterWhenLarger: Bool = false,
      group: String? = nil
    ) {
      self.name = name
      self.unit = unit
      self.kind = kind
      self.isBetterWhenLarger = isBetterWhenLarger
      self.group = group
    }

    /// A measured value of it.
    public func measured(_ value: Double, error: Double? = nil, note: String = "") -> Metric {
      Metric(
        name: name, value: value, unit: unit, kind: kind, error: error, group: group, note: note)
    }
  }
}

/// What a checkpoint offers to others: `config.json`, `model.safetensors`, `ema.safetensors`,
/// `adapter_model.safetensors`, `tokenizer.json`, and further files.
public struct Export {
  /// There is no file of a model without tensors.
  public var model: any Module
  /// The moving average, of the model's structure.
  public var average: (any Module)?
  /// What is added to another model's weights, under PEFT's names.
  public var adapters: (any Module)?
  /// The value behind `config.json`, with the keys of the published ones where there are any.
  public var configuration: any Encodable
  /// The text of `tokenizer.json`.
  public var tokenizer: String?
  /// The bytes of further files by their names, and of those that replace what would be written.
  public var files: [String: [UInt8]]

  public init(
    model: any Module, average: (any Module)? = nil, adapters: (any Module)? = nil,
    configuration: any Encodable, tokenizer: String? = nil, files: [String: [UInt8]] = [:]
  ) {
    self.model = model
    self.average = average
    self.adapters = adapters
    self.configuration = configuration
    self.tokenizer = tokenizer
    self.files = files
  }
}
