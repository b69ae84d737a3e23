public import Tensors

/// One layer of a Transformer: attention, where there is another sequence attention to it, and a feed-forward part, each
/// with a norm and a residual. The one block of all model families.
///
/// Before-norm adds f(norm(x)) to x; after-norm is norm(x + f(x)). Its tensors carry the names of PyTorch's
/// `TransformerEncoderLayer` and `TransformerDecoderLayer`; a model with other names visits the parts itself:
///
///     public mutating func visit(_ visitor: inout Visitor) {
///       visitor("ln_1", &block.attentionNorm)
///       visitor("attn.c_attn", &block.attention.qkv)
///       visitor("attn.c_proj", &block.attention.output)
///       visitor("ln_2", &block.feedForwardNorm)
///       visitor("mlp.c_fc", &block.feedForward.input)
///       visitor("mlp.c_proj", &block.feedForward.output)
///       block.visitSettings(&visitor)
///     }
public struct TransformerBlock<Norm: Layer>: Module {
  public var attentionNorm: Norm
  public var attention: MultiHeadAttention
  /// Attention to another sequence, in decoders.
  public var crossNorm: Norm?
  public var crossAttention: MultiHeadAttention?
  public var feedForwardNorm: Norm
  public var feedForward: FeedForward
  /// Factors of the branches, [width] (layer scale: Touvron et al., arXiv:2103.17239); nil where there are none.
  public var attentionScale: Tensor?
  public var feedForwardScale: Tensor?
  /// Norms come before the branches, not after the sums.
  public var isNormFirst: Bool
  /// Of every branch, before the sum.
  public var dropout: Double
  /// The probability with which training leaves out a branch of an example.
  public var stochasticDepth: Double

  /// - Parameters:
  ///   - norm: makes one norm.
  ///   - crossAttention: makes the block a decoder's.
  public init(
    norm: () -> Norm, attention: MultiHeadAttention, crossAttention: MultiHeadAttention? = nil,
    feedForward: FeedForward, isNormFirst: Bool = true, dropout: Double = 0,
    stochasticDepth: Double = 0
  ) {
    attentionNorm = norm()
    self.attention = attention
    crossNorm = crossAttention == nil ? nil : norm()
    self.crossAttention = crossAttention
    feedForwardNorm = norm()
    self.feedForward = feedForward
    self.isNormFirst = isNormFirst
    self.dropout = dropout
    self.stochasticDepth = stochasticDepth
  }

  /// - Parameters:
  ///   - x: [batch, length, width].
  ///   - mask: of the attention to itself.
  ///   - positions: for rotary ones.
  ///   - memory: keys and values of another sequence, by `keyValues(of:)`.
  ///   - memoryMask: of the attention to that sequence.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, memory: KeyValues? = nil,
    memoryMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    self(x, memory: memory, memoryMask: memoryMask, phase) {
      attention($0, mask: mask, positions: positions, phase.fork(0))
    }
  }

  /// The same for the next tokens of a sequence that is generated.
  public func callAsFunction(
    _ x: Tensor, cache: inout KeyValueCache, mask: Tensor? = nil, positions: Tensor? = nil,
    memory: KeyValues? = nil, memoryMask: Tensor? = nil
  ) -> Tensor {
    self(x, memory: memory, memoryMask: memoryMask, .inference) {
      attention($0, cache: &cache, mask: mask, positions: positions)
    }
  }

  /// What the block's attention to another sequence reads of it: [batch, length, width].
  public func keyValues(of memory: Tensor) -> KeyValues? { crossAttention?.keyValues(of: memory) }

  /// The block with another attention of `x`, [batch, …, width], to itself, such as one within windows: `attend` gets what
  /// the first branch works on.
  public func callAsFunction(
    _ x: Tensor, memory: KeyValues? = nil, memoryMask: Tensor? = nil, _ phase: Phase,
    attend: (Tensor) -> Tensor
  ) -> Tensor {
    var x = added(x, attentionNorm, attentionScale, phase.fork(1), attend)
    if let crossAttention, let crossNorm {
      guard let memory else { fail("a decoder's block needs the memory it attends to") }
      x = added(x, crossNorm, nil, phase.fork(2)) {
        crossAttention($0, memory, mask: memoryMask, phase.fork(3))
      }
    }
    return added(x, feedForwardNorm, feedForwardScale, phase.fork(4)) {
      feedForward($0, phase.fork(5))
    }
  }

  /// One branch with its norm and residual.
  private func added(
    _ x: Tensor, _ norm: Norm, _ scale: Tensor?, _ phase: Phase, _ branch: (Tensor) -> Tensor
  ) -> Tensor {
    var y = branch(isNormFirst ? norm(x) : x)
    if let scale { y = y * scale }
    y = StochasticDepth(stochasticDepth)(Dropout(dropout)(y, phase.fork(0)), phase.fork(1))
    return isNormFirst ? x + y : norm(x + y)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("self_attn", &attention)
    visitor("multihead_attn", &crossAttention)
    visitor("linear1", &feedForward.input)
    visitor("linear_gate", &feedForward.gate)
    visitor("linear2", &feedForward.output)
    visitor("norm1", &attentionNorm)
    if crossAttention != nil {
      visitor("norm2", &crossNorm)
      visitor("norm3", &feedForwardNorm)
    } else {
      visitor("norm2", &feedForwardNorm)
    }
    visitor("scale1", &attentionScale)
    visitor("scale2", &feedForwardScale)
    visitSettings(&visitor)
  }

  /// Names the plain values that belong to the key of a compiled step: for models that name the tensors themselves.
  public func visitSettings(_ visitor: inout Visitor) {
    attention.visitSettings(&visitor)
    crossAttention?.visitSettings(&visitor)
    feedForward.visitSettings(&visitor)
    visitor.fixed("isNormFirst", isNormFirst)
    visitor.fixed("rates", [dropout, stochasticDepth])
  }
}
