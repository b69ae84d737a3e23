/// The greatest value of every window, over 1 to 3 spatial axes. Padding never wins; NaN does.
///
/// Lists have one number for all spatial axes, or one for each.
/// - Parameters:
///   - x: [batch, spatial…, channels].
///   - size: values of a window.
///   - stride: distance between windows; the size where there is none.
///   - dilation: distance between values of a window.
///   - roundsUp: one more window where some values would be left over (PyTorch's ceil mode).
/// - Returns: [batch, spatial…, channels], of the type of `x`.
public func maxPooling(
  _ x: Tensor, size: [Int], stride: [Int]? = nil, padding: SpatialPadding = .none,
  dilation: [Int] = [1], roundsUp: Bool = false
) -> Tensor {
  let geometry = poolingGeometry("max pooling", x, size, stride, padding, dilation, roundsUp)
  return inFullPrecision([x]) { Tensor.apply(MaxPool(geometry), $0)[0] }
}

/// The mean of every window, over 1 to 3 spatial axes.
///
/// - Parameters:
///   - x: [batch, spatial…, channels].
///   - size: values of a window.
///   - stride: distance between windows; the size where there is none.
///   - roundsUp: one more window where some values would be left over (PyTorch's ceil mode).
///   - countsPadding: whether padding takes part as zeros (PyTorch's count_include_pad).
/// - Returns: [batch, spatial…, channels], of the type of `x`.
public func averagePooling(
  _ x: Tensor, size: [Int], stride: [Int]? = nil, padding: SpatialPadding = .none,
  roundsUp: Bool = false, countsPadding: Bool = true
) -> Tensor {
  let geometry = poolingGeometry("average pooling", x, size, stride, padding, [1], roundsUp)
  let pool = AveragePool(geometry, countsPadding: countsPadding)
  return inFullPrecision([x]) { Tensor(pool, $0) }
}

/// The p-norm of every window: the p-th root of the sum of p-th powers (torch.nn.LPPool). Powers keep their sign, as in
/// PyTorch: with p = 1 it is the sum.
public func normPooling(
  _ x: Tensor, power: Double, size: [Int], stride: [Int]? = nil, roundsUp: Bool = false
) -> Tensor {
  let sizes = perAxis(size, spatialAxes("norm pooling", x), "norm pooling: size")
  let powers = power == 1 ? x : x.power(power)
  let means = averagePooling(powers, size: sizes, stride: stride, roundsUp: roundsUp)
  if power == 1 { return means * Double(sizes.product) }
  return (means.relu() * Double(sizes.product)).power(1 / power)
}

/// The mean over all spatial axes: [batch, spatial…, channels] → [batch, channels].
public func globalAveragePooling(_ x: Tensor) -> Tensor {
  x.mean(Array(1...spatialAxes("global average pooling", x)))
}

/// Means over bins that divide each spatial axis into a given number of nearly equal parts, which overlap where the size
/// is no multiple (PyTorch's adaptive average pooling).
/// - Parameter output: number of bins: one number for all spatial axes, or one for each.
public func adaptiveAveragePooling(_ x: Tensor, to output: [Int]) -> Tensor {
  let name = "adaptive average pooling"
  let output = checkedBins(name, x, output)
  if let size = evenBins(x, output) { return averagePooling(x, size: size) }
  return output.enumerated().reduce(x) { x, bins in
    let size = x.shape[bins.offset + 1]
    return x.resampled(bins.offset + 1, .means(size, over: binRanges(size, bins.element)))
  }
}

/// Greatest values of bins that divide each spatial axis into a given number of nearly equal parts, which overlap where
/// the size is no multiple (PyTorch's adaptive max pooling).
public func adaptiveMaxPooling(_ x: Tensor, to output: [Int]) -> Tensor {
  let output = checkedBins("adaptive max pooling", x, output)
  if let size = evenBins(x, output) { return maxPooling(x, size: size) }
  return output.enumerated().reduce(x) { x, bins in
    let axis = bins.offset + 1
    let parts = binRanges(x.shape[axis], bins.element).map { range in
      x.sliced(axis, range).max([axis], keepsAxes: true)
    }
    return concatenate(parts, axis: axis)
  }
}

private func spatialAxes(_ name: String, _ x: Tensor) -> Int {
  guard (3...5).contains(x.rank) else {
    fail("\(name): \(x.label) \(x.shape) has no 1 to 3 axes between batch and channels")
  }
  return x.rank - 2
}

private func poolingGeometry(
  _ name: String, _ x: Tensor, _ size: [Int], _ stride: [Int]?, _ padding: SpatialPadding,
  _ dilation: [Int], _ roundsUp: Bool
) -> PoolingGeometry {
  let axes = spatialAxes(name, x)
  let size = perAxis(size, axes, "\(name): size")
  let stride = perAxis(stride ?? size, axes, "\(name): stride")
  let dilation = perAxis(dilation, axes, "\(name): dilation")
  guard (size + stride + dilation).allSatisfy({ $0 > 0 }) else {
    fail("\(name): size \(size), stride \(stride) and dilation \(dilation) must be positive")
  }
  let (low, high) = padding.amounts(
    x.spatialSize, kernel: size, stride: stride, dilation: dilation, name)
  return PoolingGeometry(
    image: x.spatialSize, size: size, stride: stride, dilation: dilation, low: low, high: high,
    roundsUp: roundsUp)
}

private func checkedBins(_ name: String, _ x: Tensor, _ output: [Int]) -> [Int] {
  let output = perAxis(output, spatialAxes(name, x), "\(name): output size")
  guard output.allSatisfy({ $0 > 0 }), x.spatialSize.allSatisfy({ $0 > 0 }) else {
    fail("\(name): \(output) bins of an image \(x.shape); all sizes must be positive")
  }
  return output
}

/// The size of bins that divide all axes without a rest.
private func evenBins(_ x: Tensor, _ output: [Int]) -> [Int]? {
  let sizes = x.spatialSize
  let isEven = zip(sizes, output).allSatisfy { $0 % $1 == 0 }
  return isEven ? zip(sizes, output).map { $0 / $1 } : nil
}

/// Bin i of n covers the values from ⌊i · size / n⌋ up to, not including, ⌈(i + 1) · size / n⌉.
func binRanges(_ size: Int, _ count: Int) -> [Range<Int>] {
  (0..<count).map { ($0 * size / count)..<((($0 + 1) * size + count - 1) / count) }
}
