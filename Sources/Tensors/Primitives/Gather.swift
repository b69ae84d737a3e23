internal import CKernels
public import StableHLO

/// Rows of a table by number: table [rows, …], ids of any shape → [shape of the ids…, …]. Ids out of range count as the
/// nearest row.
public struct Gather: SingleOutputPrimitive {
  public init() {}
  public var name: String { "gather" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let (table, ids) = (inputs[0], inputs[1])
    try checkIDs(ids)
    guard let rows = table.shape.first, rows > 0 || ids.count == 0 else {
      throw ShapeError("\(table.shape) has no rows to take \(ids.count) of")
    }
    return table.with(ids.shape + table.shape.dropFirst())
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [dy.widened { Tensor(ScatterAdd(rows: inputs[0].shape[0]), [inputs[1], $0]) }, nil]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = apus_gather(
      rows: Int64(inputs[0].shape[0]), width: Int64(inputs[0].shape.dropFirst().reduce(1, *)),
      count: Int64(inputs[1].count), element_size: Int32(output.dataType.byteCount),
      id_type: inputs[1].dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_gather_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.gatherRows(operands[0], operands[1])
  }
}

/// Sums of rows by number: ids of any shape, updates [shape of the ids…, …] → [rows, …]; rows without updates are zero,
/// ids out of range count as the nearest row. The gradient of `Gather`.
public struct ScatterAdd: SingleOutputPrimitive {
  let rows: Int
  public init(rows: Int) { self.rows = rows }
  public var name: String { "scatter" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let (ids, updates) = (inputs[0], inputs[1])
    try checkIDs(ids)
    try checkSums(updates)
    guard updates.rank >= ids.rank, Array(updates.shape.prefix(ids.rank)) == ids.shape else {
      throw ShapeError("updates \(updates.shape) do not begin with the ids' shape \(ids.shape)")
    }
    guard rows > 0 || ids.count == 0 else {
      throw ShapeError("there is no row for \(ids.count) updates")
    }
    return updates.with([rows] + updates.shape.dropFirst(ids.rank))
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [nil, rows == 0 ? inputs[1].zerosLike() : Tensor(Gather(), [dy, inputs[0]])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = apus_scatter_add(
      rows: Int64(rows), width: Int64(output.shape.dropFirst().reduce(1, *)),
      count: Int64(inputs[0].count), type: output.dataType.rawValue,
      id_type: inputs[0].dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_scatter_add_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    // The operation itself drops what is out of range.
    let ids = operands[0]
    let inside = function.clamp(
      function.constant(0, ids.type), ids, function.constant(max(rows - 1, 0), ids.type))
    return function.scatterRows(function.constant(0.0, output.hlo), inside, operands[1], .add)
  }
}

/// Elements by number along one axis, side by side along all others: x […, size, …], ids […, count, …] → shape of the ids.
/// Ids out of range count as the nearest element and pass no gradient on.
public struct TakeAlong: SingleOutputPrimitive {
  let axis: Int
  public init(axis: Int) { self.axis = axis }
  public var name: String { "take along axis \(axis)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let (x, ids) = (inputs[0], inputs[1])
    try checkIDs(ids)
    try checkAlong(x.shape, ids.shape, axis)
    guard x.shape[axis] > 0 || ids.count == 0 else {
      throw ShapeError("axis \(axis) of \(x.shape) is empty")
    }
    return x.with(ids.shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let (x, ids) = (inputs[0], inputs[1])
    guard axis == x.rank - 1, ids.shape[axis] == 1 else {
      let size = x.shape[axis]
      return [dy.widened { Tensor(ScatterAddAlong(axis: axis, size: size), [ids, $0]) }, nil]
    }
    // One element of every row: elementwise, so that it joins the sweep over the rows.
    let places = Tensor.indices(x.shape, axis: axis, ids.dataType)
    return [select(places.equal(to: ids), dy, x.zerosLike()), nil]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let shape = inputs[0].shape
    var description = apus_take_along(
      outer: Int64(shape[..<axis].reduce(1, *)), size: Int64(shape[axis]),
      count: Int64(output.shape[axis]), inner: Int64(shape[(axis + 1)...].reduce(1, *)),
      element_size: Int32(output.dataType.byteCount), id_type: inputs[1].dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_take_along_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.takeAlong(operands[0], operands[1], axis: axis)
  }
}

/// Sums of elements by number along one axis: ids and updates […, count, …] → […, size, …], zero where nothing is added;
/// ids out of range are dropped. The gradient of `TakeAlong`.
public struct ScatterAddAlong: SingleOutputPrimitive {
  let axis: Int
  let size: Int

  public init(axis: Int, size: Int) {
    self.axis = axis
    self.size = size
  }

  public var name: String { "scatter along axis \(axis)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let (ids, updates) = (inputs[0], inputs[1])
    try checkIDs(ids)
    try checkSums(updates)
    guard updates.shape == ids.shape, ids.shape.indices.contains(axis) else {
      throw ShapeError("updates \(updates.shape) and ids \(ids.shape) differ, or lack axis \(axis)")
    }
    var shape = ids.shape
    shape[axis] = size
    return updates.with(shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    if size == 0 { return [nil, inputs[1].zerosLike()] }
    let taken = Tensor(TakeAlong(axis: axis), [dy, inputs[0]])
    return [nil, select(inputs[0].isInside(size), taken, inputs[1].zerosLike())]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let shape = inputs[0].shape
    var description = apus_scatter_add_along(
      outer: Int64(shape[..<axis].reduce(1, *)), size: Int64(size), count: Int64(shape[axis]),
      inner: Int64(shape[(axis + 1)...].reduce(1, *)), type: output.dataType.rawValue,
      id_type: inputs[0].dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_scatter_add_along_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let zeros = function.constant(0.0, output.hlo)
    return function.putAlong(zeros, operands[0], operands[1], axis: axis, .add)
  }
}

private func checkIDs(_ ids: TensorType) throws(ShapeError) {
  guard ids.dataType == .int32 || ids.dataType == .int64 else {
    throw ShapeError("ids are int32 or int64, not \(ids.dataType); cast(to: .int32) them")
  }
}

private func checkSums(_ updates: TensorType) throws(ShapeError) {
  guard updates.dataType == .float32 || updates.dataType == .float64 else {
    throw ShapeError("\(updates.dataType) elements cannot be summed; cast(to: .float32) first")
  }
}

/// Shapes agree but for the size along `axis`.
private func checkAlong(_ a: [Int], _ b: [Int], _ axis: Int) throws(ShapeError) {
  guard a.indices.contains(axis), a.count == b.count,
    a.indices.allSatisfy({ $0 == axis || a[$0] == b[$0] })
  else { throw ShapeError("ids \(b) do not go along axis \(axis) of \(a): other sizes must agree") }
}

extension Tensor {
  /// Whether ids lie in 0 ..< size.
  fileprivate func isInside(_ size: Int) -> Tensor {
    greaterOrEqual(to: zerosLike()).and(less(than: Double(size)))
  }

  /// Applies a function that knows no 16-bit floats: in float32, with the result in this tensor's type.
  func widened(_ body: (Tensor) -> Tensor) -> Tensor {
    dataType == widenedType ? body(self) : body(cast(to: widenedType)).cast(to: dataType)
  }

  /// The type in which a function without 16-bit floats is computed.
  var widenedType: DataType {
    dataType == .float16 || dataType == .bfloat16 ? .float32 : dataType
  }
}
