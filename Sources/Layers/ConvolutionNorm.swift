public import Tensors

/// activation(norm(convolution(x))) over pictures, the unit of convolutional networks: [batch, height, width, channels].
public struct ConvolutionNorm: Layer {
  /// Without bias, since a norm follows.
  public var convolution: Convolution
  public var norm: BatchNorm
  public var activation: Activation

  /// Normal weights of deviation √(2 / (kernel² · outputs / groups)), which keeps the size of gradients.
  /// - Parameter kernel: one number for both axes, or one for each.
  public init(
    inputs: Int, outputs: Int, kernel: [Int], stride: Int = 1, padding: SpatialPadding = .none,
    dilation: Int = 1, groups: Int = 1, epsilon: Double = 1e-5, momentum: Double = 0.1,
    activation: Activation = .relu, key: RandomKey
  ) {
    let kernel = kernel.count == 1 ? [kernel[0], kernel[0]] : kernel
    convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: kernel, stride: [stride], padding: padding,
      dilation: [dilation], groups: groups, hasBias: false, key: key)
    let products = Double(kernel.reduce(1, *) * outputs / groups)
    convolution.weight = Initializer.normal(deviation: (2 / products).squareRoot())(
      convolution.weight.shape, key)
    norm = BatchNorm(channels: outputs, epsilon: epsilon, momentum: momentum)
    self.activation = activation
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    norm(convolution(x, phase), phase, activation: activation)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv", &convolution)
    visitor("bn", &norm)
    visitor.fixed("activation", activation)
  }
}

/// Squeeze and excitation (Hu et al., arXiv:1709.01507): channels times gates between 0 and 1, which the means of all
/// channels decide.
public struct SqueezeExcitation: Layer {
  /// Weights are [outputs, inputs, 1, 1], as of convolutions of one pixel.
  public var reduce: Convolution
  public var expand: Convolution
  public var activation: Activation

  /// Normal weights of deviation √(2 / outputs), biases 0.
  /// - Parameter squeezed: channels between the two products.
  public init(channels: Int, squeezed: Int, activation: Activation, key: RandomKey) {
    func pixel(_ inputs: Int, _ outputs: Int, _ key: RandomKey) -> Convolution {
      var layer = Convolution(inputs: inputs, outputs: outputs, kernel: [1, 1], key: key)
      layer.weight = Initializer.kaimingNormal(fan: .output)(layer.weight.shape, key)
      layer.bias = layer.bias?.zerosLike()
      return layer
    }
    reduce = pixel(channels, squeezed, key.fork(0))
    expand = pixel(squeezed, channels, key.fork(1))
    self.activation = activation
  }

  /// - Parameter x: [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let means = globalAveragePooling(x).expanded(1).expanded(1)
    return x * expand(activation(reduce(means, phase)), phase).sigmoid()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("fc1", &reduce)
    visitor("fc2", &expand)
    visitor.fixed("activation", activation)
  }
}
