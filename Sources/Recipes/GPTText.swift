public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
internal import Tokenizers
public import Training

/// A small GPT over byte pairs that it learns from the same text.
public struct GPTText: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 1000
    public var batchSize = 32
    /// Tokens of the byte-pair vocabulary, the 256 bytes included.
    public var vocabulary = 2048
    /// Tokens of one window: what the model can look back on.
    public var length = 64
    public var width = 192
    public var layers = 4
    public var heads = 6
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 60)
    public var weightDecay = 0.1
    public var clip = 1.0
    /// A text file or folder of the user's; WordNet's definitions unless given.
    public var text: String?

    public var limits: [Limit] {
      [
        Limit("vocabulary", vocabulary, 257...65_536), Limit("length", length, 1...16_384),
        Limit("width", width, 1...8192), Limit("layers", layers, 1...128),
        Limit("heads", heads, 1...256),
        Limit(
          "heads", heads, takes: "a divisor of width, \(width)",
          when: heads > 0 && width % heads == 0),
        Limit("weight_decay", weightDecay, 0...100), Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "gpt-text", title: "GPT language model", family: "Transformers",
    idea:
      "Looks back at everything written so far, weighs what is relevant, and guesses the next piece of a word.",
    formula: "log p(x) = ∑_t log p(x_t | x_{<t}), ; softmax(frac{Q K^T}{sqrt{d}}) V",
    data: "wordnet-glosses",
    goal: Method.Goal("bits per byte", unit: "bits/byte", kind: .exact, group: "wordnet-glosses"))
  public static let defaults = Settings()

  public let settings: Settings
  private let pairs: LearnedPairs

  public init(_ settings: Settings) throws {
    self.settings = settings
    pairs = try LearnedPairs(text: settings.text, vocabulary: settings.vocabulary)
  }

  public func data() throws -> DataSplit<TextBatches> {
    try pairs.windows(length: settings.length)
  }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: settings.clip)
  }

  private var sizes: GPTConfiguration {
    GPTConfiguration(
      vocabulary: pairs.tokenizer.vocabularySize, context: 4 * settings.length,
      width: settings.width,
      layers: settings.layers, heads: settings.heads)
  }

  public func model(_ data: DataSplit<TextBatches>, _ key: RandomKey) -> GPT {
    GPT(sizes, key: key)
  }

  public func optimizer(for model: GPT) -> Adam<GPT> {
    AdamW(for: model, betas: (0.9, 0.95), weightDecay: settings.weightDecay, decays: .matrices)
  }

  public func loss(
    _ model: inout GPT, _ ids: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": NextToken.loss(ids) { model($0, phase) }]
  }

  public func evaluate(_ state: State, _ data: DataSplit<TextBatches>, _ key: RandomKey) -> [Metric]
  {
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
    Writer(
      tokens: 60, context: sizes.context, settings: GenerationSettings(temperature: 0.8, topK: 100),
      encode: pairs.tokenizer.encode, decode: { pairs.tokenizer.decodeBytes($0) })
  }

  public static var takesPrompts: Bool { true }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    writer.samples(state.best, request)
  }

  public func codec(_ state: State, _ data: DataSplit<TextBatches>) -> RecipeCodec? {
    let tokenizer = pairs.tokenizer
    return RecipeCodec(
      TextCodec(
        state.best, window: settings.length, tokens: { tokenizer.encode(bytes: $0) },
        bytes: { tokenizer.decodeBytes($0) }),
      test: tokenizer.decodeBytes(data.heldOut.ids.map(Int.init)))
  }

  public func configuration(of model: GPT) -> any Encodable { sizes }
  public var tokenizer: String? { String(decoding: pairs.tokenizer.tokenizerJSON(), as: UTF8.self) }
}
