internal import CKernels
public import StableHLO

/// The first `limit` elements of every sorted row (the last axis), and where they were (int32). Stable in both
/// directions; NaN counts as larger than every number.
public struct Sort: Primitive {
  let descending: Bool
  let limit: Int

  public init(descending: Bool, limit: Int) {
    self.descending = descending
    self.limit = limit
  }

  public var name: String { "sort" }

  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let x = inputs[0]
    guard [.float32, .float64, .int32, .int64].contains(x.dataType) else {
      throw ShapeError("\(x.dataType) elements; cast(to: .float32) or .int32 first")
    }
    guard let columns = x.shape.last, (0...columns).contains(limit) else {
      throw ShapeError("\(x.shape) has no \(limit) elements along its last axis")
    }
    let shape = x.shape.dropLast() + [limit]
    return [x.with(Array(shape)), TensorType(Array(shape), .int32)]
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    let (axis, size) = (inputs[0].rank - 1, inputs[0].shape.last!)
    return [
      dy[0].map { Tensor(ScatterAddAlong(axis: axis, size: size), [outputs[1], $0]) }
    ]
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    let x = inputs[0]
    var description = apus_sort(
      rows: Int64(x.shape.dropLast().reduce(1, *)), columns: Int64(x.shape[x.rank - 1]),
      limit: Int64(limit), type: x.dataType.rawValue, descending: descending ? 1 : 0)
    return unsafe PreparedKernel(name) { unsafe apus_sort_prepare(&description, $0) }
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    let axis = outputs[0].rank - 1
    let sorted = function.sort(operands[0], axis: axis, descending: descending)
    guard outputs[0].shape != operands[0].shape else { return [sorted.values, sorted.permutation] }
    let (zeros, ones) = (outputs[0].shape.map { _ in 0 }, outputs[0].shape.map { _ in 1 })
    return [sorted.values, sorted.permutation].map {
      function.slice($0, starts: zeros, limits: outputs[0].shape, strides: ones)
    }
  }
}

/// Running sums along an axis. Sums of floats are carried in float64; integers wrap.
public struct CumulativeSum: SingleOutputPrimitive {
  let axis: Int
  let isExclusive: Bool
  let isReverse: Bool

  public init(axis: Int, exclusive: Bool = false, reverse: Bool = false) {
    self.axis = axis
    isExclusive = exclusive
    isReverse = reverse
  }

  public var name: String { "cumulative sum" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let x = inputs[0]
    guard [.float32, .float64, .int32, .int64].contains(x.dataType) else {
      throw ShapeError("\(x.dataType) elements; cast(to: .float32) or .int32 first")
    }
    guard x.shape.indices.contains(axis) else { throw ShapeError("\(x.shape) has no axis \(axis)") }
    return x
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(CumulativeSum(axis: axis, exclusive: isExclusive, reverse: !isReverse), [dy])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let shape = output.shape
    var description = apus_cumulative_sum(
      outer: Int64(shape[..<axis].reduce(1, *)), count: Int64(shape[axis]),
      inner: Int64(shape[(axis + 1)...].reduce(1, *)), type: output.dataType.rawValue,
      reverse: isReverse ? 1 : 0, exclusive: isExclusive ? 1 : 0)
    return unsafe PreparedKernel(name, inPlace: [.init(output: 0, input: 0)]) {
      unsafe apus_cumulative_sum_prepare(&description, $0)
    }
  }

  /// A window over all that came before.
  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let size = output.shape[axis]
    guard size > 0, output.count > 0 else { return operands[0] }
    let zero = function.constant(0, .scalar(operands[0].element))
    var sizes = output.shape.map { _ in 1 }
    var padding = output.shape.map { _ in Padding(0, 0) }
    sizes[axis] = size
    // An exclusive sum looks one further back and not at its own place.
    let (behind, ahead) = isExclusive ? (size, -1) : (size - 1, 0)
    padding[axis] = isReverse ? Padding(ahead, behind) : Padding(behind, ahead)
    return function.reduceWindow(
      operands[0], initial: zero, .add, PoolingWindow(sizes: sizes, padding: padding))
  }
}
