internal import CKernels
public import StableHLO

/// The mean of every window of an image. Windows that hold no value give 0.
///
/// The mean is linear: `AveragePool` and `AveragePoolGradient` are each other's gradients.
public struct AveragePool: SingleOutputPrimitive {
  public let geometry: PoolingGeometry
  /// Whether padding takes part as zeros; else a mean divides by the values inside the image. What hangs over the padding
  /// never counts.
  public let countsPadding: Bool

  public init(_ geometry: PoolingGeometry, countsPadding: Bool) {
    self.geometry = geometry
    self.countsPadding = countsPadding
  }

  public var name: String { "average pooling" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard geometry.dilation.allSatisfy({ $0 == 1 }) else {
      throw ShapeError("windows of a mean are dense, not dilated by \(geometry.dilation)")
    }
    return inputs[0].with(try geometry.outputShape(inputs[0]))
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(AveragePoolGradient(self, size: inputs[0].spatialSize), [dy])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = geometry.description(inputs[0], countsPadding: countsPadding)
    return unsafe PreparedKernel(name) { unsafe apus_average_pool_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let x = operands[0]
    let image = Array(x.shape.dropFirst().dropLast())
    let window = PoolingWindow(
      sizes: [1] + geometry.size + [1], strides: [1] + geometry.stride + [1],
      padding: geometry.padding(image).map { Padding($0.low, $0.high) })
    let zero = function.constant(0, .scalar(x.element))
    let sum = function.reduceWindow(x, initial: zero, .add, window)
    return function.inline({ scaled($0[0], image) }, [sum])
  }

  /// Sums over windows as means.
  func scaled(_ sums: Tensor, _ image: [Int]) -> Tensor {
    image.indices.reduce(sums) { sums, axis in
      let start = geometry.position(image.map { _ in 0 }, axis, sums.shape)
      let end = start + Double(geometry.size[axis])
      let limit = Double(image[axis] + (countsPadding ? geometry.high[axis] : 0))
      let first = countsPadding ? start : maximum(start, 0)
      let count = (minimum(end, limit) - first).cast(to: sums.dataType)
      return select(count.greater(than: 0), sums / count, sums.zerosLike())
    }
  }
}

/// The gradient of a mean over windows: each element of dy, divided as the mean was, at all values of its window.
public struct AveragePoolGradient: SingleOutputPrimitive {
  public let pool: AveragePool
  /// Spatial sizes of the image.
  public let size: [Int]

  public init(_ pool: AveragePool, size: [Int]) {
    self.pool = pool
    self.size = size
  }

  public var name: String { "average pooling (gradient)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let dy = inputs[0]
    guard dy.rank == pool.geometry.spatial + 2, size.count == pool.geometry.spatial else {
      throw ShapeError("\(dy) and an image of size \(size) do not fit together")
    }
    let image = dy.with([dy.shape[0]] + size + [dy.shape[dy.rank - 1]])
    let expected = try pool.outputType([image])
    guard dy == expected else { throw ShapeError("windows of \(image) are \(expected), not \(dy)") }
    return image
  }

  public func gradient(_ dx: Tensor, output: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(pool, [dx])]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = pool.geometry.description(output, countsPadding: pool.countsPadding)
    return unsafe PreparedKernel(name) {
      unsafe apus_average_pool_gradient_prepare(&description, $0)
    }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let geometry = pool.geometry
    let scaled = function.inline({ pool.scaled($0[0], size) }, operands)
    let zero = function.constant(0, .scalar(scaled.element))
    let padding = size.indices.map { axis in
      let low = geometry.size[axis] - 1 - geometry.low[axis]
      let extent = (geometry.output[axis] - 1) * geometry.stride[axis] + 1
      return Padding(low, size[axis] + geometry.size[axis] - 1 - low - extent)
    }
    let spread = function.pad(
      scaled, with: zero, [Padding(0, 0)] + padding + [Padding(0, 0)],
      interior: [0] + geometry.stride.map { $0 - 1 } + [0])
    return function.reduceWindow(
      spread, initial: zero, .add, PoolingWindow(sizes: [1] + geometry.size + [1]))
  }
}
