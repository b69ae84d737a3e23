public import Layers
public import Tensors

extension EncoderDecoderConfiguration {
  /// The network of MASS (Song et al., arXiv:1905.02450), an encoder-decoder whose two sides are alike: learned positions
  /// behind the rows of the first special tokens, norms behind the positions and behind the sums, one table for all tokens.
  public static func mass(
    vocabulary: Int, context: Int = 512, width: Int = 1024, layers: Int = 6, heads: Int = 8,
    inner: Int = 4096, padding: Int = 1, dropout: Double = 0.1
  ) -> EncoderDecoderConfiguration {
    var side = TokenStackConfiguration(
      width: width, layers: layers, heads: heads, inner: inner,
      positions: .learned(count: context, offset: padding + 1))
    side.dropout = dropout
    side.attentionDropout = dropout
    var configuration = EncoderDecoderConfiguration(
      vocabulary: vocabulary, encoder: side, decoder: side)
    configuration.padding = padding
    return configuration
  }
}

/// What MASS trains on: a fragment of every text is hidden from the encoder, and the decoder, which sees nothing but the
/// tokens before each one within the fragment, says what it was. A fragment of one token is BERT's task, one of the whole
/// text GPT's.
public struct MASSFragment: Module {
  /// What the encoder reads, [batch, length].
  public var source: Tensor
  /// What the decoder reads, [batch, fragment]: the token before each hidden one.
  public var target: Tensor
  /// The hidden tokens, [batch, fragment].
  public var labels: Tensor
  /// Where they stand in the text, int32, [batch, fragment]: the decoder's positions.
  public var positions: Tensor

  /// - Parameters:
  ///   - texts: ids, [batch, length].
  ///   - starts: where the fragments begin, int32, [batch], each at most length − `count`.
  ///   - count: tokens of a fragment.
  ///   - mask: the token that stands for hidden ones.
  ///   - beginning: what stands before a text.
  ///   - vocabulary: a tenth of the hidden tokens become any of so many, another tenth stays; nil: all are masked.
  public init(
    of texts: Tensor, starts: Tensor, count: Int, mask: Int, beginning: Int,
    vocabulary: Int? = nil, key: RandomKey
  ) {
    let (batch, length, type) = (texts.shape[0], texts.shape[1], texts.dataType)
    guard count > 0, count <= length else {
      fail("MASS: a fragment of \(count) tokens does not fit texts of \(length)")
    }
    func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], type) }
    let places = Tensor.range(length).expanded(0) - starts.expanded(1)
    let isHidden = places.greaterOrEqual(to: Tensor.fill(integer: 0, [], .int32))
      .and(places.less(than: Double(count)))
    var hidden = number(mask).broadcast(to: texts.shape)
    if let vocabulary {
      let chance = key.fork(0).uniform(texts.shape, in: 0..<1)
      let other = key.fork(1).integers(below: vocabulary, texts.shape, type)
      hidden = select(
        chance.less(than: 0.8), hidden, select(chance.less(than: 0.9), other, texts))
    }
    source = select(isHidden, hidden, texts)
    positions = starts.expanded(1) + Tensor.range(count).expanded(0)
    labels = texts.takeAlong(1, positions)
    let before = concatenate(
      [number(beginning).broadcast(to: [batch, 1]), texts.sliced(1, 0..<(length - 1))], axis: 1)
    target = before.takeAlong(1, positions)
  }

  /// Where fragments begin, as the authors draw it: a fifth at the beginning, a fifth at the end, the others anywhere.
  public static func starts(batch: Int, length: Int, count: Int, _ key: RandomKey) -> Tensor {
    let last = length - count
    let chance = key.fork(0).uniform([batch], in: 0..<1)
    func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [batch], .int32) }
    let anywhere = key.fork(1).integers(below: last + 1, [batch])
    return select(
      chance.less(than: 0.2), number(0), select(chance.less(than: 0.4), number(last), anywhere))
  }

  /// The mean cross entropy of the hidden tokens.
  /// - Parameter sourceMask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  public func loss(
    _ model: EncoderDecoder, sourceMask: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    let memory = model.encoderStates(source, mask: sourceMask, phase.fork(0)).last!
    let states = model.decoderStates(
      target, positions: positions, memory: memory, memoryMask: sourceMask, phase.fork(1))
    return crossEntropy(model.logits(of: states.last!), labels)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("source", &source)
    visitor.buffer("target", &target)
    visitor.buffer("labels", &labels)
    visitor.buffer("positions", &positions)
  }
}
