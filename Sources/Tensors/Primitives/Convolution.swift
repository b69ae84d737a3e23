internal import COneDNN
public import StableHLO

/// The sum of products of a kernel with every window of an image (cross-correlation, as everywhere in deep learning).
///
/// Operands: image [batch, spatial…, channels], weight [out, in / groups, kernel…], both float32 or float64. Convolution,
/// `ConvolutionInputGradient` and `ConvolutionWeightGradient` are the three sides of one trilinear form: the gradients of
/// each are the other two.
public struct ConvolutionForward: SingleOutputPrimitive {
  public let geometry: ConvolutionGeometry

  public init(_ geometry: ConvolutionGeometry) { self.geometry = geometry }

  public var name: String { "convolution" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let type = try geometry.elementType(inputs[0], inputs[1])
    return TensorType(try geometry.outputShape(inputs[0].shape, inputs[1].shape), type)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let (x, weight) = (inputs[0], inputs[1])
    return [
      Tensor(ConvolutionInputGradient(geometry, size: x.spatialSize), [dy, weight]),
      Tensor(ConvolutionWeightGradient(geometry, kernel: weight.kernelSize), [x, dy]),
    ]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    geometry.kernel(
      name, APUS_FORWARD, x: inputs[0].shape, weight: inputs[1].shape, output.dataType)
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let axes = ConvolutionLetters(geometry.spatial)
    let window = ConvolutionWindow(
      padding: zip(geometry.low, geometry.high).map { Padding($0, $1) }, strides: geometry.stride,
      kernelDilation: geometry.dilation)
    return function.convolution(
      operands[0], function.kernelLast(operands[1]),
      axes: ConvolutionAxes(axes.image, axes.kernel, axes.image), window: window,
      featureGroups: geometry.groups, precision: .highest)
  }
}

/// The gradient of a convolution by its image: every element of `dy` spreads the kernel into an image of `size`.
///
/// Operands: dy [batch, spatial…, out], weight [out, in / groups, kernel…]. This is the transposed convolution.
public struct ConvolutionInputGradient: SingleOutputPrimitive {
  public let geometry: ConvolutionGeometry
  /// Spatial sizes of the image.
  public let size: [Int]

  public init(_ geometry: ConvolutionGeometry, size: [Int]) {
    self.geometry = geometry
    self.size = size
  }

  public var name: String { "convolution (gradient by the image)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let type = try geometry.elementType(inputs[0], inputs[1])
    let (dy, weight) = (inputs[0].shape, inputs[1].shape)
    guard let batch = dy.first, weight.count >= 2, size.count == geometry.spatial else {
      throw ShapeError(
        "\(dy), a weight \(weight) and an image of size \(size) do not belong together")
    }
    let image = [batch] + size + [weight[1] * geometry.groups]
    let expected = try geometry.outputShape(image, weight)
    guard dy == expected else {
      throw ShapeError("an image \(image) and a weight \(weight) make \(expected), not \(dy)")
    }
    return TensorType(image, type)
  }

  public func gradient(_ dx: Tensor, output: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let (dy, weight) = (inputs[0], inputs[1])
    return [
      Tensor(ConvolutionForward(geometry), [dx, weight]),
      Tensor(ConvolutionWeightGradient(geometry, kernel: weight.kernelSize), [dx, dy]),
    ]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    geometry.kernel(
      name, APUS_BACKWARD_DATA, x: output.shape, weight: inputs[1].shape, output.dataType)
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let (dy, weight) = (operands[0], operands[1])
    let spatial = geometry.spatial
    let axes = ConvolutionLetters(spatial)
    let window = ConvolutionWindow(
      padding: (0..<spatial).map { axis in
        let reach = geometry.reach(weight.shape[axis + 2], axis)
        let low = reach - 1 - geometry.low[axis]
        let extent = (dy.shape[axis + 1] - 1) * geometry.stride[axis] + 1
        return Padding(low, size[axis] + reach - 1 - low - extent)
      }, inputDilation: geometry.stride, kernelDilation: geometry.dilation)
    let kernel = function.reverse(groupsFirst(weight, &function), axes: Array(0..<spatial))
    return function.convolution(
      dy, kernel, axes: ConvolutionAxes(axes.image, axes.exchangedKernel, axes.image),
      window: window, featureGroups: geometry.groups, precision: .highest)
  }

  /// [kernel…, in, out / groups]: the inputs of all groups side by side.
  private func groupsFirst(_ weight: Value, _ function: inout FunctionBuilder) -> Value {
    let kernel = function.kernelLast(weight)
    if geometry.groups == 1 { return kernel }
    let (spatial, groups) = (geometry.spatial, geometry.groups)
    let size = Array(kernel.shape[..<spatial])
    let (inputs, outputs) = (kernel.shape[spatial], kernel.shape[spatial + 1])
    let split = function.reshape(kernel, to: size + [inputs, groups, outputs / groups])
    let order = Array(0..<spatial) + [spatial + 1, spatial, spatial + 2]
    return function.reshape(
      function.transpose(split, order), to: size + [groups * inputs, outputs / groups])
  }
}

/// The gradient of a convolution by its weight. Operands: image [batch, spatial…, in], dy [batch, spatial…, out].
public struct ConvolutionWeightGradient: SingleOutputPrimitive {
  public let geometry: ConvolutionGeometry
  /// Spatial sizes of the weight.
  public let kernel: [Int]

  public init(_ geometry: ConvolutionGeometry, kernel: [Int]) {
    self.geometry = geometry
    self.kernel = kernel
  }

  public var name: String { "convolution (gradient by the weight)" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let type = try geometry.elementType(inputs[0], inputs[1])
    let (x, dy) = (inputs[0].shape, inputs[1].shape)
    guard let inputs = x.last, let outputs = dy.last, geometry.groups > 0,
      kernel.count == geometry.spatial
    else {
      throw ShapeError("\(x), \(dy) and a kernel of size \(kernel) do not belong together")
    }
    let weight = [outputs, inputs / geometry.groups] + kernel
    let expected = try geometry.outputShape(x, weight)
    guard dy == expected else {
      throw ShapeError("an image \(x) and a weight \(weight) make \(expected), not \(dy)")
    }
    return TensorType(weight, type)
  }

  public func gradient(_ dw: Tensor, output: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let (x, dy) = (inputs[0], inputs[1])
    return [
      Tensor(ConvolutionInputGradient(geometry, size: x.spatialSize), [dy, dw]),
      Tensor(ConvolutionForward(geometry), [x, dw]),
    ]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    geometry.kernel(
      name, APUS_BACKWARD_WEIGHTS, x: inputs[0].shape, weight: output.shape, output.dataType)
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let (x, dy) = (operands[0], operands[1])
    let spatial = geometry.spatial
    let axes = ConvolutionLetters(spatial)
    let window = ConvolutionWindow(
      padding: (0..<spatial).map { axis in
        let extent = (dy.shape[axis + 1] - 1) * geometry.stride[axis]
        let reach = geometry.reach(kernel[axis], axis)
        return Padding(
          geometry.low[axis], extent + reach - x.shape[axis + 1] - geometry.low[axis])
      }, strides: geometry.dilation, kernelDilation: geometry.stride)
    let gradient = function.convolution(
      x, dy,
      axes: ConvolutionAxes(axes.exchangedImage, axes.imageAsKernel, axes.kernelResult),
      window: window, batchGroups: geometry.groups, precision: .highest)
    // [kernel…, in, out] as the layout of weights.
    return function.transpose(gradient, [spatial + 1, spatial] + Array(0..<spatial))
  }
}

extension Tensor {
  /// Sizes of the axes of an image between batch and channels.
  var spatialSize: [Int] { Array(shape.dropFirst().dropLast()) }
  /// Sizes of the axes of a weight behind its outputs and inputs.
  var kernelSize: [Int] { Array(shape.dropFirst(2)) }
}

extension FunctionBuilder {
  /// A weight [out, in, kernel…] as [kernel…, in, out], the layout that compilers know best.
  fileprivate mutating func kernelLast(_ weight: Value) -> Value {
    transpose(weight, Array(2..<weight.type.rank) + [1, 0])
  }
}

/// What StableHLO calls the axes.
private struct ConvolutionLetters {
  let digits: String

  init(_ spatial: Int) { digits = (0..<spatial).map(String.init).joined() }

  var image: String { "b\(digits)f" }
  var kernel: String { "\(digits)io" }
  var exchangedKernel: String { "\(digits)oi" }
  var exchangedImage: String { "f\(digits)b" }
  var imageAsKernel: String { "i\(digits)o" }
  var kernelResult: String { "\(digits)bf" }
}
