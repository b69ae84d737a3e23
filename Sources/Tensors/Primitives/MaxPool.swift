internal import CKernels
public import StableHLO

/// The greatest value of every window of an image, and its place.
///
/// Results: values, and int32 positions among the positions of an image (−1 where a window holds padding alone, whose value
/// is −∞). Of equal values the first is taken; NaN wins, the last one.
public struct MaxPool: Primitive {
  public let geometry: PoolingGeometry

  public init(_ geometry: PoolingGeometry) { self.geometry = geometry }

  public var name: String { "max pooling" }

  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let shape = try geometry.outputShape(inputs[0])
    let places = inputs[0].shape.dropFirst().dropLast().reduce(1, *)
    guard places <= Int(Int32.max) else {
      throw ShapeError("an image of \(places) positions; positions are int32")
    }
    return [inputs[0].with(shape), TensorType(shape, .int32)]
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    let gradient = MaxPoolGradient(geometry, size: inputs[0].spatialSize)
    return [dy[0].map { Tensor(gradient, [$0, outputs[1]]) }]
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = geometry.description(inputs[0])
    return unsafe PreparedKernel(name) { unsafe apus_max_pool_prepare(&description, $0) }
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    let image = Array(operands[0].shape.dropFirst().dropLast())
    let window = PoolingWindow(
      sizes: [1] + geometry.size + [1], strides: [1] + geometry.stride + [1],
      padding: geometry.padding(image).map { Padding($0.low, $0.high) },
      dilations: [1] + geometry.dilation + [1])
    let least = function.constant(-Double.infinity, .scalar(operands[0].element))
    return [
      function.reduceWindow(operands[0], initial: least, .maximum, window),
      function.inline({ places($0[0]) }, operands),
    ]
  }

  /// The positions in tensor operations: one comparison for every place of a window.
  private func places(_ x: Tensor) -> Tensor {
    let image = x.spatialSize
    let (batch, channels) = (x.shape[0], x.shape[x.rank - 1])
    let padded = x.padded(geometry.padding(image))
    let shape = [batch] + geometry.output + [channels]
    var best = Tensor.fill(-.infinity, shape, x.dataType)
    var places = Tensor.fill(integer: -1, shape, .int32)
    for tap in geometry.taps {
      let value = Tensor(geometry.slice(tap, batch: batch, channels: channels), [padded])
      let place = geometry.place(tap, image: image, shape)
      let isBetter = value.greater(than: best).or(places.equal(to: -1))
        .or(value.isNaN()).and(place.greater(than: -1))
      best = select(isBetter, value, best)
      places = select(isBetter, place, places)
    }
    return places
  }
}

/// An image of zeros with each element of dy added at its place. Operands: dy, places.
public struct MaxPoolGradient: SingleOutputPrimitive {
  public let geometry: PoolingGeometry
  /// Spatial sizes of the image.
  public let size: [Int]

  public init(_ geometry: PoolingGeometry, size: [Int]) {
    self.geometry = geometry
    self.size = size
  }

  public var name: String { "max pooling (gradient)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let (dy, places) = (inputs[0], inputs[1])
    guard dy.rank == geometry.spatial + 2, size.count == geometry.spatial,
      places == dy.with(.int32)
    else {
      throw ShapeError("\(dy), places \(places) and an image of size \(size) do not fit together")
    }
    let image = dy.with([dy.shape[0]] + size + [dy.shape[dy.rank - 1]])
    let expected = try geometry.outputShape(image)
    guard dy.shape == expected else {
      throw ShapeError("windows of \(image) are \(expected), not \(dy.shape)")
    }
    return image
  }

  public func gradient(_ dx: Tensor, output: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let dy = Tensor(Alias(inputs[0].label), [inputs[0]])
    return [gradients(of: [formula(dy, inputs[1])], seeds: [dx], by: [dy])[0], nil]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var description = geometry.description(output)
    return unsafe PreparedKernel(name) { unsafe apus_max_pool_gradient_prepare(&description, $0) }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.inline({ formula($0[0], $0[1]) }, operands)
  }

  /// For every place of a window, the elements whose greatest value lay there, put back.
  private func formula(_ dy: Tensor, _ places: Tensor) -> Tensor {
    let (batch, channels) = (dy.shape[0], dy.shape[dy.rank - 1])
    let padded =
      [batch]
      + size.indices.map { size[$0] + geometry.low[$0] + geometry.behind(size, $0) } + [channels]
    var sum = Tensor.zeros(padded, dy.dataType)
    for tap in geometry.taps {
      let isHere = places.equal(to: geometry.place(tap, image: size, dy.shape))
      let here = select(isHere.and(places.greater(than: -1)), dy, dy.zerosLike())
      sum += Tensor(
        SliceGradient(geometry.slice(tap, batch: batch, channels: channels), padded), [here])
    }
    return size.indices.reduce(sum) { sum, axis in
      sum.sliced(axis + 1, geometry.low[axis]..<(geometry.low[axis] + size[axis]))
    }
  }
}
