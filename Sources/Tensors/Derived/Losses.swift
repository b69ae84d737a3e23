/// What becomes of a loss that has one value an example.
public enum LossReduction: Sendable, Hashable {
  case none, sum
  /// Over the elements; of weighted examples the weighted mean, ignored examples left out.
  case mean
  /// The sum over everything divided by the size of the first axis.
  case batchMean

  func callAsFunction(_ loss: Tensor) -> Tensor {
    switch self {
    case .none: loss
    case .sum: loss.sum()
    case .mean: loss.mean()
    case .batchMean: loss.sum() / Double(max(loss.shape.first ?? 1, 1))
    }
  }
}

// MARK: - Distances between values

/// (x − target)².
public func meanSquaredError(
  _ x: Tensor, _ target: Tensor, reduction: LossReduction = .mean
) -> Tensor {
  reduction((x - target).square())
}

/// |x − target|.
public func meanAbsoluteError(
  _ x: Tensor, _ target: Tensor, reduction: LossReduction = .mean
) -> Tensor {
  reduction((x - target).abs())
}

/// ½ d² where |d| ≤ delta, else delta (|d| − ½ delta), for d = x − target.
public func huberLoss(
  _ x: Tensor, _ target: Tensor, delta: Double = 1, reduction: LossReduction = .mean
) -> Tensor {
  let d = (x - target).abs()
  return reduction(select(d.greater(than: delta), (d - delta / 2) * delta, d.square() * 0.5))
}

/// ½ d² / beta where |d| < beta, else |d| − ½ beta, for d = x − target: Huber's loss divided by its threshold.
public func smoothL1Loss(
  _ x: Tensor, _ target: Tensor, beta: Double = 1, reduction: LossReduction = .mean
) -> Tensor {
  let d = (x - target).abs()
  if beta == 0 { return reduction(d) }
  return reduction(select(d.less(than: beta), d.square() * (0.5 / beta), d - beta / 2))
}

// MARK: - Likelihoods

/// The negative log likelihood of `target` under normal distributions with mean `x` and the given variances, of which
/// none counts as less than `epsilon`; the gradient reaches those that are less, so that they can grow again. `full` adds
/// the constant ½ log 2π.
public func gaussianNegativeLogLikelihood(
  _ x: Tensor, _ target: Tensor, variance: Tensor, full: Bool = false, epsilon: Double = 1e-6,
  reduction: LossReduction = .mean
) -> Tensor {
  let least = variance - variance.stopped() + epsilon
  let variance = select(variance.less(than: epsilon), least, variance)
  let loss = (variance.log() + (x - target).square() / variance) * 0.5
  return reduction(full ? loss + 0.9189385332046727 : loss)
}

/// The negative log likelihood of counts under Poisson distributions with rate exp(x), or x where `isLogarithm` is false.
/// `full` adds Stirling's approximation of log target!.
public func poissonNegativeLogLikelihood(
  _ x: Tensor, _ target: Tensor, isLogarithm: Bool = true, full: Bool = false,
  epsilon: Double = 1e-8, reduction: LossReduction = .mean
) -> Tensor {
  var loss = isLogarithm ? x.exp() - target * x : x - target * (x + epsilon).log()
  if full {
    let t = maximum(target, 1)
    let stirling = t * t.log() - t + (t * (2 * .pi)).log() * 0.5
    loss = loss + select(target.greater(than: 1), stirling, t.zerosLike())
  }
  return reduction(loss)
}

/// The divergence of a distribution from its target, Σ target (log target − x), where `x` are logarithms of probabilities.
/// `isLogarithm`: the target's are logarithms too. Divided by the size of the first axis unless told otherwise.
public func klDivergence(
  _ x: Tensor, _ target: Tensor, isLogarithm: Bool = false, reduction: LossReduction = .batchMean
) -> Tensor {
  if isLogarithm { return reduction(target.exp() * (target - x)) }
  // 0 log 0 is 0.
  let safe = select(target.equal(to: 0), target.onesLike(), target)
  return reduction(target * (safe.log() - x))
}

// MARK: - Similarities and margins

/// Σ a b / (‖a‖ ‖b‖) along an axis, which disappears; no norm counts as less than `epsilon`.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor, axis: Int = -1, epsilon: Double = 1e-8)
  -> Tensor
{
  func norm(_ x: Tensor) -> Tensor {
    maximum(x.square().sum([axis]), epsilon * epsilon).sqrt()
  }
  return (a * b).sum([axis]) / (norm(a) * norm(b))
}

/// 1 − cos(a, b) where the target is 1, max(cos(a, b) − margin, 0) where it is −1; a and b [batch, width].
public func cosineEmbeddingLoss(
  _ a: Tensor, _ b: Tensor, _ target: Tensor, margin: Double = 0, reduction: LossReduction = .mean
) -> Tensor {
  let similarity = cosineSimilarity(a, b)
  return reduction(
    select(target.greater(than: 0), 1 - similarity, maximum(similarity - margin, 0)))
}

/// x where the target is 1, max(margin − x, 0) where it is −1.
public func hingeEmbeddingLoss(
  _ x: Tensor, _ target: Tensor, margin: Double = 1, reduction: LossReduction = .mean
) -> Tensor {
  reduction(select(target.greater(than: 0), x, maximum(margin - x, 0)))
}

/// max(margin − target (a − b), 0) with targets 1 (a should be larger) and −1 of the operands' type.
public func marginRankingLoss(
  _ a: Tensor, _ b: Tensor, _ target: Tensor, margin: Double = 0, reduction: LossReduction = .mean
) -> Tensor {
  reduction(maximum(margin - target * (a - b), 0))
}

/// max(‖anchor − positive‖ − ‖anchor − negative‖ + margin, 0) along the last axis; `epsilon` is added to differences.
public func tripletMarginLoss(
  anchor: Tensor, positive: Tensor, negative: Tensor, margin: Double = 1, epsilon: Double = 1e-6,
  reduction: LossReduction = .mean
) -> Tensor {
  func distance(_ other: Tensor) -> Tensor {
    (anchor - other + epsilon).square().sum([-1]).sqrt()
  }
  return reduction(maximum(distance(positive) - distance(negative) + margin, 0))
}
