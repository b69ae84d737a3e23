internal import CKernels

/// How windows lie over the spatial axes of an image [batch, spatial…, channels]; every list has one entry for each of 1
/// to 3 axes. Windows may run beyond the padding behind.
public struct PoolingGeometry: Hashable, Sendable {
  /// Values of a window.
  public var size: [Int]
  /// Distance between neighbouring windows.
  public var stride: [Int]
  /// Distance between neighbouring values of a window, 1 for a dense one.
  public var dilation: [Int]
  /// Values before and behind the image that count as its border.
  public var low: [Int]
  public var high: [Int]
  /// Number of windows.
  public var output: [Int]

  /// - Parameter roundsUp: the last window may hang over the padding behind, as long as it begins inside the image or the
  ///   padding before it (PyTorch's ceil mode).
  public init(
    image: [Int], size: [Int], stride: [Int], dilation: [Int], low: [Int], high: [Int],
    roundsUp: Bool = false
  ) {
    self.size = size
    self.stride = stride
    self.dilation = dilation
    self.low = low
    self.high = high
    output = size.indices.map { axis in
      let span = image[axis] + low[axis] + high[axis] - (size[axis] - 1) * dilation[axis] - 1
      let room = span + (roundsUp ? stride[axis] - 1 : 0)
      if room < 0 { return 0 }
      let count = room / stride[axis] + 1
      return roundsUp && (count - 1) * stride[axis] >= image[axis] + low[axis] ? count - 1 : count
    }
  }

  /// Number of spatial axes.
  var spatial: Int { size.count }

  /// What a window covers along an axis, gaps included.
  func reach(_ axis: Int) -> Int { (size[axis] - 1) * dilation[axis] + 1 }

  /// The shape of the result for an image, or why there is none.
  func outputShape(_ x: TensorType) throws(ShapeError) -> [Int] {
    guard x.dataType == .float32 || x.dataType == .float64 else {
      throw ShapeError("\(x.dataType) elements; cast(to: .float32) first")
    }
    guard (1...3).contains(spatial), x.rank == spatial + 2 else {
      throw ShapeError(
        "windows over \(spatial) spatial axes and an image \(x.shape): 1 to 3 axes between batch and channels"
      )
    }
    for axis in 0..<spatial {
      guard size[axis] > 0, stride[axis] > 0, dilation[axis] > 0, low[axis] >= 0, high[axis] >= 0
      else {
        throw ShapeError(
          "spatial axis \(axis): window \(size[axis]), stride \(stride[axis]) and dilation \(dilation[axis]) must be positive, padding (\(low[axis]), \(high[axis])) not negative"
        )
      }
      guard output[axis] > 0 else {
        throw ShapeError(
          "spatial axis \(axis): a window reaches over \(reach(axis)) values, image and padding have \(x.shape[axis + 1] + low[axis] + high[axis])"
        )
      }
    }
    return [x.shape[0]] + output + [x.shape[spatial + 1]]
  }

  /// The description of a kernel for an image of the given type.
  func description(_ image: TensorType, countsPadding: Bool = false) -> apus_pool {
    func axis(_ i: Int) -> apus_pool_axis {
      // Missing axes come first: the last one is that whose values lie close together.
      let axis = i - (3 - spatial)
      if axis < 0 {
        return apus_pool_axis(
          input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, low: 0, high: 0)
      }
      return apus_pool_axis(
        input: Int64(image.shape[axis + 1]), output: Int64(output[axis]),
        kernel: Int64(size[axis]), stride: Int64(stride[axis]), dilation: Int64(dilation[axis]),
        low: Int64(low[axis]), high: Int64(high[axis]))
    }
    return apus_pool(
      batch: Int64(image.shape[0]), channels: Int64(image.shape[spatial + 1]),
      axes: (axis(0), axis(1), axis(2)), type: image.dataType.rawValue,
      counts_padding: countsPadding ? 1 : 0)
  }
}

// MARK: - In tensor operations

extension PoolingGeometry {
  /// Padding behind an image of the given size that all windows lie in.
  func behind(_ image: [Int], _ axis: Int) -> Int {
    max(0, (output[axis] - 1) * stride[axis] + reach(axis) - image[axis] - low[axis])
  }

  /// Padding of all axes of an image that all windows lie in.
  func padding(_ image: [Int]) -> [(low: Int, high: Int)] {
    [(0, 0)] + (0..<spatial).map { (low[$0], behind(image, $0)) } + [(0, 0)]
  }

  /// The places within a window, as one number for each axis.
  var taps: [[Int]] {
    size.reduce([[]]) { taps, count in taps.flatMap { tap in (0..<count).map { tap + [$0] } } }
  }

  /// The values of all windows at one place of the window, as part of the padded image.
  func slice(_ tap: [Int], batch: Int, channels: Int) -> Slice {
    Slice(
      starts: [0] + zip(tap, dilation).map { $0 * $1 } + [0], sizes: [batch] + output + [channels],
      steps: [1] + stride + [1])
  }

  /// For every window, the position along an axis of the image of its place `tap`; outside the image it is no index of it.
  func position(_ tap: [Int], _ axis: Int, _ shape: [Int]) -> Tensor {
    Tensor.indices(shape, axis: axis + 1) * Double(stride[axis])
      + Double(tap[axis] * dilation[axis] - low[axis])
  }

  /// For every window, the number of the position in the image at its place `tap`, −1 outside the image.
  func place(_ tap: [Int], image: [Int], _ shape: [Int]) -> Tensor {
    var number = Tensor.fill(integer: 0, shape, .int32)
    var isInside = Tensor.fill(integer: 1, shape, .bool)
    for axis in 0..<spatial {
      let position = position(tap, axis, shape)
      number = number * Double(image[axis]) + position
      isInside = isInside.and(position.less(than: Double(image[axis])))
        .and(position.greater(than: -1))
    }
    return select(isInside, number, Tensor.fill(integer: -1, shape, .int32))
  }
}
