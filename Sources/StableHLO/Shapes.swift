extension FunctionBuilder {
  /// Repeats a value along new or size-1 axes.
  ///
  /// - Parameters:
  ///   - axes: For each axis of `x`, the axis of the result it becomes, rising.
  ///   - shape: The result's shape.
  public mutating func broadcastInDim(_ x: Value, axes: [Int], to shape: [Int]) -> Value {
    require(
      axes.count == x.type.rank
        && zip(axes, x.shape).allSatisfy {
          shape.indices.contains($0) && ($1 == 1 || $1 == shape[$0])
        },
      "stablehlo.broadcast_in_dim: a \(x.type) does not fit axes \(axes) of shape \(shape)")
    let type = ValueType(shape, x.element)
    return append(
      type,
      "stablehlo.broadcast_in_dim \(x.name), dims = \(list(axes)) : \(signature([x], [type]))")
  }

  /// The same elements in row-major order under another shape.
  public mutating func reshape(_ x: Value, to shape: [Int]) -> Value {
    let type = ValueType(shape, x.element)
    require(
      type.elementCount == x.type.elementCount,
      "stablehlo.reshape: a \(x.type) has not the elements of shape \(shape)")
    return append(type, "stablehlo.reshape \(x.name) : \(signature([x], [type]))")
  }

  /// Axes in another order: axis `i` of the result is axis `permutation[i]` of `x`.
  public mutating func transpose(_ x: Value, _ permutation: [Int]) -> Value {
    require(
      permutation.sorted() == Array(0..<x.type.rank),
      "stablehlo.transpose: \(permutation) is no order of the axes of \(x.type)")
    let type = ValueType(permutation.map { x.shape[$0] }, x.element)
    return append(
      type, "stablehlo.transpose \(x.name), dims = \(list(permutation)) : \(signature([x], [type]))"
    )
  }

  /// Elements in reverse order along the axes.
  public mutating func reverse(_ x: Value, axes: [Int]) -> Value {
    append(x.type, "stablehlo.reverse \(x.name), dims = \(list(axes)) : \(x.type)")
  }

  /// Every `strides[i]`-th element from `starts[i]` up to, not including, `limits[i]`.
  public mutating func slice(
    _ x: Value, starts: [Int], limits: [Int], strides: [Int]? = nil
  ) -> Value {
    let strides = strides ?? starts.map { _ in 1 }
    require(
      [starts.count, limits.count, strides.count].allSatisfy { $0 == x.type.rank }
        && x.shape.indices.allSatisfy {
          0 <= starts[$0] && starts[$0] <= limits[$0] && limits[$0] <= x.shape[$0]
            && strides[$0] > 0
        },
      "stablehlo.slice: \(starts) to \(limits) by \(strides) leaves \(x.type)")
    let shape = starts.indices.map { (limits[$0] - starts[$0] + strides[$0] - 1) / strides[$0] }
    let ranges = starts.indices.map { axis in
      "\(starts[axis]):\(limits[axis])" + (strides[axis] == 1 ? "" : ":\(strides[axis])")
    }
    let type = ValueType(shape, x.element)
    return append(
      type,
      "stablehlo.slice \(x.name) [\(ranges.joined(separator: ", "))] : \(signature([x], [type]))")
  }

  /// A block of `sizes` that begins at `starts`, scalars computed by the program; a start is moved
  /// so that the block stays inside.
  public mutating func dynamicSlice(_ x: Value, starts: [Value], sizes: [Int]) -> Value {
    require(
      starts.count == x.type.rank && sizes.count == x.type.rank
        && zip(sizes, x.shape).allSatisfy { 0 <= $0 && $0 <= $1 },
      "stablehlo.dynamic_slice: a block of \(sizes) at \(starts.count) starts is none of \(x.type)")
    let type = ValueType(sizes, x.element)
    let operands = [x] + starts
    return append(
      type,
      "stablehlo.dynamic_slice \(names(operands)), sizes = \(list(sizes)) : "
        + signature(operands, [type]))
  }

  /// `x` with the block at `starts` replaced by `update`; a start is moved so that the block stays
  /// inside.
  public mutating func dynamicUpdateSlice(_ x: Value, _ update: Value, starts: [Value]) -> Value {
    require(
      starts.count == x.type.rank && update.type.rank == x.type.rank
        && update.element == x.element && zip(update.shape, x.shape).allSatisfy { $0 <= $1 },
      "stablehlo.dynamic_update_slice: a \(update.type) is no block of \(x.type)")
    let operands = [x, update] + starts
    return append(
      x.type,
      "stablehlo.dynamic_update_slice \(names(operands)) : \(signature(operands, [x.type]))")
  }

  /// Values one after the other along `axis`; all other sizes are equal.
  public mutating func concatenate(_ values: [Value], axis: Int) -> Value {
    guard let first = values.first, first.shape.indices.contains(axis) else {
      fail("stablehlo.concatenate: nothing to join along axis \(axis)")
    }
    var type = first.type
    type.shape[axis] = 0
    for value in values {
      var rest = value.type
      if rest.shape.indices.contains(axis) { rest.shape[axis] = first.shape[axis] }
      require(
        rest == first.type,
        "stablehlo.concatenate: \(value.type) does not fit \(first.type) along axis \(axis)")
      type.shape[axis] += value.shape[axis]
    }
    return append(
      type, "stablehlo.concatenate \(names(values)), dim = \(axis) : \(signature(values, [type]))")
  }

  /// Surrounds `x` with a scalar; negative padding crops, `interior` puts so many copies of the
  /// scalar between neighbours.
  public mutating func pad(
    _ x: Value, with value: Value, _ padding: [Padding], interior: [Int]? = nil
  ) -> Value {
    let interior = interior ?? x.shape.map { _ in 0 }
    require(
      padding.count == x.type.rank && interior.count == x.type.rank,
      "stablehlo.pad: \(padding.count) paddings for \(x.type)")
    let shape = x.shape.indices.map {
      padding[$0].low + padding[$0].high + dilated(x.shape[$0], by: interior[$0] + 1)
    }
    require(
      shape.allSatisfy { $0 >= 0 }, "stablehlo.pad crops more of \(x.type) than there is: \(shape)")
    let type = ValueType(shape, x.element)
    return append(
      type,
      "stablehlo.pad \(x.name), \(value.name), low = \(list(padding.map(\.low))), "
        + "high = \(list(padding.map(\.high))), interior = \(list(interior)) : "
        + signature([x, value], [type]))
  }
}
