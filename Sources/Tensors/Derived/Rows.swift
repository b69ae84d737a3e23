// Functions along one axis: softmax, taking elements by number, sorting, running sums. The primitives work along the last
// axis; other axes are exchanged with it.

extension Tensor {
  /// Applies a function that works along the last axis to another axis.
  private func alongLast(_ axis: Int, _ body: (Tensor) -> Tensor) -> Tensor {
    let axis = self.axis(axis)
    return axis == rank - 1 ? body(self) : body(swapped(axis, -1)).swapped(axis, -1)
  }

  /// exp(x) over its sum along an axis. Where everything along the axis is −∞ (masked) the result is 0.
  public func softmax(_ axis: Int = -1) -> Tensor {
    widened { x in x.alongLast(axis) { Tensor(Softmax(), [$0]) } }
  }

  /// x − log Σ exp(x) along an axis: the logarithm of the softmax, without overflow.
  public func logSoftmax(_ axis: Int = -1) -> Tensor {
    widened { $0 - $0.logSumExp(axis, keepsAxis: true) }
  }

  /// log Σ exp(x) along an axis, without overflow; −∞ where everything along the axis is.
  public func logSumExp(_ axis: Int = -1, keepsAxis: Bool = false) -> Tensor {
    let axis = self.axis(axis)
    return widened { x in
      let order = x.shape.indices.filter { $0 != axis } + [axis]
      let sum = Tensor(LogSumExp(), [x.transposed(order)])
      return keepsAxis ? sum.expanded(axis) : sum
    }
  }

  // MARK: Taking elements by number

  /// Rows of this table, by number: the embedding of ids.
  ///
  /// The table is [rows, …], `ids` int32 or int64 of any shape; the result is [shape of the ids…, …]. Numbers out of range
  /// are not detected: they count as the nearest row and pass no gradient on.
  public func rows(_ ids: Tensor) -> Tensor { Tensor(Gather(), [self, ids]) }

  /// The parts at the positions `ids` of an axis: the axis is replaced by those of `ids` (int32 or int64, of any shape).
  /// Numbers out of range count as the nearest and pass no gradient on.
  public func gathered(_ axis: Int, _ ids: Tensor) -> Tensor {
    let axis = self.axis(axis)
    let front = [axis] + shape.indices.filter { $0 != axis }
    let taken = transposed(front).rows(ids)
    // The axes of ids come first: move those that were before the axis in front of them.
    let before = Array(ids.rank..<(ids.rank + axis))
    return taken.transposed(before + Array(0..<ids.rank) + Array((ids.rank + axis)..<taken.rank))
  }

  /// The elements at the positions `ids` along an axis, side by side along all other axes, whose sizes must agree.
  /// Numbers out of range count as the nearest and pass no gradient on.
  public func takeAlong(_ axis: Int, _ ids: Tensor) -> Tensor {
    Tensor(TakeAlong(axis: self.axis(axis)), [self, ids])
  }

  /// 1 at the position that each id names along a new last axis of size `count`, else 0; all 0 for an id out of range.
  public func oneHot(_ count: Int, _ dataType: DataType = .float32) -> Tensor {
    let places = Tensor.indices(shape + [count], axis: -1, self.dataType)
    return places.equal(to: expanded(-1)).cast(to: dataType)
  }

  // MARK: Order

  /// The elements along an axis in order, and where they were (int32). Stable; NaN counts as the largest. The gradient
  /// goes to where each element was.
  public func sortedWithPositions(_ axis: Int = -1, descending: Bool = false) -> (
    values: Tensor, positions: Tensor
  ) {
    top(shape[self.axis(axis)], axis, descending: descending)
  }

  /// The elements along an axis in order.
  public func sorted(_ axis: Int = -1, descending: Bool = false) -> Tensor {
    sortedWithPositions(axis, descending: descending).values
  }

  /// The positions (int32) of the elements along an axis in the order of their sizes.
  public func argsort(_ axis: Int = -1, descending: Bool = false) -> Tensor {
    sortedWithPositions(axis, descending: descending).positions
  }

  /// The `count` largest elements along an axis, falling (or smallest, rising), and where they were (int32). Of equal
  /// ones the first come first.
  public func topK(_ count: Int, _ axis: Int = -1, largest: Bool = true) -> (
    values: Tensor, positions: Tensor
  ) {
    top(count, axis, descending: largest)
  }

  private func top(_ count: Int, _ axis: Int, descending: Bool) -> (Tensor, Tensor) {
    let axis = self.axis(axis)
    let isHalf = dataType == .float16 || dataType == .bfloat16
    let x = isHalf ? cast(to: .float32) : self
    let rows = axis == rank - 1 ? x : x.swapped(axis, -1)
    let results = Tensor.apply(Sort(descending: descending, limit: count), [rows])
      .map { axis == rank - 1 ? $0 : $0.swapped(axis, -1) }
    return (results[0].cast(to: dataType), results[1])
  }

  // MARK: Running sums

  /// The sum of the elements up to each place along an axis. `exclusive`: without the place's own element; `reverse`:
  /// from the end.
  public func cumulativeSum(_ axis: Int = -1, exclusive: Bool = false, reverse: Bool = false)
    -> Tensor
  {
    widened {
      Tensor(
        CumulativeSum(axis: $0.axis(axis), exclusive: exclusive, reverse: reverse), [$0])
    }
  }
}
