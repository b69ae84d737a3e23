public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
internal import Tokenizers
public import Training

/// An LSTM that learns to write dictionary definitions, byte by byte.
public struct LSTMText: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 1600
    public var batchSize = 16
    /// Bytes of one window.
    public var length = 128
    public var embedding = 64
    public var width = 384
    public var layers = 1
    public var learningRate = LearningRate(4e-3, .linear, warmup: 50)
    public var clip = 1.0
    /// A text file or folder of the user's; WordNet's definitions unless given.
    public var text: String?

    public var limits: [Limit] {
      [
        Limit("length", length, 1...65_536), Limit("embedding", embedding, 1...8192),
        Limit("width", width, 1...8192), Limit("layers", layers, 1...32),
        Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "lstm-text", title: "LSTM language model", family: "Recurrent networks",
    idea:
      "Reads a text byte by byte, keeps what matters in a memory, and guesses the next byte from it.",
    formula:
      "c_t = f ∘ c_{t−1} + i ∘ g, ; h_t = o ∘ tanh(c_t), ; p(x_{t+1} | x_{≤t}) = softmax(W h_t)",
    data: "wordnet-glosses",
    goal: Method.Goal("bits per byte", unit: "bits/byte", kind: .exact, group: "wordnet-glosses"))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<TextBatches> {
    try .bytes(of: settings.text, length: settings.length)
  }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: settings.clip)
  }

  private var sizes: RecurrentLanguageModelConfiguration {
    .init(embedding: settings.embedding, width: settings.width, layers: settings.layers)
  }

  public func model(_ data: DataSplit<TextBatches>, _ key: RandomKey) -> RecurrentLanguageModel {
    RecurrentLanguageModel(sizes, key: key)
  }

  public func optimizer(for model: RecurrentLanguageModel) -> Adam<RecurrentLanguageModel> {
    AdamW(for: model)
  }

  public func loss(
    _ model: inout RecurrentLanguageModel, _ ids: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": NextToken.loss(ids) { model($0, phase) }]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<TextBatches>, _ key: RandomKey
  ) -> [Metric] {
    let nats = means(state.best, over: data.heldOut, key)["loss"] ?? .nan
    return [
      Self.method.goal.measured(data.heldOut.bitsPerByte(nats: nats), note: data.measuredOn)
    ]
  }

  public func figures(_ state: State, _ data: DataSplit<TextBatches>, _ key: RandomKey) -> [Figure]
  {
    [writer.figure(state.best, key)]
  }

  private var writer: Writer {
    let bytes = ByteTokenizer()
    return Writer(
      tokens: 240, settings: GenerationSettings(temperature: 0.7), encode: bytes.encode,
      decode: bytes.decodeBytes)
  }

  public static var takesPrompts: Bool { true }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    writer.samples(state.best, request)
  }

  public func codec(_ state: State, _ data: DataSplit<TextBatches>) -> RecipeCodec? {
    RecipeCodec(
      TextCodec(
        state.best, window: settings.length, tokens: { $0.map(Int.init) },
        bytes: { $0.map { UInt8(truncatingIfNeeded: $0) } }),
      test: data.heldOut.ids.map { UInt8(truncatingIfNeeded: $0) })
  }

  public func configuration(of model: RecurrentLanguageModel) -> any Encodable { sizes }
}
