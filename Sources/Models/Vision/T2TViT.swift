public import Layers
public import Tensors

/// Sizes of a T2T-ViT.
public struct T2TViTConfiguration: Codable, Hashable, Sendable {
  /// How the first two steps attend.
  public enum Kind: String, Codable, Hashable, Sendable {
    /// In linear time, by random features (Choromanski et al., arXiv:2009.14794).
    case performer
    case transformer
  }

  /// Height and width of the pictures.
  public var image = 224
  /// Channels of the pictures.
  public var inputs = 3
  public var kind: Kind
  /// Of the tokens in the first two steps.
  public var tokenWidth = 64
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Of the feed-forward parts.
  public var inner: Int
  /// Classes of the head; 0: there is none.
  public var classes = 1000
  /// What scores are multiplied by; 1/√(head width) unless given.
  public var scale: Double?
  public var hasQueryBias = false
  public var dropout = 0.0
  public var attentionDropout = 0.0
  /// Of the last layer; rising evenly from 0 in the first.
  public var stochasticDepth = 0.0

  public init(kind: Kind, width: Int, layers: Int, heads: Int, inner: Int) {
    (self.kind, self.width, self.layers) = (kind, width, layers)
    (self.heads, self.inner) = (heads, inner)
  }

  /// Rows of tokens after each of the three steps.
  public var rows: [Int] {
    let first = (image + 4 - 7) / 4 + 1
    return [first, (first + 1) / 2, ((first + 1) / 2 + 1) / 2]
  }

  /// The layers behind the steps.
  var backbone: ViTConfiguration {
    var sizes = ViTConfiguration(width: width, layers: layers, heads: heads, inner: inner)
    (sizes.epsilon, sizes.hasQueryBias, sizes.stochasticDepth) = (
      1e-5, hasQueryBias, stochasticDepth
    )
    (sizes.dropout, sizes.innerDropout) = (dropout, dropout)
    sizes.attentionDropout = attentionDropout
    return sizes
  }
}

/// One step from many narrow tokens to fewer: attention with one head whose residual is its value, since widths differ.
public struct TokensToToken: Module {
  public var norm1: LayerNorm
  /// All three projections: of a performer k, q, v, else q, k, v.
  public var projections: Linear
  public var output: Linear
  public var norm2: LayerNorm
  public var feedForward: FeedForward
  /// The random directions of a performer's features, [features, width]; not trained.
  public var directions: Tensor?
  let inputs: Int

  init(_ kind: T2TViTConfiguration.Kind, inputs: Int, width: Int, key: RandomKey) {
    self.inputs = inputs
    norm1 = LayerNorm(width: inputs)
    projections = Linear(
      inputs: inputs, outputs: 3 * width, hasBias: kind == .performer, key: key.fork(0))
    output = Linear(inputs: width, outputs: width, key: key.fork(1))
    norm2 = LayerNorm(width: width)
    feedForward = FeedForward(width: width, inner: width, key: key.fork(2))
    if kind == .performer {
      let features = max(width / 2, 1)
      directions =
        Initializer.orthogonal(gain: Double(features).squareRoot())([features, width], key.fork(3))
    }
  }

  /// [batch, length, inputs] → [batch, length, width].
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let parts = projections(norm1(x)).split(-1, into: 3)
    let attended =
      directions.map { performed(keys: parts[0], queries: parts[1], parts[2], along: $0) }
      ?? attention(
        parts[0].expanded(2), parts[1].expanded(2), parts[2].expanded(2),
        scale: 1 / Double(inputs).squareRoot()
      ).squeezed(2)
    let dropped = Dropout(directions == nil ? 0 : 0.1)(output(attended), phase)
    let y = parts[2] + dropped
    return y + feedForward(norm2(y))
  }

  /// Attention by features whose products are exp(q · k) on average (arXiv:2009.14794, lemma 1).
  private func performed(
    keys: Tensor, queries: Tensor, _ values: Tensor, along directions: Tensor
  ) -> Tensor {
    func features(_ x: Tensor) -> Tensor {
      let squares = x.square().sum([2], keepsAxes: true) * 0.5
      return (matrixProduct(x, directions.transposed()) - squares).exp()
        * (1 / Double(directions.shape[0]).squareRoot())
    }
    let (k, q) = (features(keys), features(queries))
    let sums = matrixProduct(q, matrixProduct(k.transposed(), values))
    return sums / (matrixProduct(q, k.sum([1]).expanded(-1)) + 1e-8)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm1", &norm1)
    visitor("norm2", &norm2)
    if directions == nil {
      visitor("attn.qkv", &projections)
      visitor("attn.proj", &output)
      visitor("mlp.fc1", &feedForward.input)
      visitor("mlp.fc2", &feedForward.output)
    } else {
      visitor("kqv", &projections)
      visitor("proj", &output)
      visitor("mlp.0", &feedForward.input)
      visitor("mlp.2", &feedForward.output)
      visitor.buffer("w", &directions)
    }
    feedForward.visitSettings(&visitor)
    visitor.fixed("inputs", inputs)
  }
}

/// A vision Transformer whose tokens come from overlapping windows in three steps (T2T-ViT: Yuan et al., arXiv:2101.11986).
public struct T2TViT: Layer {
  public var attention1: TokensToToken
  public var attention2: TokensToToken
  public var project: Linear
  /// [1, 1, width].
  public var classToken: Tensor
  /// Sines and cosines, [1, 1 + tokens, width]; not trained.
  public var positions: Tensor
  public var blocks: [ViTBlock]
  public var norm: LayerNorm
  public var head: Linear?
  public let configuration: T2TViTConfiguration

  public init(_ configuration: T2TViTConfiguration, key: RandomKey) {
    self.configuration = configuration
    let (width, narrow) = (configuration.width, configuration.tokenWidth)
    attention1 = TokensToToken(
      configuration.kind, inputs: 49 * configuration.inputs, width: narrow, key: key.fork(0))
    attention2 = TokensToToken(
      configuration.kind, inputs: 9 * narrow, width: narrow, key: key.fork(1))
    project = Linear(inputs: 9 * narrow, outputs: width, key: key.fork(2))
    classToken = .zeros([1, 1, width])
    let count = configuration.rows[2] * configuration.rows[2] + 1
    positions = sinusoids(count: count, width: width).expanded(0)
    blocks = (0..<configuration.layers).map {
      var block = ViTBlock(configuration.backbone, place: $0, key: key.fork(3).fork($0))
      block.block.attention.scale = configuration.scale
      return block
    }
    norm = LayerNorm(width: width)
    if configuration.classes > 0 {
      head = Linear(inputs: width, outputs: configuration.classes, key: key.fork(4))
    }
    initialize(key.fork(5)) { leaf in
      leaf.name == "cls_token" ? .truncatedNormal(deviation: 0.02) : ViT.initializer(leaf)
    }
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = tokens(x, phase.fork(-1))
    let token = classToken.broadcast(to: [x.shape[0], 1, configuration.width])
    x = concatenate([token, x], axis: 1) + positions
    x = Dropout(configuration.dropout)(x, phase.fork(-2))
    for (i, block) in blocks.enumerated() {
      x = block(x, phase.fork(i)).recorded("blocks.\(i)")
    }
    let features = norm(x).recorded("norm").element(1, 0)
    return head.map { $0(features) } ?? features
  }

  /// The tokens of the backbone: [batch, tokens, width].
  private func tokens(_ x: Tensor, _ phase: Phase) -> Tensor {
    func step(_ map: Tensor, _ step: TokensToToken, _ place: Int) -> Tensor {
      let tokens = step(map.flattened(1..<3), phase.fork(place))
        .recorded("tokens_to_token.attention\(place)")
      let grid = tokens.reshaped(Array(map.shape[0..<3]) + [tokens.shape[2]])
      return unfolded(grid, size: 3, stride: 2, padding: 1)
    }
    let first = step(unfolded(x, size: 7, stride: 4, padding: 2), attention1, 1)
    let second = step(first, attention2, 2)
    return project(second.flattened(1..<3)).recorded("tokens_to_token.project")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens_to_token.attention1", &attention1)
    visitor("tokens_to_token.attention2", &attention2)
    visitor("tokens_to_token.project", &project)
    visitor("cls_token", &classToken)
    visitor.buffer("pos_embed", &positions)
    visitor("blocks", &blocks)
    visitor("norm", &norm)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
