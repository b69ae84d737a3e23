public import Layers
public import Models
public import Optimizers
public import Tensors
public import Training

/// An LSTM that reads an English verse from its end and writes it in Spanish from what it remembers.
public struct LSTMTranslate: TranslationRecipe {
  public struct Settings: TranslationSettings {
    public var steps = 4000
    public var batchSize = 32
    public var vocabulary = 4096
    public var length = 64
    public var embedding = 192
    public var width = 384
    public var layers = 1
    public var dropout = 0.1
    public var smoothing = 0.1
    public var learningRate = LearningRate(2e-3, .linear, warmup: 100)
    public var clip = 1.0
    public var beams = 4

    public var limits: [Limit] {
      translationLimits + [
        Limit("embedding", embedding, 1...8192), Limit("width", width, 1...8192),
        Limit("layers", layers, 1...32), Limit("dropout", dropout, 0...0.95),
        Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "lstm-translate", title: "LSTM encoder-decoder", family: "Recurrent networks",
    idea: "Reads a sentence into one memory, and writes it in another language from that alone.",
    formula: "p(y | x) = ∏_t p(y_t | y_{<t}, c), ; c = LSTM(x_n, …, x_1)", data: "verses",
    goal: .translation)
  public static let defaults = Settings()

  public let settings: Settings
  public let texts: TranslationTexts

  public init(_ settings: Settings) throws {
    self.settings = settings
    texts = try .sharing(vocabulary: settings.vocabulary)
  }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: settings.clip)
  }

  private var sizes: RecurrentSeq2SeqConfiguration {
    var sizes = RecurrentSeq2SeqConfiguration(
      vocabulary: settings.vocabulary, embedding: settings.embedding, width: settings.width,
      layers: settings.layers)
    sizes.readsBackwards = true
    sizes.dropout = settings.dropout
    return sizes
  }

  public func model(
    _ data: DataSplit<VersePairs>, _ key: RandomKey
  ) -> RecurrentSeq2Seq<LSTMCell> {
    RecurrentSeq2Seq(sizes, key: key) { inputs, width, key in
      LSTMCell(inputs: inputs, width: width, forgetBias: 1, key: key)
    }
  }

  public func optimizer(
    for model: RecurrentSeq2Seq<LSTMCell>
  ) -> Adam<RecurrentSeq2Seq<LSTMCell>> { AdamW(for: model) }

  public func configuration(of model: RecurrentSeq2Seq<LSTMCell>) -> any Encodable { sizes }
}
