public import Layers
public import Tensors

/// A level of the discriminator: two convolutions, the second of which halves the picture, beside a shortcut.
public struct StyleDiscriminatorLevel: Layer {
  public var conv0: EqualizedConvolution
  public var conv1: EqualizedConvolution
  public var shortcut: EqualizedConvolution

  init(inputs: Int, outputs: Int, key: RandomKey) {
    conv0 = EqualizedConvolution(inputs: inputs, outputs: inputs, kernel: 3, key: key.fork(0))
    conv1 = EqualizedConvolution(
      inputs: inputs, outputs: outputs, kernel: 3, stride: 2, key: key.fork(1))
    shortcut = EqualizedConvolution(
      inputs: inputs, outputs: outputs, kernel: 1, hasBias: false, key: key.fork(2))
  }

  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let y = conv1(conv0(x, phase).styleActivation(), phase).styleActivation()
    return (y + shortcut(x.halved(), phase)) * 0.5.squareRoot()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv0", &conv0)
    visitor("conv1", &conv1)
    visitor("skip", &shortcut)
  }
}

/// The residual discriminator of a generator of styles (Karras et al., arXiv:1912.04958, appendix B), with the deviation of
/// groups of four as a feature. Tensors are named as in the authors' PyTorch code.
public struct StyleDiscriminator: Module {
  public let configuration: StyleGANConfiguration
  public var input: EqualizedConvolution
  /// From the finest.
  public var levels: [StyleDiscriminatorLevel]
  public var convolution: EqualizedConvolution
  public var hidden: EqualizedLinear
  public var output: EqualizedLinear

  public init(_ configuration: StyleGANConfiguration, key: RandomKey) {
    self.configuration = configuration
    let widths = Array(configuration.widths.reversed())
    let last = widths[widths.count - 1]
    input = EqualizedConvolution(
      inputs: configuration.channels, outputs: widths[0], kernel: 1, key: key.fork(0))
    levels = zip(widths, widths.dropFirst()).enumerated().map { i, sizes in
      StyleDiscriminatorLevel(inputs: sizes.0, outputs: sizes.1, key: key.fork(1).fork(i))
    }
    convolution = EqualizedConvolution(
      inputs: last + 1, outputs: last, kernel: 3, key: key.fork(2))
    let side = configuration.sides[0]
    hidden = EqualizedLinear(inputs: last * side * side, outputs: last, key: key.fork(3))
    output = EqualizedLinear(inputs: last, outputs: 1, key: key.fork(4))
  }

  /// Scores, [batch], of pictures [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = input(x, phase).styleActivation()
    for level in levels { x = level(x, phase) }
    x = convolution(withBatchDeviation(x), phase).styleActivation()
    x = hidden(Flatten()(x, phase), phase).styleActivation()
    return output(x, phase).squeezed(-1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    let sides = Array(configuration.sides.reversed())
    visitor.named("b\(sides[0]).fromrgb", &input)
    for i in levels.indices { visitor.named("b\(sides[i])", &levels[i]) }
    visitor.named("b\(sides[sides.count - 1]).conv", &convolution)
    visitor.named("b\(sides[sides.count - 1]).fc", &hidden)
    visitor.named("b\(sides[sides.count - 1]).out", &output)
    visitor.fixed("configuration", configuration)
  }
}
