/// Connectionist temporal classification (Graves et al. 2006, section 4.1): the negative log likelihood of a sequence of
/// labels under per-step scores, summed over all alignments, in which each label may repeat and blanks may stand between
/// labels and must stand between equal ones.
///
/// - Parameters:
///   - logits: [batch, time, classes]. They are normalised here, so logarithms of probabilities do as well.
///   - targets: int32 or int64, [batch, most labels]; what stands behind a row's length is not read.
///   - lengths: the valid steps of every row, [batch], int32 or int64; all unless given.
///   - targetLengths: the labels of every row, likewise.
///   - blank: the class that is no label.
///   - zeroesInfinity: rows with fewer steps than their labels need, whose loss is infinite, count as 0. They have no
///     gradient in any case.
/// - Returns: one number, or with `.none` one for each row. As in PyTorch the mean is that of the rows' losses, each divided
///   by its number of labels.
public func ctcLoss(
  _ logits: Tensor, _ targets: Tensor, lengths: Tensor? = nil, targetLengths: Tensor? = nil,
  blank: Int = 0, zeroesInfinity: Bool = false, reduction: LossReduction = .mean
) -> Tensor {
  guard logits.rank == 3, targets.rank == 2, targets.shape[0] == logits.shape[0],
    targets.shape[1] > 0, (0..<logits.shape[2]).contains(blank)
  else {
    fail(
      "ctcLoss: logits are [batch, time, classes] and targets [batch, labels] with blank \(blank) among the classes; "
        + "given are \(logits.label) \(logits.shape) and \(targets.label) \(targets.shape)")
  }
  for (name, sizes) in [("lengths", lengths), ("targetLengths", targetLengths)] {
    if let sizes, sizes.shape != [logits.shape[0]] {
      fail("ctcLoss: \(name) are one for each of \(logits.shape[0]) rows, not \(sizes.shape)")
    }
  }
  let counts =
    targetLengths?.cast(to: targets.dataType)
    ?? .fill(integer: Int64(targets.shape[1]), [targets.shape[0]], targets.dataType)
  let alignment = Alignment(
    targets, blank: .fill(integer: Int64(blank), [targets.shape[0], 1], targets.dataType))
  let total = alignment.logLikelihood(logits, lengths, counts)
  let isPossible = total.greater(than: Alignment.lowest / 2)
  let loss = select(
    isPossible, -total, total.filled(zeroesInfinity ? 0 : .infinity))
  if reduction == .mean { return (loss / maximum(counts.cast(to: loss.dataType), 1)).mean() }
  return reduction(loss)
}

/// The places that an alignment goes through: labels with blanks before, between and behind them.
private struct Alignment {
  /// The class of every place, [batch, places].
  let classes: Tensor
  /// Where the blank before a label may be left out: it follows another label. Bool, [batch, places].
  let maySkip: Tensor
  /// Stands for log 0. Finite, so that differences have no NaN, and far beyond any sum of logarithms.
  static let lowest = -1e30

  init(_ targets: Tensor, blank: Tensor) {
    let (batch, labels) = (targets.shape[0], targets.shape[1])
    let blanks = blank.broadcast(to: [batch, labels])
    classes = concatenate(
      [stack([blanks, targets], axis: 2).reshaped([batch, 2 * labels]), blank], axis: 1)
    let before = concatenate([blank, blank, classes.sliced(1, 0..<(2 * labels - 1))], axis: 1)
    maySkip = classes.notEqual(to: blank).and(classes.notEqual(to: before))
  }

  /// The logarithm of the sum over alignments (eq. 6 to 8), [batch].
  func logLikelihood(_ logits: Tensor, _ lengths: Tensor?, _ counts: Tensor) -> Tensor {
    let (batch, time, places) = (logits.shape[0], logits.shape[1], classes.shape[1])
    let scores = logits.cast(to: logits.widenedType).logSoftmax().swapped(0, 1)
    let emitted = maximum(
      scores.takeAlong(2, classes.broadcast(to: [time, batch, places])), Self.lowest)
    let isValid = lengths.map {
      Tensor.indices([time, batch, 1], axis: 0, $0.dataType).less(than: $0.expanded(1))
    }
    // Before the first step everything stands at the first blank, as if it had been emitted.
    let start = select(
      Tensor.indices([batch, places], axis: 1).equal(to: 0),
      .zeros([batch, places], emitted.dataType),
      .fill(Self.lowest, [batch, places], emitted.dataType))
    let end = Scan.run(
      carry: [start], stacks: [emitted] + (isValid.map { [$0] } ?? []), length: time
    ) { carry, step in
      let next = advanced(carry[0]) + step[0]
      return ([step.count > 1 ? select(step[1], next, carry[0]) : next], [])
    }.carry[0]
    // It ends at the last label or at the blank behind it.
    let last = counts.expanded(1) * 2
    let label = end.takeAlong(1, maximum(last - 1, 0))
    return logSum([
      end.takeAlong(1, last), select(last.equal(to: 0), label.filled(Self.lowest), label),
    ])
    .squeezed(1)
  }

  /// What reaches every place in one step: from itself, from the place before and, where a blank may be left out, from the
  /// one before that.
  private func advanced(_ x: Tensor) -> Tensor {
    func shifted(_ count: Int) -> Tensor {
      x.sliced(1, 0..<max(x.shape[1] - count, 0)).padded([(0, 0), (count, 0)], value: Self.lowest)
    }
    return logSum([x, shifted(1), select(maySkip, shifted(2), x.filled(Self.lowest))])
  }

  /// log Σ exp of tensors, place by place. Its gradient does not depend on what is subtracted.
  private func logSum(_ terms: [Tensor]) -> Tensor {
    let largest = terms.dropFirst().reduce(terms[0], maximum).stopped()
    let sum = terms.map { ($0 - largest).exp() }
    return largest + sum.dropFirst().reduce(sum[0], +).log()
  }
}
