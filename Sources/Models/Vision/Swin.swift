public import Layers
public import Tensors

/// One layer of a Swin Transformer: attention within windows and a feed-forward part, under timm's names.
public struct SwinBlock: Module {
  public var block: TransformerBlock<LayerNorm>
  public var bias: WindowPositionBias
  let window: [Int]
  let shift: [Int]
  let shifting: SwinConfiguration.Shifting

  /// - Parameters:
  ///   - place: of the layer in its stage; every second one shifts its windows.
  ///   - stochasticDepth: of this layer.
  init(
    _ configuration: SwinConfiguration, _ stage: SwinConfiguration.Stage, place: Int,
    stochasticDepth: Double, key: RandomKey
  ) {
    let attention = MultiHeadAttention(
      width: stage.width, heads: stage.heads, headWidth: stage.headWidth,
      isFused: configuration.isFused, hasBias: configuration.hasQueryBias, hasOutputBias: true,
      dropout: configuration.attentionDropout, key: key.fork(0))
    let feedForward = FeedForward(
      width: stage.width, inner: stage.inner, activation: configuration.activation,
      dropout: configuration.innerDropout, key: key.fork(1))
    block = TransformerBlock(
      norm: { LayerNorm(width: stage.width, epsilon: configuration.epsilon) },
      attention: attention, feedForward: feedForward, dropout: configuration.dropout,
      stochasticDepth: stochasticDepth)
    bias = WindowPositionBias(window: stage.window, heads: stage.heads, key: key.fork(2))
    window = stage.window
    shift = place % 2 == 0 ? [0, 0] : stage.shift
    shifting = configuration.shifting
  }

  /// How a map is cut.
  func partition(of size: [Int]) -> WindowPartition {
    let whole = WindowPartition(size: size, window: window)
    let shift =
      switch shifting {
      case .byAxis: zip(shift, whole.counts).map { $1 > 1 ? $0 : 0 }
      case .byMap: zip(size, window).allSatisfy { $0 > $1 } ? shift : [0, 0]
      case .fixed: shift
      }
    return WindowPartition(
      size: size, window: window, shift: shift, turnsFirst: shifting == .fixed)
  }

  /// [batch, height, width, channels] → the same.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let partition = partition(of: Array(x.shape[1...2]))
    return block(x, phase) { normed in
      var mask = bias()
      if let apart = partition.mask {
        let windows = apart.shape[0]
        mask = (mask + apart).expanded(0)
        mask = mask.broadcast(to: [x.shape[0]] + mask.shape.dropFirst())
          .reshaped([x.shape[0] * windows] + mask.shape.dropFirst(2))
      }
      let windows = partition.windows(of: normed)
      return partition.map(of: block.attention(windows, mask: mask, phase.fork(0)))
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm1", &block.attentionNorm)
    visitor("attn.relative_position_bias_table", &bias)
    visitor("attn.qkv", &block.attention.qkv)
    visitor("attn.q_proj", &block.attention.query)
    visitor("attn.k_proj", &block.attention.key)
    visitor("attn.v_proj", &block.attention.value)
    visitor("attn.proj", &block.attention.output)
    visitor("norm2", &block.feedForwardNorm)
    visitor("mlp.fc1", &block.feedForward.input)
    visitor("mlp.fc2", &block.feedForward.output)
    block.visitSettings(&visitor)
    visitor.fixed("windows", [window, shift])
    visitor.fixed("shifting", shifting)
  }
}

/// Four neighbouring patches become one (arXiv:2103.14030, 3.1).
public struct PatchMerging: Module {
  public var norm: LayerNorm
  public var reduction: Linear

  init(inputs: Int, outputs: Int, key: RandomKey) {
    norm = LayerNorm(width: 4 * inputs)
    reduction = Linear(inputs: 4 * inputs, outputs: outputs, hasBias: false, key: key)
  }

  /// [batch, height, width, channels] → half of height and width, rounded up. Of four patches the lower left comes second.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let odd = x.shape.map { $0 % 2 }
    let x = odd[1] + odd[2] == 0 ? x : x.padded([(0, 0), (0, odd[1]), (0, odd[2]), (0, 0)])
    let (rows, columns, channels) = (x.shape[1] / 2, x.shape[2] / 2, x.shape[3])
    let parts = x.reshaped([-1, rows, 2, columns, 2, channels]).transposed([0, 1, 3, 4, 2, 5])
    return reduction(norm(parts.reshaped([-1, rows, columns, 4 * channels])))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm", &norm)
    visitor("reduction", &reduction)
  }
}

/// A Swin Transformer (Liu et al., arXiv:2103.14030): attention within windows that every second layer shifts.
public struct Swin: Layer {
  /// Layers over maps of one size.
  public struct Stage: Module {
    /// Before the layers; nil in the first stage.
    public var downsample: PatchMerging?
    /// What makes the map where convolutions do; else nil.
    public var embedding: ConvolutionalEmbedding?
    public var blocks: [SwinBlock]

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("downsample", &downsample)
      visitor("embed", &embedding)
      visitor("blocks", &blocks)
    }
  }

  /// Nil where convolutions make the tokens.
  public var patchEmbedding: PatchEmbedding?
  /// [1, patches, width].
  public var positions: Tensor?
  public var stages: [Stage]
  public var norm: LayerNorm
  public var head: Linear?
  public let configuration: SwinConfiguration

  public init(_ configuration: SwinConfiguration, key: RandomKey) {
    self.configuration = configuration
    let (first, last) = (configuration.stages[0], configuration.stages.last!)
    if configuration.embedding == .patches {
      patchEmbedding = PatchEmbedding(
        patch: configuration.patch, inputs: configuration.inputs, width: first.width,
        norm: LayerNorm(width: first.width), fills: configuration.padsPictures, key: key.fork(0))
    }
    positions = configuration.grid.map { .zeros([1, $0[0] * $0[1], first.width]) }
    let layers = configuration.stages.map(\.layers).reduce(0, +)
    var place = 0
    stages = configuration.stages.enumerated().map { i, stage in
      let key = key.fork(1).fork(i)
      let blocks = (0..<stage.layers).map { j in
        defer { place += 1 }
        return SwinBlock(
          configuration, stage, place: j,
          stochasticDepth: configuration.stochasticDepth * Double(place)
            / Double(max(layers - 1, 1)), key: key.fork(j))
      }
      return Self.stage(i, configuration, blocks, key.fork(-1))
    }
    norm = LayerNorm(width: last.width, epsilon: configuration.epsilon)
    if configuration.classes > 0 {
      head = Linear(
        inputs: configuration.pooling.features(of: last.width), outputs: configuration.classes,
        key: key.fork(2))
    }
    initialize(key.fork(3)) { ViT.initializer($0) }
  }

  /// With what makes the map that the layers work on.
  private static func stage(
    _ i: Int, _ configuration: SwinConfiguration, _ blocks: [SwinBlock], _ key: RandomKey
  ) -> Stage {
    let outputs = configuration.stages[i].width
    let inputs = i == 0 ? configuration.inputs : configuration.stages[i - 1].width
    switch configuration.embedding {
    case .patches:
      let merging = i == 0 ? nil : PatchMerging(inputs: inputs, outputs: outputs, key: key)
      return Stage(downsample: merging, blocks: blocks)
    case .convolutions:
      let embedding = ConvolutionalEmbedding(
        inputs: inputs, outputs: outputs, kernel: i == 0 ? 7 : 3, stride: i == 0 ? 4 : 2,
        padding: i == 0 ? 2 : 1, key: key)
      return Stage(embedding: embedding, blocks: blocks)
    }
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let pooled = configuration.pooling(map(x, phase), phase).recorded("pooled")
    let features = Dropout(configuration.headDropout)(pooled, phase.fork(-2))
    return head.map { $0(features) } ?? features
  }

  /// The last stage's map behind the last norm: [batch, height, width, channels].
  public func map(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = (patchEmbedding.map { $0.map(x) } ?? x).recorded("patch_embed")
    if let positions { x = x + positions.reshaped([1, x.shape[1], x.shape[2], x.shape[3]]) }
    x = Dropout(configuration.tokenDropout)(x, phase.fork(-1)).recorded("embedded")
    for (i, stage) in stages.enumerated() {
      if let downsample = stage.downsample {
        x = downsample(x).recorded("layers.\(i).downsample")
      }
      if let embedding = stage.embedding { x = embedding(x).recorded("layers.\(i).embed") }
      for (j, block) in stage.blocks.enumerated() {
        x = block(x, phase.fork(i).fork(j)).recorded("layers.\(i).blocks.\(j)")
      }
      x = x.recorded("layers.\(i)")
    }
    return norm(x).recorded("norm")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("patch_embed", &patchEmbedding)
    visitor("pos_embed", &positions)
    visitor("layers", &stages)
    visitor("norm", &norm)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
