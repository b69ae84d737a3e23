public import Layers
public import Tensors

/// Sizes of an encoder-decoder over tokens.
public struct EncoderDecoderConfiguration: Codable, Hashable, Sendable {
  /// Entries of the token table, which both sides share unless the decoder has its own.
  public var vocabulary: Int
  /// Entries of the decoder's own table; nil where there is none.
  public var decoderVocabulary: Int?
  public var encoder: TokenStackConfiguration
  public var decoder: TokenStackConfiguration
  /// What embedded tokens are multiplied by: √width in the paper.
  public var embeddingScale = 1.0
  /// What the states before a tied head are multiplied by.
  public var outputScale = 1.0
  public var head = Head.tied
  /// A fixed number is added to every logit.
  public var hasLogitsBias = false
  /// A token whose vector lookups do not train.
  public var padding: Int?
  /// The deviation of the first embedded tokens.
  public var deviation = 0.02

  /// What turns the last states into logits.
  public enum Head: Codable, Hashable, Sendable {
    case none
    /// The decoder's token table.
    case tied
    case own
  }

  public init(
    vocabulary: Int, encoder: TokenStackConfiguration, decoder: TokenStackConfiguration
  ) {
    self.vocabulary = vocabulary
    self.encoder = encoder
    self.decoder = decoder
    self.decoder.isCausal = true
    self.decoder.isDecoder = true
  }
}

/// The Transformer over tokens (Vaswani et al., arXiv:1706.03762) and its kin: BART, mBART, Marian, T5 and MASS are
/// choices of its configuration.
public struct EncoderDecoder: Module {
  public var tokens: Embedding
  /// The decoder's own table; nil where both sides share one.
  public var decoderTokens: Embedding?
  public var encoder: TokenStack
  public var decoder: TokenStack
  /// What gives the logits where it is not the token table.
  public var head: Linear?
  /// [1, vocabulary].
  public var logitsBias: Tensor?
  public let configuration: EncoderDecoderConfiguration

  public init(_ configuration: EncoderDecoderConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.encoder.width
    func table(_ count: Int, _ key: RandomKey) -> Embedding {
      Embedding(
        count: count, width: width, padding: configuration.padding,
        initializer: .normal(deviation: configuration.deviation), key: key)
    }
    tokens = table(configuration.vocabulary, key.fork(0))
    decoderTokens = configuration.decoderVocabulary.map { table($0, key.fork(1)) }
    encoder = TokenStack(configuration.encoder, key: key.fork(2))
    decoder = TokenStack(configuration.decoder, key: key.fork(3))
    let count = configuration.decoderVocabulary ?? configuration.vocabulary
    if configuration.head == .own {
      head = Linear(weight: table(count, key.fork(4)).weight)
    }
    logitsBias = configuration.hasLogitsBias ? .zeros([1, count]) : nil
  }

  /// The encoder's states, the last one being what the decoder attends to.
  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  public func encoderStates(_ ids: Tensor, mask: Tensor? = nil, _ phase: Phase = .inference)
    -> [Tensor]
  {
    encoder.states(tokens(ids) * configuration.embeddingScale, mask: mask, phase)
  }

  /// The decoder's states, each place seeing those before it and the encoder's last states.
  public func decoderStates(
    _ ids: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, memory: Tensor,
    memoryMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> [Tensor] {
    decoder.states(
      embeddedTarget(ids), mask: mask, positions: positions, memory: memory,
      memoryMask: memoryMask, phase)
  }

  /// Logits of the next token at every place of the target: [batch, length, vocabulary].
  /// - Parameters:
  ///   - source: ids, [batch, length].
  ///   - target: ids, [batch, its length].
  public func callAsFunction(
    _ source: Tensor, _ target: Tensor, sourceMask: Tensor? = nil, targetMask: Tensor? = nil,
    _ phase: Phase = .inference
  ) -> Tensor {
    let memory = encoderStates(source, mask: sourceMask, phase.fork(0)).last!
    return logits(
      of: decoderStates(
        target, mask: targetMask, memory: memory, memoryMask: sourceMask, phase.fork(1)
      ).last!)
  }

  /// Logits behind the next tokens of targets whose earlier ones are in the caches.
  /// - Parameter memory: `keyValues(of:)` the encoder's last states, made once.
  public func callAsFunction(
    _ ids: Tensor, caches: inout [KeyValueCache], memory: [KeyValues], memoryMask: Tensor? = nil,
    mask: Tensor? = nil, positions: Tensor? = nil
  ) -> Tensor {
    logits(
      of: decoder(
        embeddedTarget(ids), caches: &caches, mask: mask, positions: positions, memory: memory,
        memoryMask: memoryMask))
  }

  /// What the decoder's layers read of the encoder's last states.
  public func keyValues(of memory: Tensor) -> [KeyValues] { decoder.blocks.keyValues(of: memory) }

  /// Logits of the decoder's last states; the states themselves where there is no head.
  public func logits(of states: Tensor) -> Tensor {
    let scaled = states * configuration.outputScale
    let logits =
      switch configuration.head {
      case .none: states
      case .tied: (decoderTokens ?? tokens).attend(scaled)
      case .own: head!(scaled)
      }
    return logitsBias.map { logits + $0 } ?? logits
  }

  private func embeddedTarget(_ ids: Tensor) -> Tensor {
    (decoderTokens ?? tokens)(ids) * configuration.embeddingScale
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("decoder_tokens", &decoderTokens)
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor("head", &head)
    visitor.buffer("logits_bias", &logitsBias)
    visitor.fixed("configuration", configuration)
  }
}
