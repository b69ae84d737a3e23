public import Layers
public import Tensors

/// One layer of a GPT, under GPT-2's names.
public struct GPTBlock: Module {
  public var block: TransformerBlock<TokenNorm>

  /// - Parameter place: of the layer among all, from 0.
  public init(_ configuration: GPTConfiguration, place: Int, key: RandomKey) {
    let attention = MultiHeadAttention(
      width: configuration.width, heads: configuration.heads, keyHeads: configuration.keyHeads,
      headWidth: configuration.headWidth, isFused: configuration.isFused,
      hasBias: configuration.hasBias, hasOutputBias: configuration.hasOutputBias, isCausal: true,
      window: configuration.windows.isEmpty ? nil : configuration.windows[place],
      scale: configuration.scale(place),
      dropout: configuration.attentionDropout ?? configuration.dropout,
      rotary: configuration.rotary?.positions(width: configuration.widthOfHead), key: key.fork(0))
    let feedForward = FeedForward(
      width: configuration.width, inner: configuration.inner ?? 4 * configuration.width,
      activation: configuration.activation, gate: configuration.isGated ? .separate : .none,
      hasBias: configuration.hasFeedForwardBias, key: key.fork(1))
    block = TransformerBlock(
      norm: {
        TokenNorm(
          configuration.norm, width: configuration.width, epsilon: configuration.epsilon)
      },
      attention: attention, feedForward: feedForward, isNormFirst: configuration.isNormFirst,
      dropout: configuration.dropout)
    initialise(configuration, key.fork(2))
  }

  /// Normal numbers; what is added to the residual is smaller by √(2 · layers) (GPT-2, section 2.3).
  private mutating func initialise(_ configuration: GPTConfiguration, _ key: RandomKey) {
    func normal(_ linear: inout Linear, _ purpose: Int, isResidual: Bool = false) {
      let deviation =
        isResidual && configuration.hasSmallResiduals
        ? configuration.deviation / Double(2 * configuration.layers).squareRoot()
        : configuration.deviation
      let weight = key.fork(purpose).normal(linear.weight.shape, deviation: deviation)
      linear = Linear(
        weight: configuration.isFused ? weight.transposed() : weight,
        bias: linear.bias?.zerosLike(), isInputFirst: configuration.isFused)
    }
    func normal(_ linear: inout Linear?, _ purpose: Int, isResidual: Bool = false) {
      if linear != nil { normal(&linear!, purpose, isResidual: isResidual) }
    }
    normal(&block.attention.qkv, 0)
    normal(&block.attention.output, 1, isResidual: true)
    normal(&block.feedForward.input, 2)
    normal(&block.feedForward.output, 3, isResidual: true)
    normal(&block.attention.query, 4)
    normal(&block.attention.key, 5)
    normal(&block.attention.value, 6)
    normal(&block.feedForward.gate, 7)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("ln_1", &block.attentionNorm)
    visitor("attn.c_attn", &block.attention.qkv)
    visitor("attn.q_proj", &block.attention.query)
    visitor("attn.k_proj", &block.attention.key)
    visitor("attn.v_proj", &block.attention.value)
    visitor("attn.c_proj", &block.attention.output)
    visitor("ln_2", &block.feedForwardNorm)
    visitor("mlp.c_fc", &block.feedForward.input)
    visitor("mlp.c_gate", &block.feedForward.gate)
    visitor("mlp.c_proj", &block.feedForward.output)
    block.visitSettings(&visitor)
  }
}

/// GPT-2 (Radford et al. 2019) and its kin: a causal Transformer over tokens.
public struct GPT: Module {
  public var tokens: Embedding
  /// Learned positions; nil where they are rotary.
  public var positions: LearnedPositions?
  public var blocks: [GPTBlock]
  /// Behind the last block.
  public var norm: TokenNorm?
  /// What gives the logits where it is not the token table.
  public var head: Linear?
  public let configuration: GPTConfiguration

  public init(_ configuration: GPTConfiguration, key: RandomKey) {
    let (width, deviation) = (configuration.width, configuration.deviation)
    self.configuration = configuration
    tokens = Embedding(
      count: configuration.vocabulary, width: width, padding: configuration.padding,
      initializer: .normal(deviation: deviation), key: key.fork(0))
    if configuration.rotary == nil {
      positions = LearnedPositions(
        count: configuration.context, width: width, deviation: deviation, key: key.fork(1))
    }
    blocks = (0..<configuration.layers).map {
      GPTBlock(configuration, place: $0, key: key.fork(2).fork($0))
    }
    if configuration.hasLastNorm {
      norm = TokenNorm(configuration.norm, width: width, epsilon: configuration.epsilon)
    }
    if case .own(let count) = configuration.head {
      head = Linear(weight: key.fork(3).normal([count, width], deviation: deviation))
    }
  }

  /// Logits of the next token at every place: ids [batch, length] → [batch, length, vocabulary].
  /// - Parameters:
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  ///   - positions: int32 or int64, [length] or [batch, length]; 0, 1, … unless given.
  public func callAsFunction(
    _ ids: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    logits(of: hiddenStates(ids, mask: mask, positions: positions, phase).last!)
  }

  /// What the blocks read and write, [batch, length, width]: the embedded tokens and the result of every block, the last
  /// one behind the final norm.
  /// - Parameter kinds: ids of tokens whose vectors are added, such as those of segments.
  public func hiddenStates(
    _ ids: Tensor, kinds: Tensor? = nil, mask: Tensor? = nil, positions: Tensor? = nil,
    _ phase: Phase = .inference
  ) -> [Tensor] {
    let rate = configuration.embeddingDropout ?? configuration.dropout
    var states = [Dropout(rate)(embedded(ids, kinds, positions), phase.fork(0))]
    for (i, layer) in blocks.enumerated() {
      states.append(
        layer.block(states[i], mask: mask, positions: positions, phase.fork(i + 1)))
    }
    if let norm { states[blocks.count] = norm(states[blocks.count]) }
    return states
  }

  /// Logits of states behind the final norm; the states themselves where there is no head.
  public func logits(of states: Tensor) -> Tensor {
    switch configuration.head {
    case .none: states
    case .tied: tokens.attend(states)
    case .own: head!(states)
    }
  }

  /// Logits behind the next tokens [batch, length] of sequences whose earlier tokens are in the caches.
  /// - Parameters:
  ///   - mask: which places of the caches are tokens: bool, [batch, 1, 1, capacity]; all unless given.
  ///   - positions: of the new tokens; those behind the caches' unless given.
  public func callAsFunction(
    _ ids: Tensor, caches: inout [KeyValueCache], mask: Tensor? = nil, positions: Tensor? = nil
  ) -> Tensor {
    logits(of: states(of: ids, caches: &caches, mask: mask, positions: positions))
  }

  /// The states of which those logits are made.
  public func states(
    of ids: Tensor, caches: inout [KeyValueCache], mask: Tensor? = nil, positions: Tensor? = nil
  ) -> Tensor {
    let positions = positions ?? caches[0].positions(of: ids.shape[1])
    var x = embedded(ids, nil, positions)
    for i in blocks.indices {
      x = blocks[i].block(x, cache: &caches[i], mask: mask, positions: positions)
    }
    return norm.map { $0(x) } ?? x
  }

  /// Empty caches, one a layer, with room for `capacity` tokens.
  public func caches(batch: Int, capacity: Int) -> [KeyValueCache] {
    blocks.map { $0.block.attention.cache(batch: batch, capacity: capacity) }
  }

  private func embedded(_ ids: Tensor, _ kinds: Tensor?, _ places: Tensor?) -> Tensor {
    let x = positions.map { $0(tokens(ids), at: places) } ?? tokens(ids)
    return kinds.map { x + tokens($0) } ?? x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("wte", &tokens)
    visitor("wpe", &positions)
    visitor("h", &blocks)
    visitor("ln_f", &norm)
    visitor("lm_head", &head)
    visitor.fixed("configuration", configuration)
  }
}
