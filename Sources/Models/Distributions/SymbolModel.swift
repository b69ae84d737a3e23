public import Tensors

/// A model of sequences of symbols, each predicted from those before it: p(x) = ∏ p(xᵢ | the earlier ones in the model's order).
///
/// Pixels in rows, bytes of a file and samples of a sound are such sequences. Because the probabilities of a place are known
/// as soon as the earlier places are, a sequence can be drawn place by place, and coded without loss into as many bits as
/// −log₂ p(x). Whoever decodes asks for `logits` again and again, 0 standing in all places that are not known yet.
public protocol SymbolModel: ProbabilityModel {
  /// How many symbols there are: 0 ..< alphabet.
  var alphabet: Int { get }
  /// How many places a sequence has; nil where it may have any number up to `longest`.
  var length: Int? { get }
  /// The most places that a sequence may have; nil: any number.
  var longest: Int? { get }
  /// The places of a sequence in the order in which they are predicted: a permutation of 0 ..< length.
  func order(of length: Int) -> [Int]
  /// What each place may hold: symbols [batch, length], int32 or int64 → unnormalised logarithms of probabilities
  /// [batch, length, alphabet].
  ///
  /// Those of a place depend on earlier places alone, to the last bit: they are the same numbers whatever symbols stand in
  /// the place itself and in later ones.
  func logits(of symbols: Tensor) -> Tensor
}

extension SymbolModel {
  public var length: Int? { nil }
  public var longest: Int? { length }
  public func order(of length: Int) -> [Int] { Array(0..<length) }

  /// log p(x) in nats, [batch], of sequences [batch, length], or of pictures whose axes are joined to one.
  public func logProbability(of x: Tensor) -> Tensor {
    let symbols = x.symbols
    return -crossEntropy(logits(of: symbols), symbols, ignoring: nil, reduction: .none).sum([1])
  }
}

extension Tensor {
  /// Examples [batch, …] of any type as sequences of symbols: int32, [batch, length].
  var symbols: Tensor {
    let flat = rank == 2 ? self : reshaped([shape[0], -1])
    return flat.dataType == .int64 ? flat : flat.cast(to: .int32)
  }
}
