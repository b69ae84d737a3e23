public import Tensors

/// Blocks one after the other and, unless it is nil, a norm at the end: PyTorch's `TransformerEncoder` and
/// `TransformerDecoder`.
public struct TransformerStack<Norm: Layer>: Module {
  public var layers: [TransformerBlock<Norm>]
  public var norm: Norm?

  public init(layers: [TransformerBlock<Norm>], norm: Norm? = nil) {
    self.layers = layers
    self.norm = norm
  }

  /// - Parameters:
  ///   - x: [batch, length, width].
  ///   - mask: of the attention of `x` to itself.
  ///   - memory: the sequence that decoders attend to: [batch, length, width].
  ///   - memoryMask: of the attention to that sequence.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, memory: Tensor? = nil,
    memoryMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    var x = x
    for (i, layer) in layers.enumerated() {
      let memory = memory.flatMap { layer.keyValues(of: $0) }
      x = layer(
        x, mask: mask, positions: positions, memory: memory, memoryMask: memoryMask, phase.fork(i))
    }
    return norm.map { $0(x) } ?? x
  }

  /// The same for the next tokens of a sequence that is generated.
  /// - Parameters:
  ///   - caches: one for every layer.
  ///   - memory: `keyValues(of:)`, made once for the whole sequence.
  public func callAsFunction(
    _ x: Tensor, caches: inout [KeyValueCache], mask: Tensor? = nil, positions: Tensor? = nil,
    memory: [KeyValues]? = nil, memoryMask: Tensor? = nil
  ) -> Tensor {
    var x = x
    for (i, layer) in layers.enumerated() {
      x = layer(
        x, cache: &caches[i], mask: mask, positions: positions, memory: memory?[i],
        memoryMask: memoryMask)
    }
    return norm.map { $0(x) } ?? x
  }

  /// Empty caches for all layers.
  public func caches(batch: Int, capacity: Int, _ dataType: DataType = .float32) -> [KeyValueCache]
  {
    layers.map { $0.attention.cache(batch: batch, capacity: capacity, dataType) }
  }

  /// What the layers' attention to another sequence reads of it.
  public func keyValues(of memory: Tensor) -> [KeyValues] {
    layers.compactMap { $0.keyValues(of: memory) }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("layers", &layers)
    visitor("norm", &norm)
  }
}

/// An encoder and a decoder that attends to what it gives (Vaswani et al., arXiv:1706.03762), with PyTorch's
/// `nn.Transformer`'s tensors: without embeddings, positions and output layer.
public struct Transformer: Module {
  public var encoder: TransformerStack<LayerNorm>
  public var decoder: TransformerStack<LayerNorm>

  /// - Parameters:
  ///   - inner: the width of the feed-forward parts.
  ///   - hasLastNorm: encoder and decoder end with a norm, as in PyTorch; the paper's, with norms after the sums, do not.
  public init(
    width: Int, heads: Int, encoderLayers: Int, decoderLayers: Int, inner: Int,
    activation: Activation = .relu, isNormFirst: Bool = false, hasLastNorm: Bool = true,
    dropout: Double = 0.1, epsilon: Double = 1e-5, key: RandomKey
  ) {
    func norm() -> LayerNorm { LayerNorm(width: width, epsilon: epsilon) }
    func attention(isCausal: Bool, _ key: RandomKey) -> MultiHeadAttention {
      MultiHeadAttention(
        width: width, heads: heads, isCausal: isCausal, dropout: dropout, key: key)
    }
    func block(isDecoder: Bool, _ key: RandomKey) -> TransformerBlock<LayerNorm> {
      TransformerBlock(
        norm: norm, attention: attention(isCausal: isDecoder, key.fork(0)),
        crossAttention: isDecoder ? attention(isCausal: false, key.fork(1)) : nil,
        feedForward: FeedForward(
          width: width, inner: inner, activation: activation, dropout: dropout, key: key.fork(2)),
        isNormFirst: isNormFirst, dropout: dropout)
    }
    func stack(_ count: Int, isDecoder: Bool, _ key: RandomKey) -> TransformerStack<LayerNorm> {
      TransformerStack(
        layers: (0..<count).map { block(isDecoder: isDecoder, key.fork($0)) },
        norm: hasLastNorm ? norm() : nil)
    }
    encoder = stack(encoderLayers, isDecoder: false, key.fork(0))
    decoder = stack(decoderLayers, isDecoder: true, key.fork(1))
  }

  /// The decoder's output for every token of `target`, of which each sees those before it and all of `source`.
  /// - Parameters:
  ///   - source: [batch, length, width].
  ///   - target: [batch, length, width].
  ///   - sourceMask: which tokens of the source there are, [batch, 1, 1, length].
  public func callAsFunction(
    _ source: Tensor, _ target: Tensor, sourceMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    let memory = encoder(source, mask: sourceMask, phase.fork(0))
    return decoder(target, memory: memory, memoryMask: sourceMask, phase.fork(1))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
  }
}
