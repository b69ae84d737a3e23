public import Layers
public import Tensors

/// Sizes of a DaViT.
public struct DaViTConfiguration: Codable, Hashable, Sendable {
  /// One of the stages.
  public struct Stage: Codable, Hashable, Sendable {
    public var width: Int
    /// Pairs of a block over places and one over channels.
    public var layers: Int
    public var heads: Int
    /// Groups of channels that see each other.
    public var groups: Int
    /// Of the feed-forward parts.
    public var inner: Int
    /// Of the convolution that makes the stage's map.
    public var kernel: Int
    public var stride: Int
    public var padding: Int
    /// The norm stands before that convolution.
    public var isNormFirst: Bool

    public init(
      width: Int, layers: Int, heads: Int, groups: Int, inner: Int, kernel: Int, stride: Int,
      padding: Int, isNormFirst: Bool
    ) {
      (self.width, self.layers, self.heads, self.groups) = (width, layers, heads, groups)
      (self.inner, self.kernel, self.stride) = (inner, kernel, stride)
      (self.padding, self.isNormFirst) = (padding, isNormFirst)
    }
  }

  public var stages: [Stage]
  /// Channels of the pictures.
  public var inputs = 3
  /// Height and width of the windows.
  public var window: Int
  public var activation = Activation.gelu
  public var hasQueryBias = true
  /// Of the last block; rising evenly from 0 in the first.
  public var stochasticDepth = 0.1

  public init(stages: [Stage], window: Int) { (self.stages, self.window) = (stages, window) }

  /// Rows and columns of the last map, by those of the picture; nil where nothing is left.
  public func map(of picture: [Int]) -> [Int]? {
    var size = picture
    for stage in stages {
      let rest = size.map { $0 + 2 * stage.padding - stage.kernel }
      guard rest.allSatisfy({ $0 >= 0 }) else { return nil }
      size = rest.map { $0 / stage.stride + 1 }
    }
    return size
  }
}

/// A block over places, within windows, or over channels, within groups; each half begins with a depthwise convolution.
public struct DaViTBlock: Module {
  public enum Kind: String, Hashable, Sendable { case places, channels }

  public var convolution1: Convolution
  public var norm1: LayerNorm
  public var attention: MultiHeadAttention
  public var convolution2: Convolution
  public var norm2: LayerNorm
  public var feedForward: FeedForward
  let kind: Kind
  let window: Int
  let drop: StochasticDepth

  init(
    _ kind: Kind, _ configuration: DaViTConfiguration, _ stage: DaViTConfiguration.Stage,
    stochasticDepth: Double, key: RandomKey
  ) {
    let width = stage.width
    func depthwise(_ purpose: Int) -> Convolution {
      Convolution(
        inputs: width, outputs: width, kernel: [3, 3], padding: .symmetric([1]), groups: width,
        key: key.fork(purpose))
    }
    (convolution1, convolution2) = (depthwise(0), depthwise(1))
    (norm1, norm2) = (LayerNorm(width: width), LayerNorm(width: width))
    attention = MultiHeadAttention(
      width: width, heads: kind == .places ? stage.heads : stage.groups,
      hasBias: configuration.hasQueryBias, hasOutputBias: true, key: key.fork(2))
    feedForward = FeedForward(
      width: width, inner: stage.inner, activation: configuration.activation, key: key.fork(3))
    (self.kind, window) = (kind, configuration.window)
    drop = StochasticDepth(stochasticDepth)
  }

  /// [batch, height, width, channels] → the same.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = convolution1(x) + x
    x = x + drop(attended(norm1(x)), phase.fork(0))
    x = convolution2(x) + x
    return x + drop(feedForward(norm2(x)), phase.fork(1))
  }

  private func attended(_ x: Tensor) -> Tensor {
    guard kind == .places else { return amongChannels(x.flattened(1..<3)).reshaped(x.shape) }
    let partition = WindowPartition(size: Array(x.shape[1...2]), window: [window, window])
    return partition.map(of: attention(partition.windows(of: x)))
  }

  /// Channels of a group look at each other; each is described by its values at all places: [batch, places, channels].
  private func amongChannels(_ x: Tensor) -> Tensor {
    guard let qkv = attention.qkv, let output = attention.output else {
      fail("attention among channels: queries, keys and values are one product")
    }
    // [batch, groups, channels of a group, places] each.
    let parts = qkv(x).reshaped([x.shape[0], x.shape[1], 3, attention.heads, attention.headWidth])
      .transposed([2, 0, 3, 4, 1]).split(0, into: 3).map { $0.squeezed(0) }
    let scaled = parts[0] * (1 / Double(x.shape[1]).squareRoot())
    let weights = matrixProduct(scaled, parts[1].transposed()).softmax(-1)
    return output(matrixProduct(weights, parts[2]).transposed([0, 3, 1, 2]).flattened(2..<4))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv1", &convolution1)
    visitor("norm1", &norm1)
    visitor("attn.qkv", &attention.qkv)
    visitor("attn.proj", &attention.output)
    visitor("conv2", &convolution2)
    visitor("norm2", &norm2)
    visitor("ffn.fc1", &feedForward.input)
    visitor("ffn.fc2", &feedForward.output)
    attention.visitSettings(&visitor)
    feedForward.visitSettings(&visitor)
    visitor.fixed("kind", kind)
    visitor.fixed("window", window)
    visitor.fixed("drop", drop.rate)
  }
}

/// DaViT (Ding et al., arXiv:2204.03645): blocks over places within windows, and over channels within groups, in turn.
public struct DaViT: Layer {
  /// Each makes a stage's map.
  public var embeddings: [ConvolutionalEmbedding]
  /// Of every stage, over places and over channels in turn.
  public var stages: [[DaViTBlock]]

  public init(_ configuration: DaViTConfiguration, key: RandomKey) {
    let last = max(2 * configuration.stages.map(\.layers).reduce(0, +) - 1, 1)
    var (inputs, place) = (configuration.inputs, 0)
    (embeddings, stages) = ([], [])
    for (i, stage) in configuration.stages.enumerated() {
      embeddings.append(
        ConvolutionalEmbedding(
          inputs: inputs, outputs: stage.width, kernel: stage.kernel, stride: stage.stride,
          padding: stage.padding, isNormFirst: stage.isNormFirst, key: key.fork(i)))
      stages.append(
        (0..<(2 * stage.layers)).map { j in
          defer { place += 1 }
          return DaViTBlock(
            j % 2 == 0 ? .places : .channels, configuration, stage,
            stochasticDepth: configuration.stochasticDepth * Double(place) / Double(last),
            key: key.fork(-1 - i).fork(j))
        })
      inputs = stage.width
    }
  }

  /// The last map of pictures: [batch, height, width, channels] both.
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = x
    for (i, embedding) in embeddings.enumerated() {
      x = embedding(x).recorded("convs.\(i)")
      for (j, block) in stages[i].enumerated() { x = block(x, phase.fork(i).fork(j)) }
    }
    return x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("convs", &embeddings)
    visitor("blocks", &stages)
  }
}
