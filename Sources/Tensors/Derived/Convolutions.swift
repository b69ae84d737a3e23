/// What surrounds an image along its spatial axes.
public enum SpatialPadding: Hashable, Sendable {
  /// As many values before as behind: one number for all spatial axes, or one for each.
  case symmetric([Int])
  /// Values before and behind, for each spatial axis.
  case each(low: [Int], high: [Int])
  /// So many values that a stride of 1 keeps the size, the odd one behind (PyTorch's "same").
  case same
  /// So many values that ⌈size / stride⌉ windows fit, the odd one behind (TensorFlow's "SAME").
  case sameForStride

  public static let none = symmetric([0])

  /// Values before and behind for every axis of an image.
  func amounts(
    _ image: [Int], kernel: [Int], stride: [Int], dilation: [Int], _ name: String
  ) -> (low: [Int], high: [Int]) {
    func halves(_ totals: [Int]) -> (low: [Int], high: [Int]) {
      (totals.map { $0 / 2 }, totals.map { $0 - $0 / 2 })
    }
    switch self {
    case .symmetric(let sizes):
      let sizes = perAxis(sizes, kernel.count, "\(name): padding")
      return (sizes, sizes)
    case .each(let low, let high):
      return (
        perAxis(low, kernel.count, "\(name): padding before"),
        perAxis(high, kernel.count, "\(name): padding behind")
      )
    case .same: return halves(zip(kernel, dilation).map { ($0 - 1) * $1 })
    case .sameForStride:
      return halves(
        image.indices.map { axis in
          let behindLastWindow = (image[axis] - 1) % max(stride[axis], 1)
          return max((kernel[axis] - 1) * dilation[axis] - behindLastWindow, 0)
        })
    }
  }
}

/// One number for all axes, or one for each, as one for each.
func perAxis(_ values: [Int], _ axes: Int, _ what: String) -> [Int] {
  if values.count == axes { return values }
  guard values.count == 1 else {
    fail("\(what) \(values) for \(axes) spatial axes: give one number or \(axes)")
  }
  return [Int](repeating: values[0], count: axes)
}

/// The sum of products of a kernel with every window of an image (cross-correlation), over 1 to 3 spatial axes.
///
/// Sums of 16-bit floats are float32.
/// - Parameters:
///   - x: [batch, spatial…, channels].
///   - weight: [out, channels / groups, kernel…], as PyTorch stores it.
///   - stride: distance between windows; one number for all spatial axes, or one for each.
///   - dilation: distance between taps of the kernel.
///   - groups: groups of channels that see only themselves; as many as channels make the convolution depthwise.
///   - mode: what the padding holds.
/// - Returns: [batch, spatial…, out], of the type of `x`.
public func convolution(
  _ x: Tensor, _ weight: Tensor, stride: [Int] = [1], padding: SpatialPadding = .none,
  dilation: [Int] = [1], groups: Int = 1, mode: PaddingMode = .zeros
) -> Tensor {
  let axes = checkedSpatialAxes(x, weight, "convolution")
  let stride = perAxis(stride, axes, "convolution: stride")
  let dilation = perAxis(dilation, axes, "convolution: dilation")
  var (low, high) = padding.amounts(
    x.spatialSize, kernel: weight.kernelSize, stride: stride, dilation: dilation, "convolution")
  var image = x
  if mode != .zeros {
    image = x.padded([(0, 0)] + zip(low, high).map { (low: $0, high: $1) } + [(0, 0)], mode: mode)
    (low, high) = (low.map { _ in 0 }, high.map { _ in 0 })
  }
  let geometry = ConvolutionGeometry(
    stride: stride, dilation: dilation, low: low, high: high, groups: groups)
  return inFullPrecision([image, weight]) { Tensor(ConvolutionForward(geometry), $0) }
}

/// The transposed convolution (torch.nn.ConvTranspose): every element of `x` spreads the kernel into the result. Along
/// each spatial axis the result has (size − 1) · stride − low − high + (kernel − 1) · dilation + 1 + outputPadding values.
///
/// - Parameters:
///   - x: [batch, spatial…, channels].
///   - weight: [channels, out / groups, kernel…], as PyTorch stores it.
///   - padding: values cut off the result before and behind.
///   - outputPadding: more values behind the result, of which the smaller ones undo some of `padding`.
/// - Returns: [batch, spatial…, out], of the type of `x`.
public func transposedConvolution(
  _ x: Tensor, _ weight: Tensor, stride: [Int] = [1], padding: SpatialPadding = .none,
  outputPadding: [Int] = [0], dilation: [Int] = [1], groups: Int = 1
) -> Tensor {
  let name = "transposed convolution"
  let axes = checkedSpatialAxes(x, weight, name)
  let stride = perAxis(stride, axes, "\(name): stride")
  let dilation = perAxis(dilation, axes, "\(name): dilation")
  let outputPadding = perAxis(outputPadding, axes, "\(name): output padding")
  let kernel = weight.kernelSize
  var (low, high) = padding.amounts(
    zip(x.spatialSize, stride).map(*), kernel: kernel, stride: stride, dilation: dilation, name)
  var size: [Int] = []
  var zeros: [Int] = []
  for axis in 0..<axes {
    // Values behind the result are first those that the padding would have cut off, then zeros.
    let restored = min(outputPadding[axis], high[axis])
    high[axis] -= restored
    let rest = outputPadding[axis] - restored
    let inside = min(rest, stride[axis] - 1)
    zeros.append(rest - inside)
    let extent = (x.shape[axis + 1] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
    size.append(extent - low[axis] - high[axis] + inside)
  }
  let geometry = ConvolutionGeometry(
    stride: stride, dilation: dilation, low: low, high: high, groups: groups)
  let y = inFullPrecision([x, weight]) {
    Tensor(ConvolutionInputGradient(geometry, size: size), $0)
  }
  return y.padded([(0, 0)] + zeros.map { (low: 0, high: $0) } + [(0, 0)])
}

/// Computes with 16-bit floats in float32; the result has the type of the first operand.
func inFullPrecision(_ operands: [Tensor], _ f: ([Tensor]) -> Tensor) -> Tensor {
  let type = operands[0].dataType
  let isHalf = type == .float16 || type == .bfloat16
  return f(isHalf ? operands.map { $0.cast(to: .float32) } : operands).cast(to: type)
}

private func checkedSpatialAxes(_ x: Tensor, _ weight: Tensor, _ name: String) -> Int {
  guard (3...5).contains(x.rank), weight.rank == x.rank else {
    fail(
      "\(name): an image [batch, spatial…, channels] and a weight [out, in / groups, kernel…] have the same 3 to 5 axes, not \(x.label) \(x.shape) and \(weight.label) \(weight.shape)"
    )
  }
  return x.rank - 2
}
