public import Layers
public import Tensors

/// x Wᵀ + b with weights that are drawn with deviation 1 and scaled when they are used, so that an optimizer that gives all
/// tensors steps of one size moves them alike (Karras et al., arXiv:1710.10196, section 4.1).
public struct EqualizedLinear: Layer {
  /// [outputs, inputs].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor
  /// How much slower the layer learns than others: 1 is as fast.
  public let rate: Double

  public init(inputs: Int, outputs: Int, bias: Double = 0, rate: Double = 1, key: RandomKey) {
    weight = key.normal([outputs, inputs], deviation: 1 / rate)
    self.bias = .fill(bias / rate, [outputs], .float32)
    self.rate = rate
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let scale = rate / Double(weight.shape[1]).squareRoot()
    return matrixProduct(x, weight.transposed() * scale) + bias * rate
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("rate", rate)
  }
}

/// A convolution with weights of deviation 1 that are scaled when they are used; the size of the picture stays, or is halved.
public struct EqualizedConvolution: Layer {
  /// [outputs, inputs, kernel, kernel].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  public let stride: Int

  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, hasBias: Bool = true, key: RandomKey
  ) {
    weight = key.normal([outputs, inputs, kernel, kernel])
    bias = hasBias ? .zeros([outputs]) : nil
    self.stride = stride
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let scale = 1 / Double(weight.shape.dropFirst().reduce(1, *)).squareRoot()
    let y = convolution(
      x, weight * scale, stride: [stride], padding: .symmetric([weight.shape[2] / 2]))
    return bias.map { y + $0 } ?? y
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("stride", stride)
  }
}

/// A convolution whose weights a style scales, input channel by input channel, for each picture of a batch; demodulation
/// then divides them by their norm, output by output, so that inputs of variance 1 give outputs of variance 1 (Karras et al.,
/// arXiv:1912.04958, eq. 1 to 3).
///
/// Inputs and outputs are scaled in place of the weights, which is the same and lets the batch share one convolution.
public struct ModulatedConvolution: Module {
  /// [outputs, inputs, kernel, kernel].
  public var weight: Tensor
  /// Scales of inputs, of the style; they begin around 1.
  public var affine: EqualizedLinear
  public let demodulates: Bool

  public init(
    inputs: Int, outputs: Int, kernel: Int, styleWidth: Int, demodulates: Bool = true,
    key: RandomKey
  ) {
    weight = key.fork(0).normal([outputs, inputs, kernel, kernel])
    affine = EqualizedLinear(inputs: styleWidth, outputs: inputs, bias: 1, key: key.fork(1))
    self.demodulates = demodulates
  }

  /// - Parameters:
  ///   - x: [batch, height, width, inputs].
  ///   - style: [batch, style width].
  public func callAsFunction(_ x: Tensor, style: Tensor) -> Tensor {
    callAsFunction(x, scales: affine(style))
  }

  /// The same of the scales that a style stands for, [batch, inputs].
  public func callAsFunction(_ x: Tensor, scales: Tensor) -> Tensor {
    let products = Double(weight.shape.dropFirst().reduce(1, *))
    let padding = SpatialPadding.symmetric([weight.shape[2] / 2])
    // Without demodulation the weights are scaled like those of other layers.
    let scales = demodulates ? scales : scales / products.squareRoot()
    let y = convolution(x * scales.expanded([1, 2]), weight, padding: padding)
    guard demodulates else { return y }
    let powers = weight.square().sum([2, 3]).transposed()
    return y * (matrixProduct(scales.square(), powers) + 1e-8).rsqrt().expanded([1, 2])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("affine", &affine)
    visitor.fixed("demodulates", demodulates)
  }
}

/// The standard deviation of features over groups of a batch, averaged over all features, as one more channel: it tells the
/// critic when all fakes are alike (Karras et al., arXiv:1710.10196, section 3).
///
/// - Parameters:
///   - x: [batch, height, width, channels]; examples whose numbers are equal modulo batch / group are a group.
///   - group: the size of a group; where it does not divide the batch, the largest divisor below it.
/// - Returns: [batch, height, width, channels + 1].
public func withBatchDeviation(_ x: Tensor, group: Int = 4) -> Tensor {
  let batch = x.shape[0]
  guard let size = (1...max(1, min(group, batch))).last(where: { batch % $0 == 0 }) else {
    return x
  }
  let grouped = x.reshaped([size, batch / size] + x.shape.dropFirst())
  let centered = grouped - grouped.mean([0], keepsAxes: true)
  let deviation = (centered.square().mean([0]) + 1e-8).sqrt().mean([1, 2, 3])
  let one = deviation.expanded([0, 2, 3, 4]).broadcast(
    to: [size, batch / size, x.shape[1], x.shape[2], 1])
  return concatenate([x, one.reshaped([batch, x.shape[1], x.shape[2], 1])], axis: -1)
}

extension Tensor {
  /// Leaky ReLU of slope 0.2 times √2, which keeps a variance of 1 about as it is.
  func styleActivation() -> Tensor { leakyReLU(slope: 0.2) * 2.0.squareRoot() }

  /// Pictures of twice the size, each new value a sum of four neighbours weighted 3 to 1.
  func doubled() -> Tensor { resized(by: [2], mode: .linear) }

  /// Pictures of half the size, weighted 1, 3, 3, 1 along each axis.
  func halved() -> Tensor {
    resized(to: [shape[1] / 2, shape[2] / 2], mode: .linear, antialias: true)
  }
}
