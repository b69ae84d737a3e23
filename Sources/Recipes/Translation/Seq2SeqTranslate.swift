public import Layers
public import Models
public import Optimizers
public import Tensors
public import Training

/// A recurrent encoder-decoder with attention that translates English verses into Spanish.
public struct Seq2SeqTranslate: TranslationRecipe {
  public struct Settings: TranslationSettings {
    public var steps = 5000
    public var batchSize = 32
    public var vocabulary = 4096
    public var length = 64
    public var embedding = 192
    public var width = 256
    public var layers = 1
    /// How the decoder looks back: `bahdanau`, or one of Luong's scores `dot`, `general`, `concat`, `location`.
    public var attention = Attention.bahdanau
    /// Inner numbers of the additive scores, `bahdanau` and `concat`.
    public var scoreWidth = 128
    /// With Luong's scores: what a step found enters the next one.
    public var feedsInput = true
    public var dropout = 0.1
    public var smoothing = 0.1
    public var learningRate = LearningRate(2e-3, .linear, warmup: 100)
    public var clip = 1.0
    public var beams = 4

    public enum Attention: String, Codable, Sendable, CaseIterable {
      case bahdanau, dot, general, concat, location
    }

    public var limits: [Limit] {
      translationLimits + [
        Limit("embedding", embedding, 1...8192), Limit("width", width, 2...8192),
        Limit("width", width, takes: "an even number", when: width % 2 == 0),
        Limit("layers", layers, 1...32), Limit("score_width", scoreWidth, 1...8192),
        Limit("dropout", dropout, 0...0.95), Limit("clip", clip, 1e-6...1e9),
      ]
    }

    var alignment: AlignmentKind {
      switch attention {
      case .bahdanau: .bahdanau(width: scoreWidth)
      case .dot: .luong(.dot, feedsInput: feedsInput)
      case .general: .luong(.general, feedsInput: feedsInput)
      case .concat: .luong(.concat(width: scoreWidth), feedsInput: feedsInput)
      // Sentences that are longer than those that are learned from may come.
      case .location: .luong(.location(longest: 1024), feedsInput: feedsInput)
      }
    }
  }

  public static let method = Method(
    name: "seq2seq-translate", title: "Encoder-decoder with attention",
    family: "Recurrent networks",
    idea: "Looks back at the words that matter while it writes a sentence in another language.",
    formula:
      "a_{tj} = softmax_j(v^T tanh(W s_{t−1} + U h_j)), ; c_t = ∑_j a_{tj} h_j, ; s_t = GRU(s_{t−1}, y_{t−1}, c_t)",
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

  private var sizes: RecurrentSeq2SeqConfiguration {
    var sizes = RecurrentSeq2SeqConfiguration(
      vocabulary: settings.vocabulary, embedding: settings.embedding, width: settings.width,
      layers: settings.layers)
    sizes.isBidirectional = true
    sizes.alignment = settings.alignment
    sizes.dropout = settings.dropout
    return sizes
  }

  public func model(
    _ data: DataSplit<VersePairs>, _ key: RandomKey
  ) -> RecurrentSeq2Seq<GRUCell> {
    RecurrentSeq2Seq(sizes, key: key) { GRUCell(inputs: $0, width: $1, key: $2) }
  }

  public func optimizer(
    for model: RecurrentSeq2Seq<GRUCell>
  ) -> Adam<RecurrentSeq2Seq<GRUCell>> { AdamW(for: model) }

  public func configuration(of model: RecurrentSeq2Seq<GRUCell>) -> any Encodable { sizes }
}
