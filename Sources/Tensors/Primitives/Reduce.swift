package import CKernels
public import StableHLO

/// Joins the elements along some axes; the axes disappear.
public struct Reduce: SingleOutputPrimitive {
  public enum Operation: Int32, Sendable {
    case sum, product, max, min, sumOfSquares, argmax, argmin, all, any
  }
  public let operation: Operation
  /// Rising, without repetition.
  public let axes: [Int]

  public init(_ operation: Operation, axes: [Int]) {
    self.operation = operation
    self.axes = axes.sorted()
  }

  public var name: String { "\(operation)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let input = inputs[0]
    guard Set(axes).count == axes.count, axes.allSatisfy(input.shape.indices.contains) else {
      throw ShapeError("axes \(axes) are not distinct axes of \(input.shape)")
    }
    let shape = input.shape.indices.filter { !axes.contains($0) }.map { input.shape[$0] }
    switch operation {
    case .all, .any:
      try ElementDomain.logical.check(input.dataType)
      return TensorType(shape, .bool)
    case .argmax, .argmin:
      try ElementDomain.numeric.check(input.dataType)
      guard axes.count == 1, input.shape[axes[0]] > 0 else {
        throw ShapeError(
          "a position needs one axis that is not empty, not \(axes) of \(input.shape)")
      }
      return TensorType(shape, .int32)
    case .sumOfSquares:
      try ElementDomain.floating.check(input.dataType)
    default:
      try ElementDomain.numeric.check(input.dataType)
    }
    return TensorType(shape, input.dataType)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let x = inputs[0]
    func spread(_ tensor: Tensor) -> Tensor { tensor.expanded(axes).broadcast(to: x.shape) }
    switch operation {
    case .sum: return [spread(dy)]
    case .sumOfSquares: return [spread(dy) * x * 2]
    case .max, .min:
      // Equal extremes share the gradient equally.
      let isExtreme = x.equal(to: spread(y)).cast(to: x.dataType)
      return [isExtreme * spread(dy / isExtreme.sum(axes))]
    case .product: return [spread(dy) * productOfOthers(x)]
    case .argmax, .argmin, .all, .any: return [nil]
    }
  }

  /// The product of all elements along the axes but one's own; right for zeros, which a division is not.
  private func productOfOthers(_ x: Tensor) -> Tensor {
    if x.count == 0 { return x }
    guard let axis = axes.first, axes.count == 1 else {
      let order = x.shape.indices.filter { !axes.contains($0) } + axes
      let moved = x.transposed(order)
      let rows = moved.reshaped([-1, axes.map { x.shape[$0] }.product])
      let others = Reduce(.product, axes: [1]).productOfOthers(rows)
      return others.reshaped(moved.shape).transposed(
        order.indices.map { order.firstIndex(of: $0)! })
    }
    let others = (0..<x.shape[axis]).map { i in
      x.sliced(axis, 0..<i).product([axis], keepsAxes: true)
        * x.sliced(axis, (i + 1)..<x.shape[axis]).product([axis], keepsAxes: true)
    }
    return concatenate(others, axis: axis)
  }

  /// The end of a cluster that this reduction can be, nil where there is none.
  package var rowStore: apus_store? {
    switch operation {
    case .sum: APUS_ROW_SUM
    case .max: APUS_ROW_MAX
    case .min: APUS_ROW_MIN
    default: nil
    }
  }

  /// Whether a cluster that computes a value of this type should end in the reduction: over the last axes, with rows long
  /// enough to be worth it and enough of them to share.
  package func isRowStore(_ type: TensorType) -> Bool {
    let reduced = axes.map { type.shape[$0] }.product
    let isLast = axes == Array((type.rank - axes.count)..<type.rank)
    guard rowStore != nil, isLast, reduced >= 8, type.count > 0 else { return false }
    return type.count / reduced >= 16 || type.count <= 1 << 14
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    let shape = inputs[0].shape
    guard let first = axes.first else {
      return TileBuilder.kernel(copying: inputs[0], to: output.dataType)
    }
    let last = axes.last!
    // Axes of size 1 between the reduced ones do not matter; others are moved out of the way by `Tensor.reduced`.
    let outer = shape[..<first].reduce(1, *)
    let inner = shape[(last + 1)...].reduce(1, *)
    var description = apus_reduce(
      outer: Int64(outer), count: Int64(shape[first...last].reduce(1, *)), inner: Int64(inner),
      operation: operation.rawValue, type: inputs[0].dataType.rawValue,
      result_type: output.dataType.rawValue)
    return unsafe PreparedKernel(name) { unsafe apus_reduce_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let x = operands[0]
    func reduce(_ x: Value, _ initial: Double, _ combiner: Combiner) -> Value {
      let start = function.constant(initial, .scalar(x.element))
      return function.reduce(x, initial: start, axes: axes, combiner)
    }
    switch operation {
    case .sum: return reduce(x, 0, .add)
    case .sumOfSquares: return reduce(function.binary(.multiply, x, x), 0, .add)
    case .product: return reduce(x, 1, .multiply)
    case .all: return reduce(x, 1, .and)
    case .any: return reduce(x, 0, .or)
    case .max, .min:
      let isMax = operation == .max
      let type = DataType(x.element)
      let start: Value
      if type.isFloatingPoint {
        start = function.constant(isMax ? -Double.infinity : .infinity, .scalar(x.element))
      } else {
        start = function.constant(
          isMax ? type.integerRange.lowerBound : type.integerRange.upperBound, .scalar(x.element))
      }
      return function.reduce(x, initial: start, axes: axes, isMax ? .maximum : .minimum)
    case .argmax: return function.extremum(x, axis: axes[0], .greater).position
    case .argmin: return function.extremum(x, axis: axes[0], .less).position
    }
  }
}

extension DataType {
  /// The integers that the type holds.
  package var integerRange: ClosedRange<Int> {
    switch self {
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .uint8: 0...255
    case .bool: 0...1
    default: Int.min...Int.max
    }
  }
}
