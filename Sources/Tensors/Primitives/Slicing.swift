internal import CKernels
public import StableHLO

/// Part of a tensor: along every axis the elements `start`, `start + step`, … `size` of them. A step may be negative.
public struct Slice: SingleOutputPrimitive {
  let starts: [Int]
  let sizes: [Int]
  let steps: [Int]

  public init(starts: [Int], sizes: [Int], steps: [Int]) {
    self.starts = starts
    self.sizes = sizes
    self.steps = steps
  }

  public var name: String { "slice" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let shape = inputs[0].shape
    guard [starts.count, sizes.count, steps.count].allSatisfy({ $0 == shape.count }) else {
      throw ShapeError("a slice of \(starts.count) axes of a tensor of shape \(shape)")
    }
    for axis in shape.indices where sizes[axis] > 0 {
      let last = starts[axis] + (sizes[axis] - 1) * steps[axis]
      guard steps[axis] != 0, (0..<shape[axis]).contains(starts[axis]),
        (0..<shape[axis]).contains(last)
      else {
        throw ShapeError(
          "axis \(axis) has \(shape[axis]) elements; \(sizes[axis]) from \(starts[axis]) by \(steps[axis]) leave it"
        )
      }
    }
    return inputs[0].with(sizes)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(SliceGradient(self, inputs[0].shape), [dy])]
  }

  /// Strides and offset of the part within a tensor of the given shape.
  func view(in shape: [Int]) -> (strides: [Int], offset: Int) {
    let strides = shape.rowMajorStrides
    return (
      zip(strides, steps).map { $0 * $1 },
      sizes.contains(0) ? 0 : zip(strides, starts).map { $0 * $1 }.reduce(0, +)
    )
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let view = view(in: inputs[0].shape)
    return StridedCopy(sizes, reading: view.strides, offset: view.offset, output.dataType).kernel()
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let low = sizes.indices.map {
      steps[$0] > 0 ? starts[$0] : starts[$0] + max(sizes[$0] - 1, 0) * steps[$0]
    }
    let strides = steps.map(Swift.abs)
    let limits = sizes.indices.map {
      sizes[$0] == 0 ? low[$0] : low[$0] + (sizes[$0] - 1) * strides[$0] + 1
    }
    let part = function.slice(operands[0], starts: low, limits: limits, strides: strides)
    let reversed = steps.indices.filter { steps[$0] < 0 }
    return reversed.isEmpty ? part : function.reverse(part, axes: reversed)
  }
}

/// A tensor of zeros with the operand at the place of a slice: the gradient of `Slice`, and padding with zeros.
public struct SliceGradient: SingleOutputPrimitive {
  let slice: Slice
  let shape: [Int]

  init(_ slice: Slice, _ shape: [Int]) {
    self.slice = slice
    self.shape = shape
  }

  public var name: String { "slice placed among zeros" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard try slice.outputType([inputs[0].with(shape)]) == inputs[0] else {
      throw ShapeError("\(inputs[0]) is not the slice's \(slice.sizes)")
    }
    return inputs[0].with(shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(slice, [dy])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let view = slice.view(in: shape)
    let copy = StridedCopy(slice.sizes, writing: view.strides, offset: view.offset, output.dataType)
    var zeros = apus_fill(
      count: Int64(output.count), pattern: 0, element_size: Int32(output.dataType.byteCount))
    let fill = unsafe PreparedKernel("fill") { unsafe apus_fill_prepare(&zeros, $0) }
    return PreparedKernel(host: KernelSequence([(fill, [1]), (copy.kernel(), [0, 1])]))
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    var x = operands[0]
    let reversed = slice.steps.indices.filter { slice.steps[$0] < 0 }
    if !reversed.isEmpty { x = function.reverse(x, axes: reversed) }
    let padding = shape.indices.map { axis in
      let step = Swift.abs(slice.steps[axis])
      let extent = slice.sizes[axis] == 0 ? 0 : (slice.sizes[axis] - 1) * step + 1
      let start =
        slice.steps[axis] > 0
        ? slice.starts[axis]
        : slice.starts[axis] + max(slice.sizes[axis] - 1, 0) * slice.steps[axis]
      return (Padding(start, shape[axis] - start - extent), step - 1)
    }
    return function.pad(
      x, with: function.constant(0, .scalar(x.element)), padding.map(\.0),
      interior: padding.map(\.1))
  }
}

/// Tensors one behind the other along an axis.
public struct Concatenate: SingleOutputPrimitive {
  let axis: Int
  public init(axis: Int) { self.axis = axis }
  public var name: String { "concatenate" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard let first = inputs.first, first.shape.indices.contains(axis) else {
      throw ShapeError("nothing to concatenate along axis \(axis)")
    }
    var total = 0
    for input in inputs {
      var (a, b) = (first.shape, input.shape)
      guard a.count == b.count, input.dataType == first.dataType else {
        throw ShapeError("\(first) and \(input) differ in more than axis \(axis)")
      }
      (a[axis], b[axis]) = (0, 0)
      guard a == b else {
        throw ShapeError("\(first) and \(input) differ in more than axis \(axis)")
      }
      total += input.shape[axis]
    }
    var shape = first.shape
    shape[axis] = total
    return first.with(shape)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    var start = 0
    return inputs.map { input in
      defer { start += input.shape[axis] }
      return dy.sliced(axis, start..<(start + input.shape[axis]))
    }
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let strides = output.shape.rowMajorStrides
    var start = 0
    let copies = inputs.enumerated().map { i, input in
      defer { start += input.shape[axis] }
      let copy = StridedCopy(
        input.shape, writing: strides, offset: start * strides[axis], output.dataType)
      return (copy.kernel(), [i, inputs.count])
    }
    return PreparedKernel(host: KernelSequence(copies))
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.concatenate(operands, axis: axis)
  }
}
