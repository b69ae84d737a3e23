internal import Layers
public import Models
public import Optimizers
public import Tensors
public import Training

/// A Transformer that translates English verses into Spanish.
public struct TransformerTranslate: TranslationRecipe {
  public struct Settings: TranslationSettings {
    public var steps = 4500
    public var batchSize = 32
    public var vocabulary = 4096
    public var length = 64
    public var width = 192
    /// Of the encoder and of the decoder each.
    public var layers = 3
    public var heads = 6
    /// Inner width of the feed-forward parts.
    public var inner = 768
    public var positions = Positions.sinusoidal
    /// Norms come before the branches; else behind the sums, as in the paper.
    public var normFirst = true
    public var dropout = 0.1
    public var smoothing = 0.1
    public var learningRate = LearningRate(1.5e-3, .cosine, warmup: 300)
    public var clip = 1.0
    public var beams = 4

    public enum Positions: String, Codable, Sendable, CaseIterable { case sinusoidal, learned }

    public var limits: [Limit] {
      translationLimits + [
        Limit("width", width, 2...8192),
        Limit("width", width, takes: "an even number", when: width % 2 == 0),
        Limit("layers", layers, 1...128), Limit("heads", heads, 1...256),
        Limit(
          "heads", heads, takes: "a divisor of width, \(width)",
          when: heads > 0 && width % heads == 0),
        Limit("inner", inner, 1...32_768), Limit("dropout", dropout, 0...0.95),
        Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "transformer-translate", title: "Transformer", family: "Transformers",
    idea:
      "Weighs all words of a sentence against each other, and those written so far, to find the next one in another language.",
    formula: "softmax(frac{Q K^T}{sqrt{d}}) V, ; p(y | x) = ∏_t p(y_t | y_{<t}, x)",
    data: "verses", goal: .translation)
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

  private var sizes: EncoderDecoderConfiguration {
    // Longer verses than those that are learned from are measured on; their last places stay as they were drawn.
    let places = VersePairs.padded(max(256, 2 * settings.length))
    var stack = TokenStackConfiguration(
      width: settings.width, layers: settings.layers, heads: settings.heads, inner: settings.inner,
      positions: settings.positions == .learned ? .learned(count: places) : .sinusoidal)
    stack.activation = .relu
    stack.isNormFirst = settings.normFirst
    stack.hasEmbeddingNorm = false
    stack.hasLastNorm = settings.normFirst
    stack.dropout = settings.dropout
    stack.deviation = nil
    var sizes = EncoderDecoderConfiguration(
      vocabulary: settings.vocabulary, encoder: stack, decoder: stack)
    sizes.embeddingScale = Double(settings.width).squareRoot()
    sizes.deviation = 1 / sizes.embeddingScale
    return sizes
  }

  public func model(_ data: DataSplit<VersePairs>, _ key: RandomKey) -> EncoderDecoder {
    EncoderDecoder(sizes, key: key)
  }

  public func optimizer(for model: EncoderDecoder) -> Adam<EncoderDecoder> {
    AdamW(for: model, betas: (0.9, 0.98), epsilon: 1e-9)
  }

  public func configuration(of model: EncoderDecoder) -> any Encodable { sizes }
}
