public import Tensors

/// A model of sequences of 0 and 1, which gives each place one number: the logit of 1.
public protocol BinarySymbolModel: SymbolModel {
  /// The logits of 1, [batch, length], of sequences [batch, length] of any type; each depends on earlier places alone.
  func onLogits(of x: Tensor) -> Tensor
}

extension BinarySymbolModel {
  public var alphabet: Int { 2 }

  public func logits(of symbols: Tensor) -> Tensor {
    let on = onLogits(of: symbols)
    return stack([on.zerosLike(), on], axis: 2)
  }

  public func logProbability(of x: Tensor) -> Tensor {
    let flat = x.rank == 2 ? x : x.flattened(1..<x.rank)
    return flat.logProbability(onLogits: onLogits(of: flat))
  }
}

extension Tensor {
  /// log p in nats, [batch], of sequences of 0 and 1 [batch, length], given the logits of 1.
  func logProbability(onLogits logits: Tensor) -> Tensor {
    (cast(to: logits.dataType) * logits - logits.softplus()).sum([1])
  }

  /// The logits of probabilities, which are kept off 0 and 1.
  func logit() -> Tensor {
    let p = clipped(to: 0.001...0.999)
    return p.log() - (1 - p).log()
  }
}
