public import Layers
public import Tensors

/// Sizes and choices of one side of a Transformer over tokens: those of the encoder of BERT unless given.
public struct TokenStackConfiguration: Codable, Hashable, Sendable {
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Inner width of the feed-forward parts.
  public var inner: Int
  public var positions: Positions
  /// width / heads unless given.
  public var headWidth: Int?
  public var activation = Activation.gelu
  /// The feed-forward parts have a gate.
  public var isGated = false
  public var norm = TokenNorm.Kind.layer
  public var epsilon = 1e-5
  /// Norms come before the branches, not after the sums.
  public var isNormFirst = false
  /// There is a norm behind the positions.
  public var hasEmbeddingNorm = true
  /// There is a norm behind the last block.
  public var hasLastNorm = false
  public var hasBias = true
  /// Scores are divided by √(head width).
  public var isScaled = true
  /// Tokens see only those before them and themselves.
  public var isCausal = false
  /// Blocks also attend to another sequence.
  public var isDecoder = false
  /// Of the embedded tokens and of all branches.
  public var dropout = 0.0
  public var attentionDropout = 0.0
  /// Of the inner numbers of the feed-forward parts.
  public var innerDropout = 0.0
  /// The probability with which training leaves out a block (Fan et al., arXiv:1909.11556).
  public var layerDrop = 0.0
  /// There is dropout behind the last norm.
  public var hasLastDropout = false
  /// The deviation of the first weights; nil: 1/√inputs, queries smaller by √(head width) (T5).
  public var deviation: Double? = 0.02

  /// How a token knows its place.
  public enum Positions: Codable, Hashable, Sendable {
    /// A trained vector for each of `count` places; the table begins with `offset` rows that belong to none.
    case learned(count: Int, offset: Int = 0)
    /// All sines, then all cosines.
    case sinusoidal
    /// A trained number for every range of distances, which all blocks add to their scores.
    case relative(buckets: Int, longest: Int)
  }

  public init(width: Int, layers: Int, heads: Int, inner: Int, positions: Positions) {
    self.width = width
    self.layers = layers
    self.heads = heads
    self.inner = inner
    self.positions = positions
  }

  var widthOfHead: Int { headWidth ?? width / heads }
}

/// One side of a Transformer over tokens: positions, blocks and norms, without the token table.
public struct TokenStack: Module {
  /// [places and offset, width].
  public var positions: LearnedPositions?
  public var relative: RelativePositionBias?
  public var embeddingNorm: TokenNorm?
  public var blocks: TransformerStack<TokenNorm>
  public let configuration: TokenStackConfiguration

  public init(_ configuration: TokenStackConfiguration, key: RandomKey) {
    let width = configuration.width
    self.configuration = configuration
    func norm() -> TokenNorm {
      TokenNorm(configuration.norm, width: width, epsilon: configuration.epsilon)
    }
    func attention(isCausal: Bool, _ key: RandomKey) -> MultiHeadAttention {
      MultiHeadAttention(
        width: width, heads: configuration.heads, headWidth: configuration.headWidth,
        isFused: false, hasBias: configuration.hasBias, isCausal: isCausal,
        scale: configuration.isScaled ? nil : 1, dropout: configuration.attentionDropout, key: key)
    }
    let layers = (0..<configuration.layers).map { i in
      let key = key.fork(0).fork(i)
      return TransformerBlock(
        norm: norm, attention: attention(isCausal: configuration.isCausal, key.fork(0)),
        crossAttention: configuration.isDecoder ? attention(isCausal: false, key.fork(1)) : nil,
        feedForward: FeedForward(
          width: width, inner: configuration.inner, activation: configuration.activation,
          gate: configuration.isGated ? .separate : .none, hasBias: configuration.hasBias,
          dropout: configuration.innerDropout, key: key.fork(2)),
        isNormFirst: configuration.isNormFirst, dropout: configuration.dropout)
    }
    blocks = TransformerStack(layers: layers, norm: configuration.hasLastNorm ? norm() : nil)
    embeddingNorm = configuration.hasEmbeddingNorm ? norm() : nil
    switch configuration.positions {
    case .learned(let count, let offset):
      positions = LearnedPositions(count: count + offset, width: width, key: key.fork(1))
    case .sinusoidal: break
    case .relative(let buckets, let longest):
      relative = RelativePositionBias(
        buckets: buckets, heads: configuration.heads, isBidirectional: !configuration.isCausal,
        longestDistance: longest, key: key.fork(1))
    }
    initialise(key.fork(2))
  }

  /// Normal numbers; biases are 0.
  private mutating func initialise(_ key: RandomKey) {
    let configuration = configuration
    initialize(key) { leaf in
      if leaf.name.hasSuffix("bias") { return .zeros }
      guard leaf.tensor.rank == 2 else { return nil }
      if let deviation = configuration.deviation { return .normal(deviation: deviation) }
      let usual = 1 / Double(leaf.tensor.shape[1]).squareRoot()
      if leaf.name.hasPrefix("relative") {
        return .normal(deviation: 1 / Double(configuration.width).squareRoot())
      }
      let isQuery = leaf.name.hasSuffix("q_proj_weight") && !configuration.isScaled
      return .normal(
        deviation: isQuery ? usual / Double(configuration.widthOfHead).squareRoot() : usual)
    }
  }

  // MARK: Use

  /// What the blocks read and write, [batch, length, width]; the last one behind the final norm.
  /// - Parameters:
  ///   - x: embedded tokens, [batch, length, width].
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  ///   - positions: int32 or int64, [length] or [batch, length]; 0, 1, … unless given.
  ///   - memory: what decoders attend to, [batch, its length, width], and which places of it are tokens.
  public func states(
    _ x: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, memory: Tensor? = nil,
    memoryMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> [Tensor] {
    let length = x.shape[1]
    let dropout = Dropout(configuration.dropout)
    let places = positions ?? .range(length)
    var states = [dropout(placed(x, places), phase.fork(0))]
    let bias = relative.map { $0(queries: length, keys: length) }
    let mask = bias.map { bias in mask.map { bias.masked($0) } ?? bias } ?? mask
    for (i, layer) in blocks.layers.enumerated() {
      let state = layer(
        states[i], mask: mask, memory: memory.flatMap { layer.keyValues(of: $0) },
        memoryMask: memoryMask, phase.fork(i + 1))
      states.append(kept(state, instead: states[i], phase.fork(-1 - i)))
    }
    let last = states.removeLast()
    let normed = blocks.norm.map { $0(last) } ?? last
    return states
      + [configuration.hasLastDropout ? dropout(normed, phase.fork(states.count + 1)) : normed]
  }

  /// What a block gives; in training, by chance, what it was given instead.
  private func kept(_ state: Tensor, instead before: Tensor, _ phase: Phase) -> Tensor {
    guard case .training(let key) = phase, configuration.layerDrop > 0 else { return state }
    return select(key.bernoulli(1 - configuration.layerDrop, [1, 1, 1]), state, before)
  }

  /// The last states of the next tokens of sequences whose earlier ones are in the caches.
  /// - Parameters:
  ///   - mask: which places of the caches are tokens: bool, [batch, 1, 1, capacity]; all unless given.
  ///   - positions: of the new tokens; those behind the caches' unless given.
  ///   - memory: `blocks.keyValues(of:)`, made once for the whole sequence.
  public func callAsFunction(
    _ x: Tensor, caches: inout [KeyValueCache], mask: Tensor? = nil, positions: Tensor? = nil,
    memory: [KeyValues]? = nil, memoryMask: Tensor? = nil
  ) -> Tensor {
    let own = caches[0].positions(of: x.shape[1])
    let bias = relative.map { relative in
      relative(Tensor.range(caches[0].capacity).expanded(0) - own.expanded(1))
    }
    let mask = bias.map { bias in mask.map { bias.masked($0) } ?? bias } ?? mask
    return blocks(
      placed(x, positions ?? own), caches: &caches, mask: mask, memory: memory,
      memoryMask: memoryMask)
  }

  /// Empty caches, one a layer, with room for `capacity` tokens.
  public func caches(batch: Int, capacity: Int) -> [KeyValueCache] {
    blocks.caches(batch: batch, capacity: capacity)
  }

  /// With what tells the places, and the norm behind it.
  private func placed(_ x: Tensor, _ places: Tensor) -> Tensor {
    var x = x
    switch configuration.positions {
    case .learned(_, let offset):
      let rows = places + Tensor.fill(integer: Int64(offset), [], places.dataType)
      x = x + positions!.weight.rows(rows)
    case .sinusoidal:
      x = x + sinusoids(of: places, width: configuration.width, layout: .sinesFirst)
    case .relative: break
    }
    return embeddingNorm.map { $0(x) } ?? x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("positions", &positions)
    visitor("relative", &relative)
    visitor("embedding_norm", &embeddingNorm)
    visitor.inline(&blocks)
    visitor.fixed("configuration", configuration)
  }
}

extension Tensor {
  /// Numbers added to scores, where `mask` is true; elsewhere nothing is seen.
  func masked(_ mask: Tensor) -> Tensor {
    select(mask, self, Tensor(-Double.infinity, dataType))
  }
}
