internal import COneDNN

/// How a kernel moves over the spatial axes of an image; every list has one entry for each of 1 to 3 axes.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// Distance between neighbouring windows.
  public var stride: [Int]
  /// Distance between neighbouring taps of the kernel, 1 for a dense one.
  public var dilation: [Int]
  /// Zeros before the image.
  public var low: [Int]
  /// Zeros behind the image.
  public var high: [Int]
  /// Groups of channels that see only themselves.
  public var groups: Int

  public init(stride: [Int], dilation: [Int], low: [Int], high: [Int], groups: Int = 1) {
    self.stride = stride
    self.dilation = dilation
    self.low = low
    self.high = high
    self.groups = groups
  }

  /// Number of spatial axes.
  var spatial: Int { stride.count }

  /// What the kernel covers along an axis, gaps included.
  func reach(_ kernel: Int, _ axis: Int) -> Int { (kernel - 1) * dilation[axis] + 1 }

  /// The shape of a convolution's result, or why there is none.
  func outputShape(_ x: [Int], _ weight: [Int]) throws(ShapeError) -> [Int] {
    try check(x, weight)
    let sizes = stride.indices.map { axis in
      (x[axis + 1] + low[axis] + high[axis] - reach(weight[axis + 2], axis)) / stride[axis] + 1
    }
    return [x[0]] + sizes + [weight[0]]
  }

  private func check(_ x: [Int], _ weight: [Int]) throws(ShapeError) {
    guard (1...3).contains(spatial),
      [dilation, low, high].allSatisfy({ $0.count == spatial })
    else {
      throw ShapeError(
        "\(spatial) strides, \(dilation.count) dilations, \(low.count) and \(high.count) paddings: one each for 1, 2 or 3 axes"
      )
    }
    guard x.count == spatial + 2, weight.count == spatial + 2 else {
      throw ShapeError(
        "\(spatial) spatial axes ask for an image [batch, spatial…, channels] and a weight [out, in / groups, kernel…] of \(spatial + 2) axes, not \(x) and \(weight)"
      )
    }
    let channels = x[spatial + 1]
    guard groups > 0, weight[0] > 0, weight[0] % groups == 0, weight[1] > 0,
      channels == weight[1] * groups
    else {
      throw ShapeError(
        "an image of \(channels) channels and a weight \(weight) in \(groups) groups: the weight needs \(channels) / \(groups) inputs and a multiple of \(groups) outputs"
      )
    }
    for axis in 0..<spatial {
      guard x[axis + 1] > 0, weight[axis + 2] > 0, stride[axis] > 0, dilation[axis] > 0,
        low[axis] >= 0, high[axis] >= 0
      else {
        throw ShapeError(
          "spatial axis \(axis): size \(x[axis + 1]), kernel \(weight[axis + 2]), stride \(stride[axis]) and dilation \(dilation[axis]) must be positive, padding (\(low[axis]), \(high[axis])) not negative"
        )
      }
      let padded = x[axis + 1] + low[axis] + high[axis]
      guard padded >= reach(weight[axis + 2], axis) else {
        throw ShapeError(
          "spatial axis \(axis): the kernel reaches over \(reach(weight[axis + 2], axis)) values, image and padding have \(padded); add padding or shorten the kernel"
        )
      }
    }
  }

  /// The element type that all operands have.
  func elementType(_ a: TensorType, _ b: TensorType) throws(ShapeError) -> DataType {
    guard a.dataType == b.dataType, a.dataType == .float32 || a.dataType == .float64 else {
      throw ShapeError(
        "element types \(a.dataType) and \(b.dataType); cast(to:) float32 or float64, the same for both"
      )
    }
    return a.dataType
  }

  /// A kernel of one of the three directions.
  func kernel(
    _ name: String, _ direction: apus_direction, x: [Int], weight: [Int], _ type: DataType
  ) -> PreparedKernel {
    func triple(_ values: [Int]) -> (Int64, Int64, Int64) {
      let three = (values + [1, 1, 1]).map(Int64.init)
      return (three[0], three[1], three[2])
    }
    var description = apus_convolution_descriptor()
    description.direction = Int32(direction.rawValue)
    description.type = type.rawValue
    description.spatial = Int32(spatial)
    description.batch = Int64(x[0])
    description.inputs = Int64(x[spatial + 1])
    description.outputs = Int64(weight[0])
    description.groups = Int64(groups)
    description.size = triple(Array(x[1...spatial]))
    description.kernel = triple(Array(weight[2...]))
    description.stride = triple(stride)
    description.dilation = triple(dilation)
    description.padding_low = triple(low)
    description.padding_high = triple(high)
    return unsafe PreparedKernel(name) { kernel in
      let status = unsafe apus_convolution_prepare(&description, kernel)
      if status != 0 {
        unsafe fail("\(name) of \(x) and \(weight): \(String(cString: apus_onednn_error()))")
      }
      return status
    }
  }
}
