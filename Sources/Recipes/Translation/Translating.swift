public import Layers
public import Models
public import Tensors

/// A model that a translation recipe trains: what it asks of encoder-decoders of all kinds. Places of the source with the
/// token 0 are padding.
public protocol Translating: TokenModel {
  /// Logits of the next token at every place of the target: [batch, length, vocabulary].
  func logits(_ source: Tensor, _ target: Tensor, _ phase: Phase) -> Tensor
  /// What the encoder makes of sources, [batch, length].
  func encoded(_ source: Tensor) -> Source
  /// How much each place of the target looks at each of the source, [batch, length, length]; nil where no one attention
  /// says it.
  func alignments(_ source: Tensor, _ target: Tensor) -> Tensor?
}

extension RecurrentSeq2Seq: Translating {
  public func logits(_ source: Tensor, _ target: Tensor, _ phase: Phase) -> Tensor {
    self(source, target, lengths: lengths(source), phase)
  }

  public func encoded(_ source: Tensor) -> SequenceSource {
    encoded(source, lengths: lengths(source))
  }

  public func alignments(_ source: Tensor, _ target: Tensor) -> Tensor? {
    alignment(source, target, lengths: lengths(source))
  }

  private func lengths(_ source: Tensor) -> Tensor {
    source.isToken.cast(to: .int32).sum([1])
  }
}

extension EncoderDecoder: Translating {
  public func logits(_ source: Tensor, _ target: Tensor, _ phase: Phase) -> Tensor {
    self(source, target, sourceMask: mask(source), phase)
  }

  public func encoded(_ source: Tensor) -> EncodedSource {
    let mask = mask(source)
    return EncodedSource(states: encoderStates(source, mask: mask).last!, mask: mask)
  }

  public func alignments(_ source: Tensor, _ target: Tensor) -> Tensor? { nil }

  private func mask(_ source: Tensor) -> Tensor { source.isToken.expanded([1, 2]) }
}

extension Tensor {
  /// Where ids are not padding.
  fileprivate var isToken: Tensor { notEqual(to: zerosLike()) }
}
