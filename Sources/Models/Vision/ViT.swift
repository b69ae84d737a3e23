public import Layers
public import Tensors

/// One layer of a vision Transformer: attention and feed-forward part, each behind a norm, under timm's names.
public struct ViTBlock: Module {
  public var block: TransformerBlock<LayerNorm>

  /// - Parameter place: of the layer among all, for its stochastic depth.
  public init(_ configuration: ViTConfiguration, place: Int, key: RandomKey) {
    let attention = MultiHeadAttention(
      width: configuration.width, heads: configuration.heads, headWidth: configuration.headWidth,
      isFused: configuration.isFused, hasBias: configuration.hasQueryBias,
      hasOutputBias: configuration.hasBias, dropout: configuration.attentionDropout,
      key: key.fork(0))
    let feedForward = FeedForward(
      width: configuration.width, inner: configuration.inner, activation: configuration.activation,
      hasBias: configuration.hasBias, dropout: configuration.innerDropout, key: key.fork(1))
    block = TransformerBlock(
      norm: { LayerNorm(width: configuration.width, epsilon: configuration.epsilon) },
      attention: attention, feedForward: feedForward, dropout: configuration.dropout,
      stochasticDepth: configuration.stochasticDepth * Double(place)
        / Double(max(configuration.layers - 1, 1)))
    if let scale = configuration.layerScale {
      block.attentionScale = .fill(scale, [configuration.width])
      block.feedForwardScale = .fill(scale, [configuration.width])
    }
  }

  /// [batch, length, width] → the same.
  public func callAsFunction(_ x: Tensor, mask: Tensor? = nil, _ phase: Phase = .inference)
    -> Tensor
  {
    block(x, mask: mask, phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm1", &block.attentionNorm)
    visitor("attn.qkv", &block.attention.qkv)
    visitor("attn.q_proj", &block.attention.query)
    visitor("attn.k_proj", &block.attention.key)
    visitor("attn.v_proj", &block.attention.value)
    visitor("attn.proj", &block.attention.output)
    visitor("ls1.gamma", &block.attentionScale)
    visitor("norm2", &block.feedForwardNorm)
    visitor("mlp.fc1", &block.feedForward.input)
    visitor("mlp.fc2", &block.feedForward.output)
    visitor("ls2.gamma", &block.feedForwardScale)
    block.visitSettings(&visitor)
  }
}

/// A Transformer over the patches of a picture (ViT: Dosovitskiy et al., arXiv:2010.11929), with a distillation token at
/// will (DeiT: Touvron et al., arXiv:2012.12877).
public struct ViT: Layer {
  public var patchEmbedding: PatchEmbedding
  /// [1, 1, width] each, or [width], and [1, registers, width].
  public var classToken: Tensor?
  public var distillationToken: Tensor?
  public var registers: Tensor?
  /// [1, length, width], or [length, width].
  public var positions: Tensor?
  public var firstNorm: LayerNorm?
  public var blocks: [ViTBlock]
  public var norm: LayerNorm?
  public var pooledNorm: LayerNorm?
  public var representation: Linear?
  public var head: Linear?
  /// What the distillation token says.
  public var distillationHead: Linear?
  public let configuration: ViTConfiguration

  public init(_ configuration: ViTConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.width
    func norm() -> LayerNorm { LayerNorm(width: width, epsilon: configuration.epsilon) }
    patchEmbedding = PatchEmbedding(
      patch: configuration.patch, inputs: configuration.inputs, width: width,
      hasBias: !configuration.normalisesFirst, fills: configuration.padsPictures, key: key.fork(0))
    if configuration.hasClassToken { classToken = .zeros([1, 1, width]) }
    if configuration.hasDistillationToken { distillationToken = .zeros([1, 1, width]) }
    if configuration.registers > 0 { registers = .zeros([1, configuration.registers, width]) }
    if configuration.positions != .none {
      let prefix = configuration.positions == .all ? configuration.prefix : 0
      positions =
        configuration.hasFixedPositions
        ? Self.fixedPositions(grid: configuration.grid, width: width, prefix: prefix)
        : .zeros([1, prefix + configuration.grid.reduce(1, *), width])
    }
    if configuration.normalisesFirst { firstNorm = norm() }
    blocks = (0..<configuration.layers).map {
      ViTBlock(configuration, place: $0, key: key.fork(1).fork($0))
    }
    if configuration.lastNorm == .tokens { self.norm = norm() }
    if configuration.lastNorm == .pooled { pooledNorm = norm() }
    let features = configuration.representation?.width ?? width
    if configuration.representation != nil {
      representation = Linear(inputs: width, outputs: features, key: key.fork(2))
    }
    if configuration.classes > 0 {
      head = Linear(inputs: features, outputs: configuration.classes, key: key.fork(3))
      if configuration.hasDistillationToken, configuration.hasDistillationHead {
        distillationHead = Linear(inputs: width, outputs: configuration.classes, key: key.fork(4))
      }
    }
    initialize(key.fork(5)) { Self.initializer($0) }
  }

  /// Sines and cosines of rows and columns, [1, prefix + patches, width]; zeros for the tokens before them.
  static func fixedPositions(grid: [Int], width: Int, prefix: Int = 1) -> Tensor {
    let patches = sinusoidGrid(height: grid[0], width: grid[1], channels: width)
    return concatenate([.zeros([prefix, width]), patches]).expanded(0)
  }

  /// As timm: small normal numbers for weights and positions, none for biases; the patch embedding keeps the size of
  /// signals.
  static func initializer(_ leaf: Visitor.Leaf) -> Initializer? {
    let name = leaf.name
    if name.hasSuffix("bias") { return .zeros }
    if name.hasSuffix("cls_token") || name.hasSuffix("reg_token") {
      return .normal(deviation: 1e-6)
    }
    if name.hasSuffix("pos_embed") || name.hasSuffix("dist_token") || leaf.tensor.rank == 2 {
      return .truncatedNormal(deviation: 0.02)
    }
    if leaf.tensor.rank == 4 {
      let fan = Double(leaf.tensor.shape.dropFirst().reduce(1, *))
      return .truncatedNormal(deviation: (1 / fan).squareRoot())
    }
    return nil
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]: the mean of both heads where the distillation
  /// token has one; features where there is no head.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    guard configuration.hasDistillationToken, configuration.hasDistillationHead else {
      return logits(of: tokens(x, phase), phase)
    }
    let (own, distilled) = bothLogits(x, phase)
    return (own + distilled) * 0.5
  }

  /// What the class token and the distillation token say: [batch, classes] each.
  public func bothLogits(_ x: Tensor, _ phase: Phase) -> (own: Tensor, distilled: Tensor) {
    let tokens = tokens(x, phase)
    let features = dropout(tokens.element(1, 1), phase.fork(-3))
    return (
      logits(of: tokens, phase),
      (distillationHead.map { $0(features) } ?? features).recorded("head_dist")
    )
  }

  /// All tokens behind the blocks and the last norm: [batch, length, width].
  public func tokens(_ x: Tensor, _ phase: Phase) -> Tensor {
    encoded(embedded(x, phase), phase)
  }

  /// What enters the blocks: [batch, length, width].
  /// - Parameter seeing: the patches that take part, in their order: int32, [batch, count]; all unless given.
  public func embedded(_ x: Tensor, seeing: Tensor? = nil, _ phase: Phase) -> Tensor {
    let map = patchEmbedding.map(x)
    var patches = map.flattened(1..<3).recorded("patch_embed")
    let (own, places) = positions(of: Array(map.shape[1...2]))
    if let places { patches = patches + places }
    if let seeing {
      patches = patches.takeAlong(
        1, seeing.expanded(-1).broadcast(to: seeing.shape + [configuration.width]))
    }
    let parts = [classToken, distillationToken, registers].compactMap(\.self)
    if !parts.isEmpty {
      let width = configuration.width
      var prefix = concatenate(parts.map { $0.reshaped([1, -1, width]) }, axis: 1)
      if let own { prefix = prefix + own }
      prefix = prefix.broadcast(to: [x.shape[0], configuration.prefix, width])
      patches = concatenate([prefix, patches], axis: 1)
    }
    let tokens = Dropout(configuration.tokenDropout)(patches, phase.fork(-1)).recorded("embedded")
    return (firstNorm.map { $0(tokens) } ?? tokens).recorded("norm_pre")
  }

  /// The blocks and the last norm over given tokens.
  public func encoded(_ tokens: Tensor, _ phase: Phase) -> Tensor {
    var x = tokens
    for (i, block) in blocks.enumerated() {
      x = block(x, phase.fork(i)).recorded("blocks.\(i)")
    }
    return (norm.map { $0(x) } ?? x).recorded("norm")
  }

  /// The positions of the first tokens, and of patches in a grid, to which they are resampled.
  private func positions(of grid: [Int]) -> (own: Tensor?, patches: Tensor?) {
    guard let all = positions?.reshaped([1, -1, configuration.width]) else { return (nil, nil) }
    let prefix = configuration.positions == .all ? configuration.prefix : 0
    var patches = all.sliced(1, prefix..<all.shape[1])
    if configuration.resamplesPositions, grid != configuration.grid {
      patches = patches.reshaped([1] + configuration.grid + [configuration.width])
        .resized(to: grid, mode: .cubic, antialias: true).flattened(1..<3)
    }
    return (prefix == 0 ? nil : all.sliced(1, 0..<prefix), patches)
  }

  /// What the head sees of all tokens: [batch, features].
  public func features(of tokens: Tensor) -> Tensor {
    let pooled = pooled(tokens)
    let normed = (pooledNorm.map { $0(pooled) } ?? pooled).recorded("fc_norm")
    guard let representation, let activation = configuration.representation?.activation else {
      return normed
    }
    return activation(representation(normed).recorded("pre_logits")).recorded("pooled")
  }

  private func logits(of tokens: Tensor, _ phase: Phase) -> Tensor {
    let features = dropout(features(of: tokens), phase.fork(-2))
    return (head.map { $0(features) } ?? features).recorded("head")
  }

  private func dropout(_ x: Tensor, _ phase: Phase) -> Tensor {
    Dropout(configuration.headDropout)(x, phase)
  }

  private func pooled(_ tokens: Tensor) -> Tensor {
    let first = configuration.poolsAllTokens ? 0 : configuration.prefix
    let pooled = tokens.sliced(1, first..<tokens.shape[1])
    return switch configuration.pooling {
    case .token: tokens.element(1, 0)
    case .average: pooled.mean([1])
    case .max: pooled.max([1])
    case .averageMax: (pooled.max([1]) + pooled.mean([1])) * 0.5
    case .none: tokens
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("patch_embed", &patchEmbedding)
    visitor("cls_token", &classToken)
    visitor("dist_token", &distillationToken)
    visitor("reg_token", &registers)
    if configuration.hasFixedPositions {
      visitor.buffer("pos_embed", &positions)
    } else {
      visitor("pos_embed", &positions)
    }
    visitor("norm_pre", &firstNorm)
    visitor("blocks", &blocks)
    visitor("norm", &norm)
    visitor("fc_norm", &pooledNorm)
    visitor("pre_logits", &representation)
    visitor("head", &head)
    visitor("head_dist", &distillationHead)
    visitor.fixed("configuration", configuration)
  }
}
