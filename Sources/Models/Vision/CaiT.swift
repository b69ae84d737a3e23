public import Layers
public import Tensors

/// Sizes of a CaiT.
public struct CaiTConfiguration: Codable, Hashable, Sendable {
  public enum Pooling: String, Codable, Hashable, Sendable {
    case token
    /// The mean of the patches.
    case average = "avg"
    /// None: the head works on every token.
    case none = ""
  }

  /// Height and width of the pictures, and of the patches.
  public var image: [Int]
  public var patch = [16, 16]
  /// Channels of the pictures.
  public var inputs = 3
  public var width: Int
  /// Layers over the patches, and layers over the class token.
  public var layers: Int
  public var classLayers = 2
  public var heads: Int
  /// Of the feed-forward parts of both.
  public var inner: Int
  public var classInner: Int
  /// Classes of the head; 0: there is none.
  public var classes = 1000
  public var pooling = Pooling.token
  public var activation = Activation.gelu
  public var hasQueryBias = true
  /// The first value of the factors of the branches.
  public var layerScale: Double

  /// Of the tokens, of branches and inside the feed-forward parts, of attention, and before the head.
  public var tokenDropout = 0.0
  public var dropout = 0.0
  public var attentionDropout = 0.0
  public var headDropout = 0.0
  /// The same in all layers over the patches.
  public var stochasticDepth = 0.0

  public init(
    image: Int, width: Int, layers: Int, heads: Int, layerScale: Double = 1e-5
  ) {
    (self.image, self.width, self.layers) = ([image, image], width, layers)
    (self.heads, self.layerScale) = (heads, layerScale)
    (inner, classInner) = (4 * width, 4 * width)
  }

  /// Rows and columns of patches.
  public var grid: [Int] { zip(image, patch).map { $0 / $1 } }
}

/// A layer over the patches with factors of the branches (layer scale), whose heads talk: scores, and then probabilities,
/// are mixed over the heads (Shazeer et al., arXiv:2003.02436).
public struct CaiTBlock: Module {
  public var block: TransformerBlock<LayerNorm>
  /// Of the scores, and of the probabilities: from all heads to all heads.
  public var scores: Linear
  public var weights: Linear

  init(_ configuration: CaiTConfiguration, key: RandomKey) {
    let heads = configuration.heads
    let attention = MultiHeadAttention(
      width: configuration.width, heads: heads, hasBias: configuration.hasQueryBias,
      hasOutputBias: true, dropout: configuration.attentionDropout, key: key.fork(0))
    block = CaiT.block(
      configuration, attention, inner: configuration.inner,
      stochasticDepth: configuration.stochasticDepth, key: key.fork(1))
    scores = Linear(inputs: heads, outputs: heads, key: key.fork(2))
    weights = Linear(inputs: heads, outputs: heads, key: key.fork(3))
  }

  /// [batch, length, width] → the same.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    block(x, phase) { talked($0, phase.fork(0)) }
  }

  private func talked(_ x: Tensor, _ phase: Phase) -> Tensor {
    let attention = block.attention
    guard let qkv = attention.qkv, let output = attention.output else {
      fail("talking heads: queries, keys and values are one product")
    }
    let (heads, width) = (attention.heads, attention.headWidth)
    // [batch, heads, length, head width] each.
    let parts = qkv(x).reshaped([x.shape[0], x.shape[1], 3, heads, width])
      .transposed([2, 0, 3, 1, 4]).split(0, into: 3).map { $0.squeezed(0) }
    let scaled = parts[0] * (1 / Double(width).squareRoot())
    let heard = mixed(matrixProduct(scaled, parts[1].transposed()), by: scores)
    let said = Dropout(attention.dropout)(mixed(heard.softmax(-1), by: weights), phase)
    return output(matrixProduct(said, parts[2]).transposed([0, 2, 1, 3]).flattened(2..<4))
  }

  private func mixed(_ x: Tensor, by linear: Linear) -> Tensor {
    linear(x.transposed([0, 2, 3, 1])).transposed([0, 3, 1, 2])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("gamma_1", &block.attentionScale)
    visitor("gamma_2", &block.feedForwardScale)
    visitor("norm1", &block.attentionNorm)
    visitor("attn.qkv", &block.attention.qkv)
    visitor("attn.proj", &block.attention.output)
    visitor("attn.proj_l", &scores)
    visitor("attn.proj_w", &weights)
    visitor("norm2", &block.feedForwardNorm)
    visitor("mlp.fc1", &block.feedForward.input)
    visitor("mlp.fc2", &block.feedForward.output)
    block.visitSettings(&visitor)
  }
}

/// A layer over the class token alone, which looks at itself and at the patches (Touvron et al., arXiv:2103.17239, eq. 5–7).
public struct ClassBlock: Module {
  public var block: TransformerBlock<LayerNorm>

  init(_ configuration: CaiTConfiguration, key: RandomKey) {
    // As in the published code, nothing is dropped here.
    var sizes = configuration
    sizes.dropout = 0
    let attention = MultiHeadAttention(
      width: sizes.width, heads: sizes.heads, isFused: false, hasBias: sizes.hasQueryBias,
      hasOutputBias: true, key: key.fork(0))
    block = CaiT.block(
      sizes, attention, inner: sizes.classInner, stochasticDepth: 0, key: key.fork(1))
  }

  /// - Parameters:
  ///   - token: [batch, 1, width].
  ///   - patches: [batch, length, width].
  /// - Returns: [batch, 1, width].
  public func callAsFunction(_ token: Tensor, _ patches: Tensor, _ phase: Phase) -> Tensor {
    let seen = block.attentionNorm(patches)
    return block(token, phase) { own in
      let all = block.attention.keyValues(of: concatenate([own, seen], axis: 1))
      return block.attention(own, all, phase.fork(0))
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("gamma_1", &block.attentionScale)
    visitor("gamma_2", &block.feedForwardScale)
    visitor("norm1", &block.attentionNorm)
    visitor("attn.q", &block.attention.query)
    visitor("attn.k", &block.attention.key)
    visitor("attn.v", &block.attention.value)
    visitor("attn.proj", &block.attention.output)
    visitor("norm2", &block.feedForwardNorm)
    visitor("mlp.fc1", &block.feedForward.input)
    visitor("mlp.fc2", &block.feedForward.output)
    block.visitSettings(&visitor)
  }
}

/// CaiT (Touvron et al., arXiv:2103.17239): a deep vision Transformer whose class token joins late, under timm's names.
public struct CaiT: Layer {
  public var patchEmbedding: PatchEmbedding
  /// [1, 1, width].
  public var classToken: Tensor
  /// Of the patches, [1, patches, width].
  public var positions: Tensor
  public var blocks: [CaiTBlock]
  public var classBlocks: [ClassBlock]
  public var norm: LayerNorm
  public var head: Linear?
  public let configuration: CaiTConfiguration

  public init(_ configuration: CaiTConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.width
    patchEmbedding = PatchEmbedding(
      patch: configuration.patch, inputs: configuration.inputs, width: width, key: key.fork(0))
    classToken = .zeros([1, 1, width])
    positions = .zeros([1, configuration.grid.reduce(1, *), width])
    blocks = (0..<configuration.layers).map {
      CaiTBlock(configuration, key: key.fork(1).fork($0))
    }
    classBlocks = (0..<configuration.classLayers).map {
      ClassBlock(configuration, key: key.fork(2).fork($0))
    }
    norm = LayerNorm(width: width, epsilon: 1e-6)
    if configuration.classes > 0 {
      head = Linear(inputs: width, outputs: configuration.classes, key: key.fork(3))
    }
    initialize(key.fork(4)) { leaf in
      leaf.name == "cls_token" ? .truncatedNormal(deviation: 0.02) : ViT.initializer(leaf)
    }
  }

  /// A layer without its way to attend.
  static func block(
    _ configuration: CaiTConfiguration, _ attention: MultiHeadAttention, inner: Int,
    stochasticDepth: Double, key: RandomKey
  ) -> TransformerBlock<LayerNorm> {
    let width = configuration.width
    var block = TransformerBlock(
      norm: { LayerNorm(width: width, epsilon: 1e-6) }, attention: attention,
      feedForward: FeedForward(
        width: width, inner: inner, activation: configuration.activation,
        dropout: configuration.dropout, key: key),
      dropout: configuration.dropout, stochasticDepth: stochasticDepth)
    block.attentionScale = .fill(configuration.layerScale, [width])
    block.feedForwardScale = .fill(configuration.layerScale, [width])
    return block
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let tokens = tokens(x, phase)
    let pooled =
      switch configuration.pooling {
      case .token: tokens.element(1, 0)
      case .average: tokens.sliced(1, 1..<tokens.shape[1]).mean([1])
      case .none: tokens
      }
    let features = Dropout(configuration.headDropout)(pooled, phase.fork(-2))
    return head.map { $0(features) } ?? features
  }

  /// The class token and the patches behind the last norm: [batch, 1 + patches, width].
  public func tokens(_ x: Tensor, _ phase: Phase) -> Tensor {
    let embedded = patchEmbedding(x) + positions
    var patches = Dropout(configuration.tokenDropout)(embedded, phase.fork(-1))
      .recorded("pos_drop")
    for (i, block) in blocks.enumerated() {
      patches = block(patches, phase.fork(i)).recorded("blocks.\(i)")
    }
    var token = classToken.broadcast(to: [x.shape[0], 1, configuration.width])
    for (i, block) in classBlocks.enumerated() {
      token = block(token, patches, phase.fork(blocks.count + i))
        .recorded("blocks_token_only.\(i)")
    }
    return norm(concatenate([token, patches], axis: 1)).recorded("norm")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("patch_embed", &patchEmbedding)
    visitor("cls_token", &classToken)
    visitor("pos_embed", &positions)
    visitor("blocks", &blocks)
    visitor("blocks_token_only", &classBlocks)
    visitor("norm", &norm)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
