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

  /// The part as runs within a tensor of the given shape, if it is cut along one axis only.
  package func runs(in shape: [Int]) -> Runs? {
    let cut = shape.indices.filter { sizes[$0] != shape[$0] || (steps[$0] != 1 && sizes[$0] > 1) }
    guard let axis = cut.first else { return Runs(length: sizes.product, stride: 0, offset: 0) }
    guard cut.count == 1, steps[axis] == 1 else { return nil }
    return Runs(shape: shape, axis: axis, start: starts[axis], size: sizes[axis])
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

/// Part of a tensor, cut along one axis: runs of elements at equal distances, in elements.
package struct Runs: Hashable, Sendable {
  package let length: Int
  /// 0 where there is one run.
  package let stride: Int
  package let offset: Int

  package init(length: Int, stride: Int, offset: Int) {
    self.length = length
    self.stride = stride
    self.offset = offset
  }

  /// `size` elements from `start` on along one axis.
  package init(shape: [Int], axis: Int, start: Int, size: Int) {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let rows = shape[..<axis].reduce(1, *)
    self.init(
      length: size * inner, stride: rows == 1 ? 0 : shape[axis] * inner, offset: start * inner)
  }

  package var isContiguous: Bool { stride == 0 }
}

/// All parts of a tensor along one axis.
public struct Split: Primitive {
  let axis: Int
  let sizes: [Int]

  public init(axis: Int, sizes: [Int]) {
    self.axis = axis
    self.sizes = sizes
  }

  public var name: String { "split" }

  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let shape = inputs[0].shape
    guard shape.indices.contains(axis), sizes.reduce(0, +) == shape[axis],
      sizes.allSatisfy({ $0 >= 0 })
    else {
      throw ShapeError("parts \(sizes) do not add up to axis \(axis) of \(shape)")
    }
    return sizes.map { size in
      var part = shape
      part[axis] = size
      return inputs[0].with(part)
    }
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    let parts = zip(dy, outputs).map { $0 ?? $1.zerosLike() }
    return [dy.contains { $0 != nil } ? Tensor(Concatenate(axis: axis), parts) : nil]
  }

  private func start(_ part: Int) -> Int { sizes[..<part].reduce(0, +) }

  /// A part as runs within the whole.
  package func runs(_ part: Int, in shape: [Int]) -> Runs {
    Runs(shape: shape, axis: axis, start: start(part), size: sizes[part])
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    let strides = inputs[0].shape.rowMajorStrides
    let copies = outputs.indices.map { part in
      let copy = StridedCopy(
        outputs[part].shape, reading: strides, offset: start(part) * strides[axis],
        inputs[0].dataType)
      return (copy.kernel(), [0, 1 + part])
    }
    return PreparedKernel(host: KernelSequence(copies))
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    let shape = operands[0].shape
    return outputs.indices.map { part in
      var (starts, limits) = (shape.map { _ in 0 }, shape)
      starts[axis] = start(part)
      limits[axis] = start(part) + sizes[part]
      return function.slice(operands[0], starts: starts, limits: limits)
    }
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
    lower(inputs, output, copying: Array(inputs.indices))
  }

  /// Copies only some of the operands; the others were written in place by what computed them. The kernel's buffers are
  /// the operands that are copied, then the result.
  package func lower(_ inputs: [TensorType], _ output: TensorType, copying copied: [Int])
    -> PreparedKernel
  {
    let strides = output.shape.rowMajorStrides
    let copies = copied.enumerated().map { place, i in
      let offset = start(of: i, inputs.map(\.shape)) * strides[axis]
      let copy = StridedCopy(inputs[i].shape, writing: strides, offset: offset, output.dataType)
      return (copy.kernel(), [place, copied.count])
    }
    return PreparedKernel(host: KernelSequence(copies))
  }

  private func start(of part: Int, _ shapes: [[Int]]) -> Int {
    shapes[..<part].map { $0[axis] }.reduce(0, +)
  }

  /// An operand as runs within the result.
  package func runs(_ part: Int, _ shapes: [[Int]], in shape: [Int]) -> Runs {
    Runs(shape: shape, axis: axis, start: start(of: part, shapes), size: shapes[part][axis])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.concatenate(operands, axis: axis)
  }
}
