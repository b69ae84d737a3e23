public import Tensors

/// The sum of products of a kernel with every window of an image, over 1 to 3 spatial axes as the kernel says:
/// [batch, spatial…, inputs] → [batch, spatial…, outputs].
///
/// Lists have one number for all spatial axes, or one for each.
public struct Convolution: Layer {
  /// [outputs, inputs / groups, kernel…].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  public var stride: [Int]
  public var padding: SpatialPadding
  public var dilation: [Int]
  public var groups: Int
  public var mode: PaddingMode

  /// Weight and bias uniform within ±1/√(products that an output sums), as in PyTorch.
  /// - Parameters:
  ///   - kernel: its size along each spatial axis, which says how many there are.
  ///   - groups: groups of channels that see only themselves; `inputs` of them make the convolution depthwise.
  ///   - mode: what the padding holds.
  public init(
    inputs: Int, outputs: Int, kernel: [Int], stride: [Int] = [1],
    padding: SpatialPadding = .none, dilation: [Int] = [1], groups: Int = 1,
    mode: PaddingMode = .zeros, hasBias: Bool = true, key: RandomKey
  ) {
    guard groups > 0, inputs % groups == 0, outputs % groups == 0 else {
      fail(
        "convolution: \(inputs) inputs and \(outputs) outputs do not divide into \(groups) groups")
    }
    let shape = [outputs, inputs / groups] + kernel
    weight = Initializer.fanInUniform(shape, key.fork(0))
    bias = hasBias ? .defaultBias(outputs, weight: shape, key.fork(1)) : nil
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.mode = mode
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let y = convolution(
      x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups, mode: mode)
    return bias.map { y + $0 } ?? y
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("stride", stride)
    visitor.fixed("padding", padding)
    visitor.fixed("dilation", dilation)
    visitor.fixed("groups", groups)
    visitor.fixed("mode", mode)
  }
}

/// The transposed convolution, which enlarges an image: [batch, spatial…, inputs] → [batch, spatial…, outputs].
///
/// Along each spatial axis the result has (size − 1) · stride − padding + (kernel − 1) · dilation + 1 + outputPadding
/// values, where padding is that of both sides.
public struct TransposedConvolution: Layer {
  /// [inputs, outputs / groups, kernel…].
  public var weight: Tensor
  /// [outputs].
  public var bias: Tensor?
  public var stride: [Int]
  public var padding: SpatialPadding
  public var outputPadding: [Int]
  public var dilation: [Int]
  public var groups: Int

  /// Weight and bias uniform within ±1/√(outputs / groups · values of the kernel), as in PyTorch.
  public init(
    inputs: Int, outputs: Int, kernel: [Int], stride: [Int] = [1],
    padding: SpatialPadding = .none, outputPadding: [Int] = [0], dilation: [Int] = [1],
    groups: Int = 1, hasBias: Bool = true, key: RandomKey
  ) {
    guard groups > 0, inputs % groups == 0, outputs % groups == 0 else {
      fail(
        "transposed convolution: \(inputs) inputs and \(outputs) outputs do not divide into \(groups) groups"
      )
    }
    let shape = [inputs, outputs / groups] + kernel
    weight = Initializer.fanInUniform(shape, key.fork(0))
    bias = hasBias ? .defaultBias(outputs, weight: shape, key.fork(1)) : nil
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let y = transposedConvolution(
      x, weight, stride: stride, padding: padding, outputPadding: outputPadding,
      dilation: dilation, groups: groups)
    return bias.map { y + $0 } ?? y
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.fixed("stride", stride)
    visitor.fixed("padding", padding)
    visitor.fixed("outputPadding", outputPadding)
    visitor.fixed("dilation", dilation)
    visitor.fixed("groups", groups)
  }
}

extension Tensor {
  /// Uniform within ±1/√(products that an output of this weight sums).
  fileprivate static func defaultBias(_ count: Int, weight: [Int], _ key: RandomKey) -> Tensor {
    let bound = 1 / Double(Swift.max(1, weight.dropFirst().reduce(1, *))).squareRoot()
    return Initializer.uniform(bound: bound)([count], key)
  }
}
