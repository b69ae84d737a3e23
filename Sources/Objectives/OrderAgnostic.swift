internal import Layers
public import Models
public import Tensors

/// What a model of all orders is trained by: the pixels that come next in a random order, all at once (Uria et al.,
/// arXiv:1605.02226, eq. 4.2).
public enum OrderAgnostic {
  /// An estimate of the mean over all orders of −log p(x) in nats, [batch], without bias: in a random order with a random
  /// number of pixels seen, every unseen pixel is as likely as the others to be the next one, so their mean cost counts
  /// once for each of the length places.
  ///
  /// - Parameter x: 0 and 1, [batch, length].
  public static func loss(_ model: EoNADE, _ x: Tensor, _ key: RandomKey) -> Tensor {
    let (batch, length) = (x.shape[0], x.shape[1])
    let seenCount = key.fork(0).integers(below: length, [batch, 1])
    let rank = key.fork(1).uniform([batch, length]).argsort(1)
    return loss(model, x, seen: rank.less(than: seenCount))
  }

  /// The estimate given which pixels are seen: bool, [batch, length], at least one of them not.
  public static func loss(_ model: EoNADE, _ x: Tensor, seen: Tensor) -> Tensor {
    let logits = model.onLogits(of: x, seen: seen)
    let costs = logits.softplus() - x.cast(to: logits.dataType) * logits
    let unseen = seen.not().cast(to: logits.dataType)
    return (costs * unseen).sum([1]) / unseen.sum([1]) * Double(x.shape[1])
  }
}
