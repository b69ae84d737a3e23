public import Layers
public import Tensors

/// Sizes of a GPT.
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
  public var dropout: Double
  public var epsilon: Double

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
}

/// One layer of GPT-2: pre-norm attention and feed-forward, under GPT-2's names.
public struct GPTBlock: Module {
  public var block: TransformerBlock<LayerNorm>

  public init(_ configuration: GPTConfiguration, key: RandomKey) {
    let attention = MultiHeadAttention(
      width: configuration.width, heads: configuration.heads, isCausal: true,
      dropout: configuration.dropout, key: key.fork(0))
    let feedForward = FeedForward(
      width: configuration.width, inner: configuration.inner ?? 4 * configuration.width,
      activation: .geluTanh, key: key.fork(1))
    block = TransformerBlock(
      norm: { LayerNorm(width: configuration.width, epsilon: configuration.epsilon) },
      attention: attention, feedForward: feedForward, dropout: configuration.dropout)
    initialise(configuration, key.fork(2))
  }

  /// Weights as GPT-2's files have them, inputs first: normal numbers of deviation 0.02; what is added to the residual is
  /// smaller by √(2 · layers) (GPT-2, section 2.3).
  private mutating func initialise(_ configuration: GPTConfiguration, _ key: RandomKey) {
    func normal(_ linear: inout Linear, _ purpose: Int, _ deviation: Double = 0.02) {
      let weight = key.fork(purpose).normal(linear.weight.shape, deviation: deviation)
      linear = Linear(
        weight: weight.transposed(), bias: linear.bias?.zerosLike(), isInputFirst: true)
    }
    let residual = 0.02 / Double(2 * configuration.layers).squareRoot()
    if block.attention.qkv != nil { normal(&block.attention.qkv!, 0) }
    if block.attention.output != nil { normal(&block.attention.output!, 1, residual) }
    normal(&block.feedForward.input, 2)
    normal(&block.feedForward.output, 3, residual)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("ln_1", &block.attentionNorm)
    visitor("attn.c_attn", &block.attention.qkv)
    visitor("attn.c_proj", &block.attention.output)
    visitor("ln_2", &block.feedForwardNorm)
    visitor("mlp.c_fc", &block.feedForward.input)
    visitor("mlp.c_proj", &block.feedForward.output)
    block.visitSettings(&visitor)
  }
}

/// GPT-2 (Radford et al. 2019): a causal Transformer over tokens with learned positions, whose output head is the token
/// table.
public struct GPT: Module {
  public var tokens: Embedding
  public var positions: LearnedPositions
  public var blocks: [GPTBlock]
  public var norm: LayerNorm
  public let dropout: Double

  public init(_ configuration: GPTConfiguration, key: RandomKey) {
    tokens = Embedding(
      count: configuration.vocabulary, width: configuration.width,
      initializer: .normal(deviation: 0.02), key: key.fork(0))
    positions = LearnedPositions(
      count: configuration.context, width: configuration.width, key: key.fork(1))
    blocks = (0..<configuration.layers).map { GPTBlock(configuration, key: key.fork(2).fork($0)) }
    norm = LayerNorm(width: configuration.width, epsilon: configuration.epsilon)
    dropout = configuration.dropout
  }

  /// Logits of the next token at every place: ids [batch, length] → [batch, length, vocabulary].
  public func callAsFunction(_ ids: Tensor, _ phase: Phase = .inference) -> Tensor {
    tokens.attend(hiddenStates(ids, phase).last!)
  }

  /// What the blocks read and write, [batch, length, width]: the embedded tokens and the result of every block, the last
  /// one behind the final norm.
  public func hiddenStates(_ ids: Tensor, _ phase: Phase = .inference) -> [Tensor] {
    var states = [Dropout(dropout)(positions(tokens(ids)), phase.fork(0))]
    for (i, layer) in blocks.enumerated() {
      states.append(layer.block(states[i], phase.fork(i + 1)))
    }
    states[blocks.count] = norm(states[blocks.count])
    return states
  }

  /// Logits behind the next tokens [batch, length] of sequences whose earlier tokens are in the caches.
  public func callAsFunction(_ ids: Tensor, caches: inout [KeyValueCache]) -> Tensor {
    var x = positions(tokens(ids), at: caches[0].positions(of: ids.shape[1]))
    for i in blocks.indices { x = blocks[i].block(x, cache: &caches[i]) }
    return tokens.attend(norm(x))
  }

  /// Empty caches, one a layer, with room for `capacity` tokens.
  public func caches(batch: Int, capacity: Int) -> [KeyValueCache] {
    blocks.map { $0.block.attention.cache(batch: batch, capacity: capacity) }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("wte", &tokens)
    visitor("wpe", &positions)
    visitor("h", &blocks)
    visitor("ln_f", &norm)
    visitor.fixed("dropout", dropout)
  }
}
