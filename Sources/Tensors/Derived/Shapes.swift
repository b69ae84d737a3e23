// Views and shape changes. Axes may be negative: −1 is the last one.

extension Tensor {
  /// The axis counted from the front; ends the program where there is no such axis.
  package func axis(_ axis: Int) -> Int {
    let result = axis < 0 ? axis + rank : axis
    guard shape.indices.contains(result) else {
      fail("axis \(axis) of a tensor of shape \(shape) does not exist")
    }
    return result
  }

  /// The same elements under another shape. One size may be −1: it is what is left.
  public func reshaped(_ shape: [Int]) -> Tensor {
    var shape = shape
    if let free = shape.firstIndex(of: -1) {
      let others = shape.enumerated().filter { $0.offset != free }.map(\.element).product
      guard others > 0, count % others == 0 else { fail("\(self.shape) does not fill \(shape)") }
      shape[free] = count / others
    }
    return shape == self.shape ? self : Tensor(Reshape(shape), [self])
  }

  /// Adds axes of size 1 so that they are the given axes of the result.
  public func expanded(_ axes: [Int]) -> Tensor {
    let rank = rank + axes.count
    let new = Set(axes.map { $0 < 0 ? $0 + rank : $0 })
    var rest = shape.makeIterator()
    return reshaped((0..<rank).map { new.contains($0) ? 1 : rest.next()! })
  }

  /// Adds one axis of size 1.
  public func expanded(_ axis: Int) -> Tensor { expanded([axis]) }

  /// Removes an axis of size 1.
  public func squeezed(_ axis: Int) -> Tensor {
    var shape = shape
    let axis = self.axis(axis)
    guard shape[axis] == 1 else {
      fail("axis \(axis) of shape \(shape) has size \(shape[axis]), not 1")
    }
    shape.remove(at: axis)
    return reshaped(shape)
  }

  /// Joins the axes of the range into one.
  public func flattened(_ axes: Range<Int>? = nil) -> Tensor {
    let axes = axes ?? 0..<rank
    return reshaped(
      Array(shape[..<axes.lowerBound]) + [shape[axes].reduce(1, *)]
        + Array(shape[axes.upperBound...]))
  }

  /// Repeats axes of size 1 (and missing leading axes) so that the result has the given shape.
  public func broadcast(to shape: [Int]) -> Tensor {
    if shape == self.shape { return self }
    if let fill = node.primitive as? Fill { return Tensor(Fill(fill.number, type.with(shape)), []) }
    let missing = Swift.max(0, shape.count - rank)
    return Tensor(Broadcast(shape), [reshaped([Int](repeating: 1, count: missing) + self.shape)])
  }

  /// Axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
  public func transposed(_ order: [Int]) -> Tensor {
    order == Array(shape.indices) ? self : Tensor(Transpose(order), [self])
  }

  /// The last two axes exchanged.
  public func transposed() -> Tensor { swapped(-2, -1) }

  /// Two axes exchanged.
  public func swapped(_ a: Int, _ b: Int) -> Tensor {
    var order = Array(shape.indices)
    order.swapAt(axis(a), axis(b))
    return transposed(order)
  }
}

// MARK: - Reductions

extension Tensor {
  /// All reductions: axes that are not neighbours are moved together first.
  private func reduced(_ operation: Reduce.Operation, _ axes: [Int]?, keepsAxes: Bool) -> Tensor {
    let axes = (axes ?? Array(shape.indices)).map(axis).sorted()
    let result: Tensor
    if let first = axes.first, let last = axes.last,
      (first...last).contains(where: { !axes.contains($0) && shape[$0] != 1 })
    {
      let kept = shape.indices.filter { !axes.contains($0) }
      result = Tensor(
        Reduce(operation, axes: Array(kept.count..<rank)), [transposed(kept + axes)])
    } else {
      result = Tensor(Reduce(operation, axes: axes), [self])
    }
    return keepsAxes ? result.expanded(axes) : result
  }

  /// The sum over the axes (all of them where none are named).
  public func sum(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.sum, axes, keepsAxes: keepsAxes)
  }
  /// The arithmetic mean.
  public func mean(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    let sum = sum(axes, keepsAxes: keepsAxes)
    return sum * (Double(Swift.max(sum.count, 1)) / Double(Swift.max(count, 1)))
  }
  public func product(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.product, axes, keepsAxes: keepsAxes)
  }
  /// The largest element; NaN where there is one.
  public func max(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.max, axes, keepsAxes: keepsAxes)
  }
  /// The smallest element; NaN where there is one.
  public func min(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.min, axes, keepsAxes: keepsAxes)
  }
  /// The position of the largest element along an axis, int32; of equal ones the first.
  public func argmax(_ axis: Int = -1) -> Tensor {
    Tensor(Reduce(.argmax, axes: [self.axis(axis)]), [self])
  }
  /// The position of the smallest element along an axis, int32; of equal ones the first.
  public func argmin(_ axis: Int = -1) -> Tensor {
    Tensor(Reduce(.argmin, axes: [self.axis(axis)]), [self])
  }
  /// Whether all elements along the axes are true.
  public func all(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.all, axes, keepsAxes: keepsAxes)
  }
  /// Whether any element along the axes is true.
  public func any(_ axes: [Int]? = nil, keepsAxes: Bool = false) -> Tensor {
    reduced(.any, axes, keepsAxes: keepsAxes)
  }
  /// The mean squared distance from the mean, with the biased divisor n unless `unbiased` asks for n − 1.
  public func variance(_ axes: [Int]? = nil, keepsAxes: Bool = false, unbiased: Bool = false)
    -> Tensor
  {
    let centred = self - mean(axes, keepsAxes: true)
    let sum = centred.square().sum(axes, keepsAxes: keepsAxes)
    let group = count / Swift.max(sum.count, 1)
    return sum / Double(Swift.max(unbiased ? group - 1 : group, 1))
  }
}
