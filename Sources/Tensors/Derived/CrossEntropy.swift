/// The cross entropy of logits and classes: −log softmax(logits) at the target.
///
/// With label smoothing ε the target gets 1 − ε and every class ε / classes of the weight (Szegedy et al. 2015,
/// arXiv:1512.00567). The mean is divided by the sum of the targets' weights, ignored targets left out; it is 0 where all
/// are ignored.
///
/// - Parameters:
///   - logits: classes along `axis`.
///   - targets: int32 or int64, of the shape of `logits` without `axis`.
///   - weights: of each class, [classes].
///   - ignored: a target that says there is none.
/// - Returns: one number, or with `.none` one for each target.
public func crossEntropy(
  _ logits: Tensor, _ targets: Tensor, axis: Int = -1, weights: Tensor? = nil,
  ignoring ignored: Int? = -100, smoothing: Double = 0, reduction: LossReduction = .mean
) -> Tensor {
  let axis = logits.axis(axis)
  let logits = logits.cast(to: logits.widenedType)
  let sum = logits.logSumExp(axis)
  var loss = sum - logits.atTargets(targets, axis)
  let weights = weights?.cast(to: logits.dataType)
  let targetWeights = weights?.rows(targets)
  if let targetWeights { loss = loss * targetWeights }
  if smoothing > 0 {
    let negative = sum.expanded(axis) - logits
    let all = (weights.map { negative * $0.along(axis, logits) } ?? negative).sum([axis])
    loss = loss * (1 - smoothing) + all * (smoothing / Double(max(logits.shape[axis], 1)))
  }
  return reduced(loss, targets, targetWeights, ignored, reduction)
}

/// The cross entropy of logits and distributions: −Σ target · log softmax(logits) along `axis`; the mean is over all rows.
/// Weights and smoothing as for classes.
public func crossEntropy(
  _ logits: Tensor, probabilities targets: Tensor, axis: Int = -1, weights: Tensor? = nil,
  smoothing: Double = 0, reduction: LossReduction = .mean
) -> Tensor {
  let axis = logits.axis(axis)
  let logits = logits.cast(to: logits.widenedType)
  var targets = targets.cast(to: logits.dataType)
  if smoothing > 0 {
    targets = targets * (1 - smoothing) + smoothing / Double(max(logits.shape[axis], 1))
  }
  if let weights { targets = targets * weights.cast(to: logits.dataType).along(axis, logits) }
  return reduction(-(targets * logits.logSoftmax(axis)).sum([axis]))
}

/// −x at the target, for logarithms of probabilities along `axis`. Weights, ignored targets and the mean as in
/// `crossEntropy`.
public func negativeLogLikelihood(
  _ logarithms: Tensor, _ targets: Tensor, axis: Int = -1, weights: Tensor? = nil,
  ignoring ignored: Int? = -100, reduction: LossReduction = .mean
) -> Tensor {
  let targetWeights = weights?.cast(to: logarithms.dataType).rows(targets)
  let loss = -logarithms.atTargets(targets, logarithms.axis(axis))
  let weighted = targetWeights.map { loss * $0 } ?? loss
  return reduced(weighted, targets, targetWeights, ignored, reduction)
}

/// −target · log p − (1 − target) · log(1 − p); log 0 counts as −100.
public func binaryCrossEntropy(
  _ probabilities: Tensor, _ targets: Tensor, reduction: LossReduction = .mean
) -> Tensor {
  func logarithm(_ p: Tensor) -> Tensor {
    let isZero = p.equal(to: 0)
    return select(isZero, p.filled(-100), select(isZero, p.onesLike(), p).log())
  }
  let p = probabilities
  return reduction(-(targets * logarithm(p) + (1 - targets) * logarithm(1 - p)))
}

/// Binary cross entropy of σ(logits), without overflow. `positiveWeights` multiply the term of the target.
public func binaryCrossEntropy(
  logits: Tensor, _ targets: Tensor, positiveWeights: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let positive = positiveWeights.map { ($0 - 1) * targets + 1 }
  let softplus = (-logits).softplus()
  return reduction((1 - targets) * logits + (positive.map { $0 * softplus } ?? softplus))
}

// MARK: - Parts

extension Tensor {
  /// The elements at the targets along an axis, which disappears.
  fileprivate func atTargets(_ targets: Tensor, _ axis: Int) -> Tensor {
    guard targets.shape == shape.indices.filter({ $0 != axis }).map({ shape[$0] }) else {
      fail(
        "classes along axis \(axis) of \(label) \(shape) do not go with targets \(targets.shape): "
          + "targets have the same shape without the axis")
    }
    return takeAlong(axis, targets.expanded(axis)).squeezed(axis)
  }

  /// A vector as values along one axis of a tensor.
  fileprivate func along(_ axis: Int, _ other: Tensor) -> Tensor {
    var shape = other.shape.map { _ in 1 }
    shape[axis] = count
    return reshaped(shape)
  }
}

/// Leaves out ignored targets; the mean is the weighted one.
private func reduced(
  _ loss: Tensor, _ targets: Tensor, _ weights: Tensor?, _ ignored: Int?,
  _ reduction: LossReduction
) -> Tensor {
  var loss = loss
  var weights = weights
  if let ignored {
    let none = Tensor.fill(integer: Int64(ignored), targets.shape, targets.dataType)
    let isUsed = targets.notEqual(to: none)
    loss = select(isUsed, loss, loss.zerosLike())
    weights = select(isUsed, weights ?? loss.onesLike(), loss.zerosLike())
  }
  guard reduction == .mean, let weights else { return reduction(loss) }
  let total = weights.sum()
  return loss.sum() / select(total.equal(to: 0), total.onesLike(), total)
}
