extension FunctionBuilder {
  /// Rows of a table.
  ///
  /// - Parameters:
  ///   - table: [rows, …].
  ///   - ids: Integers of any shape; those out of range are moved to the nearest row.
  /// - Returns: [shape of the ids…, …].
  public mutating func gatherRows(_ table: Value, _ ids: Value) -> Value {
    requireRows("gather", table)
    let indices = reshape(ids, to: ids.shape + [1])
    let type = ValueType(ids.shape + table.shape.dropFirst(), table.element)
    let offsets = Array(ids.type.rank..<type.rank)
    let numbers =
      "#stablehlo.gather<\(field("offset_dims", offsets))collapsed_slice_dims = [0], "
      + "start_index_map = [0], index_vector_dim = \(ids.type.rank)>"
    return gather(table, indices, numbers, [1] + table.shape.dropFirst(), type)
  }

  /// One element for every id along `axis`; along the other axes ids and `x` go side by side.
  ///
  /// - Parameter ids: Integers of the shape of `x` but for any size along `axis`; those out of
  ///   range are moved to the nearest element.
  /// - Returns: A value of the shape of the ids.
  public mutating func takeAlong(_ x: Value, _ ids: Value, axis: Int) -> Value {
    let others = requireAlong("gather", x, ids, axis)
    let indices = reshape(ids, to: ids.shape + [1])
    let numbers =
      "#stablehlo.gather<collapsed_slice_dims = [\(axis)], "
      + field("operand_batching_dims", others) + field("start_indices_batching_dims", others)
      + "start_index_map = [\(axis)], index_vector_dim = \(x.type.rank)>"
    return gather(
      x, indices, numbers, x.shape.map { _ in 1 }, ValueType(ids.shape, x.element))
  }

  /// A table with rows added to or replaced: the gradient of ``gatherRows(_:_:)`` when it adds to
  /// zeros. Ids out of range are dropped; of several replacements of one row any may win.
  ///
  /// - Parameters:
  ///   - table: [rows, …].
  ///   - ids: Integers of any shape.
  ///   - updates: [shape of the ids…, …].
  public mutating func scatterRows(
    _ table: Value, _ ids: Value, _ updates: Value, _ mode: ScatterMode
  ) -> Value {
    requireRows("scatter", table)
    require(
      updates.type == ValueType(ids.shape + table.shape.dropFirst(), table.element),
      "stablehlo.scatter: updates \(updates.type) are no rows of \(table.type) for \(ids.type)")
    let indices = reshape(ids, to: ids.shape + [1])
    let offsets = Array(ids.type.rank..<updates.type.rank)
    let numbers =
      "#stablehlo.scatter<\(field("update_window_dims", offsets))inserted_window_dims = [0], "
      + "scatter_dims_to_operand_dims = [0], index_vector_dim = \(ids.type.rank)>"
    return scatter(table, indices, updates, numbers, mode)
  }

  /// The inverse of ``takeAlong(_:_:axis:)``: adds or puts each update where its id points along
  /// `axis`. Ids out of range are dropped.
  public mutating func putAlong(
    _ x: Value, _ ids: Value, _ updates: Value, axis: Int, _ mode: ScatterMode
  ) -> Value {
    let others = requireAlong("scatter", x, ids, axis)
    require(
      updates.type == ValueType(ids.shape, x.element),
      "stablehlo.scatter: updates \(updates.type) for ids \(ids.type) into \(x.type)")
    let indices = reshape(ids, to: ids.shape + [1])
    let numbers =
      "#stablehlo.scatter<inserted_window_dims = [\(axis)], "
      + field("input_batching_dims", others) + field("scatter_indices_batching_dims", others)
      + "scatter_dims_to_operand_dims = [\(axis)], index_vector_dim = \(x.type.rank)>"
    return scatter(x, indices, updates, numbers, mode)
  }

  private mutating func gather(
    _ x: Value, _ indices: Value, _ numbers: String, _ sizes: [Int], _ type: ValueType
  ) -> Value {
    append(
      type,
      "\"stablehlo.gather\"(\(x.name), \(indices.name)) <{dimension_numbers = \(numbers), "
        + "slice_sizes = \(array(sizes)), indices_are_sorted = false}> : "
        + signature([x, indices], [type]))
  }

  private mutating func scatter(
    _ x: Value, _ indices: Value, _ updates: Value, _ numbers: String, _ mode: ScatterMode
  ) -> Value {
    let scalar = ValueType.scalar(x.element)
    let body =
      switch mode {
      case .add: region(joining: x.element, .add)
      case .set: region([scalar, scalar]) { _, v in [v[1]] }
      }
    let operands = [x, indices, updates]
    return append(
      [x.type],
      opening:
        "\"stablehlo.scatter\"(\(names(operands))) <{scatter_dimension_numbers = \(numbers), "
        + "indices_are_sorted = false, unique_indices = false}> ({",
      regions: [body], closing: "}) : \(signature(operands, [x.type]))")[0]
  }

  private func requireRows(_ operation: String, _ table: Value) {
    require(table.type.rank > 0, "stablehlo.\(operation): a scalar has no rows")
  }

  /// The axes that are not `axis`, after a check that ids and `x` agree along them.
  private func requireAlong(
    _ operation: String, _ x: Value, _ ids: Value, _ axis: Int
  ) -> [Int] {
    let others = x.shape.indices.filter { $0 != axis }
    require(
      x.shape.indices.contains(axis) && ids.type.rank == x.type.rank
        && others.allSatisfy { ids.shape[$0] == x.shape[$0] },
      "stablehlo.\(operation): ids \(ids.type) do not go along axis \(axis) of \(x.type)")
    return others
  }

  /// A field of dimension numbers, left out where it is empty, as the parser wants it.
  private func field(_ name: String, _ axes: [Int]) -> String {
    axes.isEmpty ? "" : "\(name) = \(list(axes)), "
  }
}
