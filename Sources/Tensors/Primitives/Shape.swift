internal import CKernels
public import StableHLO

/// The same elements under another shape: an alias of the same memory.
public struct Reshape: SingleOutputPrimitive {
  let shape: [Int]
  public init(_ shape: [Int]) { self.shape = shape }
  public var name: String { "reshape" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard shape.product == inputs[0].count, shape.allSatisfy({ $0 >= 0 }) else {
      throw ShapeError(
        "\(inputs[0].shape) has \(inputs[0].count) elements, \(shape) has \(shape.product)")
    }
    return inputs[0].with(shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [dy.reshaped(inputs[0].shape)]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    fail("a reshape is another name for the same memory")
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.reshape(operands[0], to: output.shape)
  }
}

/// Repeats axes of size 1; operand and result have the same number of axes.
public struct Broadcast: SingleOutputPrimitive {
  let shape: [Int]
  public init(_ shape: [Int]) { self.shape = shape }
  public var name: String { "broadcast" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let source = inputs[0].shape
    guard source.count == shape.count, zip(source, shape).allSatisfy({ $0 == $1 || $0 == 1 }) else {
      throw ShapeError("\(source) cannot be repeated to \(shape): sizes agree or are 1")
    }
    return inputs[0].with(shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let axes = shape.indices.filter { inputs[0].shape[$0] != shape[$0] }
    return [dy.sum(axes, keepsAxes: true)]
  }

  /// How an elementwise instruction reads the operand without a copy, nil where it cannot.
  package func pattern(of source: [Int]) -> BroadcastPattern? {
    BroadcastPattern(source, in: shape)
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var strides = inputs[0].shape.rowMajorStrides
    for axis in strides.indices where inputs[0].shape[axis] != shape[axis] { strides[axis] = 0 }
    return StridedCopy(shape, reading: strides, output.dataType).kernel()
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.broadcastInDim(operands[0], axes: Array(shape.indices), to: shape)
  }
}

/// Axes in another order: axis `i` of the result is axis `order[i]` of the operand.
public struct Transpose: SingleOutputPrimitive {
  package let order: [Int]
  public init(_ order: [Int]) { self.order = order }
  public var name: String { "transpose" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard order.sorted() == Array(inputs[0].shape.indices) else {
      throw ShapeError("\(order) is no order of the axes of \(inputs[0].shape)")
    }
    return inputs[0].with(order.map { inputs[0].shape[$0] })
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    var inverse = order
    for (i, axis) in order.enumerated() { inverse[axis] = i }
    return [dy.transposed(inverse)]
  }

  /// Whether only the last two axes change places.
  package var swapsLastAxes: Bool {
    let rank = order.count
    return rank >= 2 && order == Array(0..<(rank - 2)) + [rank - 1, rank - 2]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let strides = inputs[0].shape.rowMajorStrides
    return StridedCopy(output.shape, reading: order.map { strides[$0] }, output.dataType).kernel()
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.transpose(operands[0], order)
  }
}
