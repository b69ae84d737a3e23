extension Tensor {
  /// The elements `range` along an axis; the axis stays.
  public func sliced(_ axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = self.axis(axis)
    if range == 0..<shape[axis] { return self }
    var (starts, sizes) = ([Int](repeating: 0, count: rank), shape)
    starts[axis] = range.isEmpty ? 0 : range.lowerBound
    sizes[axis] = range.count
    return Tensor(Slice(starts: starts, sizes: sizes, steps: shape.map { _ in 1 }), [self])
  }

  /// Every `step`-th element along an axis, from `start` on.
  public func strided(_ axis: Int, from start: Int = 0, by step: Int) -> Tensor {
    let axis = self.axis(axis)
    var (starts, sizes, steps) = ([Int](repeating: 0, count: rank), shape, shape.map { _ in 1 })
    starts[axis] = start
    steps[axis] = step
    sizes[axis] = (shape[axis] - start + step - 1) / step
    return Tensor(Slice(starts: starts, sizes: sizes, steps: steps), [self])
  }

  /// The elements along an axis in reverse order.
  public func reversed(_ axis: Int) -> Tensor {
    let axis = self.axis(axis)
    var (starts, steps) = (shape.map { _ in 0 }, shape.map { _ in 1 })
    starts[axis] = Swift.max(shape[axis] - 1, 0)
    steps[axis] = -1
    return Tensor(Slice(starts: starts, sizes: shape, steps: steps), [self])
  }

  /// One element along an axis; the axis disappears. A negative position counts from the end.
  public func element(_ axis: Int, _ position: Int) -> Tensor {
    let axis = self.axis(axis)
    let position = position < 0 ? position + shape[axis] : position
    return sliced(axis, position..<(position + 1)).squeezed(axis)
  }

  /// Equal parts along an axis.
  public func split(_ axis: Int, into parts: Int) -> [Tensor] {
    let axis = self.axis(axis)
    guard parts > 0, shape[axis] % parts == 0 else {
      fail("axis \(axis) of shape \(shape) has no \(parts) equal parts")
    }
    return split(axis, sizes: [Int](repeating: shape[axis] / parts, count: parts))
  }

  /// Parts of the given sizes along an axis.
  public func split(_ axis: Int, sizes: [Int]) -> [Tensor] {
    guard sizes.reduce(0, +) == shape[self.axis(axis)] else {
      fail("parts \(sizes) do not add up to axis \(axis) of shape \(shape)")
    }
    return sizes.count == 1
      ? [self] : Tensor.apply(Split(axis: self.axis(axis), sizes: sizes), [self])
  }

  /// Adds `value` before and after the elements of each axis; a pair of counts an axis.
  public func padded(_ padding: [(low: Int, high: Int)], value: Double = 0) -> Tensor {
    guard padding.count == rank, padding.allSatisfy({ $0.low >= 0 && $0.high >= 0 }) else {
      fail(
        "padding \(padding) does not fit shape \(shape): one pair of counts an axis, none negative")
    }
    if padding.allSatisfy({ $0.low == 0 && $0.high == 0 }) { return self }
    let outer = zip(shape, padding).map { $0 + $1.low + $1.high }
    let place = SliceGradient(
      Slice(starts: padding.map(\.low), sizes: shape, steps: shape.map { _ in 1 }), outer)
    let padded = Tensor(place, [self])
    if value == 0 { return padded }
    return select(Tensor(place, [Tensor.ones(shape, .bool)]), padded, padded.filled(value))
  }
}

/// Tensors one behind the other along an axis.
public func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  guard let first = tensors.first else { fail("concatenate: there are no tensors") }
  return tensors.count == 1 ? first : Tensor(Concatenate(axis: first.axis(axis)), tensors)
}

/// Tensors of one shape along a new axis.
public func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  concatenate(tensors.map { $0.expanded(axis) }, axis: axis)
}
