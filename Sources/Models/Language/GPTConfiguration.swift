public import Layers

/// Sizes and choices of a GPT: those of GPT-2 unless given. GPT-1, GPT-Neo, ImageGPT, Llama and Qwen2 are other choices.
public struct GPTConfiguration: Codable, Hashable, Sendable {
  /// Entries of the token table.
  public var vocabulary: Int
  /// Tokens that the model can look back on.
  public var context: Int
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Inner width of the feed-forward parts; 4 · width unless given.
  public var inner: Int?
  /// Of the branches of every block.
  public var dropout: Double
  public var epsilon: Double

  // MARK: Choices

  /// Heads of the keys, which query heads share; as many as `heads` unless given.
  public var keyHeads: Int?
  /// width / heads unless given.
  public var headWidth: Int?
  public var activation = Activation.geluTanh
  /// The feed-forward parts have a gate.
  public var isGated = false
  public var norm = TokenNorm.Kind.layer
  /// Norms come before the branches, not after the sums.
  public var isNormFirst = true
  /// There is a norm behind the last block.
  public var hasLastNorm = true
  /// Rotary positions; learned ones where there are none.
  public var rotary: RotaryConfiguration?
  /// q, k and v are one product, and weights have their inputs first, as in GPT-2's files.
  public var isFused = true
  /// Of q, k and v.
  public var hasBias = true
  /// Of the projection behind the heads.
  public var hasOutputBias = true
  public var hasFeedForwardBias = true
  /// Scores are divided by √(head width).
  public var isScaled = true
  /// Scores are divided by the number of their layer, from 1.
  public var isScaledByLayer = false
  /// How many tokens each layer sees, its own included; nil: all. An empty list: all layers all.
  public var windows: [Int?] = []
  public var head = Head.tied
  /// Of the embedded tokens; as `dropout` unless given.
  public var embeddingDropout: Double?
  /// Of the attention's probabilities; as `dropout` unless given.
  public var attentionDropout: Double?
  /// A token whose vector lookups do not train.
  public var padding: Int?
  /// The deviation of the first weights.
  public var deviation = 0.02
  /// The first weights of what is added to the residual are smaller by √(2 · layers).
  public var hasSmallResiduals = true

  /// What turns the last states into logits.
  public enum Head: Codable, Hashable, Sendable {
    case none
    /// The token table.
    case tied
    /// A product of its own, with so many logits.
    case own(Int)
  }

  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, inner: Int? = nil,
    dropout: Double = 0, epsilon: Double = 1e-5
  ) {
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.heads = heads
    self.inner = inner
    self.dropout = dropout
    self.epsilon = epsilon
  }

  var widthOfHead: Int { headWidth ?? width / heads }

  /// What the scores of layer `i` are multiplied by; nil where it is the usual 1/√(head width).
  func scale(_ i: Int) -> Double? {
    guard !isScaled || isScaledByLayer else { return nil }
    return (isScaled ? 1 / Double(widthOfHead).squareRoot() : 1)
      / (isScaledByLayer ? Double(i + 1) : 1)
  }
}
