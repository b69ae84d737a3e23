public import Layers
public import Tensors

/// Sizes of a BERT.
public struct BERTConfiguration: Codable, Hashable, Sendable {
  /// Entries of the token table.
  public var vocabulary: Int
  /// Kinds of tokens, such as those of the first and of the second sentence.
  public var kinds: Int
  public var stack: TokenStackConfiguration
  public var head: Head
  /// The masked tokens' logits come from the token table.
  public var isTied = true
  /// A token whose vector lookups do not train.
  public var padding: Int?
  /// Before a classifier.
  public var classifierDropout = 0.1

  public enum Head: Codable, Hashable, Sendable {
    /// The states and the pooled first one.
    case none
    /// Masked tokens, and whether the second sentence follows the first.
    case pretraining
    case maskedTokens
    case nextSentence
    /// Classes of the whole text.
    case texts(Int)
    /// How well a text fits, to be compared with those of other texts.
    case choice
    /// Classes of every token.
    case tokens(Int)
    /// Where an answer begins and ends.
    case answers
  }

  public init(vocabulary: Int, kinds: Int = 2, stack: TokenStackConfiguration, head: Head) {
    self.vocabulary = vocabulary
    self.kinds = kinds
    self.stack = stack
    self.head = head
  }

  /// Whether the head reads the pooled first state.
  var hasPooler: Bool {
    switch head {
    case .none, .pretraining, .nextSentence, .texts, .choice: true
    case .maskedTokens, .tokens, .answers: false
    }
  }

  /// Outputs of the classifier, if there is one.
  var classes: Int? {
    switch head {
    case .texts(let count), .tokens(let count): count
    case .answers, .pretraining, .nextSentence: 2
    case .choice: 1
    case .none, .maskedTokens: nil
    }
  }

  var predictsTokens: Bool { head == .pretraining || head == .maskedTokens }
}

/// BERT (Devlin et al., arXiv:1810.04805): an encoder over tokens, the kinds of which are embedded too, and heads.
public struct BERT: Module {
  public var tokens: Embedding
  public var kinds: Embedding
  public var stack: TokenStack
  /// Of the first token.
  public var pooler: Linear?
  public var transform: Linear?
  public var transformNorm: LayerNorm?
  /// What gives the tokens' logits where it is not the table.
  public var decoder: Linear?
  /// Of the tied tokens' logits.
  public var decoderBias: Tensor?
  public var classifier: Linear?
  public let configuration: BERTConfiguration

  public init(_ configuration: BERTConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.stack.width
    let initializer = Initializer.normal(deviation: configuration.stack.deviation ?? 0.02)
    func linear(_ outputs: Int, _ place: Int) -> Linear {
      Linear(weight: initializer([outputs, width], key.fork(place)), bias: .zeros([outputs]))
    }
    tokens = Embedding(
      count: configuration.vocabulary, width: width, padding: configuration.padding,
      initializer: initializer, key: key.fork(0))
    kinds = Embedding(
      count: configuration.kinds, width: width, initializer: initializer, key: key.fork(1))
    stack = TokenStack(configuration.stack, key: key.fork(2))
    pooler = configuration.hasPooler ? linear(width, 3) : nil
    classifier = configuration.classes.map { linear($0, 4) }
    guard configuration.predictsTokens else { return }
    transform = linear(width, 5)
    transformNorm = LayerNorm(width: width, epsilon: configuration.stack.epsilon)
    if configuration.isTied {
      decoderBias = .zeros([configuration.vocabulary])
    } else {
      decoder = linear(configuration.vocabulary, 6)
    }
  }

  /// What the blocks read and write, [batch, length, width].
  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - kinds: likewise; all 0 unless given.
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  ///   - positions: int32 or int64, [length] or [batch, length]; 0, 1, … unless given.
  public func states(
    _ ids: Tensor, kinds: Tensor? = nil, mask: Tensor? = nil, positions: Tensor? = nil,
    _ phase: Phase = .inference
  ) -> [Tensor] {
    let own = kinds.map { self.kinds($0) } ?? self.kinds.weight.sliced(0, 0..<1)
    return stack.states(tokens(ids) + own, mask: mask, positions: positions, phase)
  }

  /// The first state, ready for a classifier of the whole text: [batch, width].
  public func pooled(_ states: Tensor) -> Tensor? { pooler.map { $0(states.element(1, 0)).tanh() } }

  /// Logits of the token at every place: [batch, length, vocabulary].
  public func tokenLogits(_ states: Tensor) -> Tensor? {
    guard let transform, let transformNorm else { return nil }
    let x = transformNorm(configuration.stack.activation(transform(states)))
    return decoder.map { $0(x) } ?? (tokens.attend(x) + decoderBias!)
  }

  /// Logits of the classifier, of the pooled state or of all states.
  public func classLogits(_ states: Tensor, _ phase: Phase = .inference) -> Tensor? {
    guard let classifier else { return nil }
    let input = pooled(states) ?? states
    switch configuration.head {
    case .texts, .tokens, .choice:
      return classifier(Dropout(configuration.classifierDropout)(input, phase.fork(-1)))
    default: return classifier(input)
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("kinds", &kinds)
    visitor.inline(&stack)
    visitor("pooler", &pooler)
    visitor("transform", &transform)
    visitor("transform_norm", &transformNorm)
    visitor("decoder", &decoder)
    visitor("decoder_bias", &decoderBias)
    visitor("classifier", &classifier)
    visitor.fixed("configuration", configuration)
  }
}
