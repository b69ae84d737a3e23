public import Layers
public import Tensors

/// Sizes of a generator of styles and its discriminator.
public struct StyleGANConfiguration: Codable, Hashable, Sendable {
  /// Height and width of the pictures: the coarsest level's, doubled for every further one.
  public var size: Int
  public var channels: Int
  public var latents: Int
  /// Numbers of a style.
  public var styleWidth: Int
  /// Layers that turn noise into a style.
  public var mappingLayers: Int
  /// Channels of each level, from the coarsest.
  public var widths: [Int]

  public init(
    size: Int = 28, channels: Int = 1, latents: Int = 512, styleWidth: Int = 512,
    mappingLayers: Int = 8, widths: [Int] = [256, 128, 64]
  ) {
    self.size = size
    self.channels = channels
    self.latents = latents
    self.styleWidth = styleWidth
    self.mappingLayers = mappingLayers
    self.widths = widths
  }

  /// Styles that a picture has: one for each convolution, and one for the last picture.
  public var styles: Int { 2 * widths.count }

  /// Height and width of each level, from the coarsest.
  var sides: [Int] {
    let coarsest = size >> (widths.count - 1)
    guard coarsest > 0, coarsest << (widths.count - 1) == size else {
      fail("pictures of \(size) pixels cannot be halved \(widths.count - 1) times")
    }
    return widths.indices.map { coarsest << $0 }
  }
}

/// Eight layers or so that turn noise into a style; they learn a hundred times slower than others (Karras et al.,
/// arXiv:1812.04948, section 2 and appendix C).
public struct StyleMapping: Module {
  public var layers: [EqualizedLinear]
  /// The running mean of styles, [width].
  public var average: Tensor

  init(_ configuration: StyleGANConfiguration, key: RandomKey) {
    layers = (0..<configuration.mappingLayers).map {
      EqualizedLinear(
        inputs: $0 == 0 ? configuration.latents : configuration.styleWidth,
        outputs: configuration.styleWidth, rate: 0.01, key: key.fork($0))
    }
    average = .zeros([configuration.styleWidth])
  }

  /// [batch, latents] → [batch, width]. Training moves the running mean.
  public mutating func callAsFunction(_ z: Tensor, _ phase: Phase) -> Tensor {
    let unit = z * (z.square().mean([1], keepsAxes: true) + 1e-8).rsqrt()
    let style = layers.reduce(unit) { x, layer in layer(x, phase).styleActivation() }
    if phase.isTraining { average += (style.mean([0]).stopped() - average) * 0.002 }
    return style
  }

  public mutating func visit(_ visitor: inout Visitor) {
    for i in layers.indices { visitor.named("fc\(i)", &layers[i]) }
    visitor.buffer("w_avg", &average)
  }
}

/// activation(modulated convolution + noise + bias).
public struct StyleLayer: Module {
  public var convolution: ModulatedConvolution
  /// The noise of inference, [height, width, 1]; training draws it anew.
  public var noise: Tensor
  /// How much noise is added: shape [], 0 at the beginning.
  public var noiseStrength: Tensor
  /// [outputs].
  public var bias: Tensor

  init(inputs: Int, outputs: Int, side: Int, styleWidth: Int, key: RandomKey) {
    convolution = ModulatedConvolution(
      inputs: inputs, outputs: outputs, kernel: 3, styleWidth: styleWidth, key: key.fork(0))
    noise = key.fork(1).normal([side, side, 1])
    noiseStrength = .zeros([])
    bias = .zeros([outputs])
  }

  func callAsFunction(_ x: Tensor, _ style: Tensor, _ phase: Phase) -> Tensor {
    var noise = self.noise
    if case .training(let key) = phase {
      noise = key.normal([x.shape[0]] + noise.shape, x.dataType)
    }
    return (convolution(x, style: style) + noise * noiseStrength + bias).styleActivation()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&convolution)
    visitor.buffer("noise_const", &noise)
    visitor("noise_strength", &noiseStrength)
    visitor("bias", &bias)
  }
}

/// A level: the picture is doubled, but on the first, refined by convolutions, and added to the doubled picture before.
public struct StyleLevel: Module {
  /// What the first level begins with, [height, width, channels]; nil on the others.
  public var start: Tensor?
  /// The first convolution after doubling; nil on the first level.
  public var conv0: StyleLayer?
  public var conv1: StyleLayer
  public var picture: ModulatedConvolution
  /// [picture channels].
  public var pictureBias: Tensor

  init(_ configuration: StyleGANConfiguration, level: Int, key: RandomKey) {
    let (width, side) = (configuration.widths[level], configuration.sides[level])
    func layer(_ inputs: Int, _ key: RandomKey) -> StyleLayer {
      StyleLayer(
        inputs: inputs, outputs: width, side: side, styleWidth: configuration.styleWidth, key: key)
    }
    start = level == 0 ? key.fork(0).normal([side, side, width]) : nil
    conv0 = level == 0 ? nil : layer(configuration.widths[level - 1], key.fork(1))
    conv1 = layer(width, key.fork(2))
    picture = ModulatedConvolution(
      inputs: width, outputs: configuration.channels, kernel: 1,
      styleWidth: configuration.styleWidth, demodulates: false, key: key.fork(3))
    pictureBias = .zeros([configuration.channels])
  }

  /// - Parameters:
  ///   - x: features and picture of the level before; nil on the first.
  ///   - styles: [batch, width] for each convolution of the level, and for its picture.
  func callAsFunction(
    _ x: (features: Tensor, picture: Tensor)?, _ styles: [Tensor], _ phase: Phase
  ) -> (features: Tensor, picture: Tensor) {
    var features: Tensor
    if let start {
      features = start.expanded(0).broadcast(to: [styles[0].shape[0]] + start.shape)
    } else {
      features = x!.features.doubled()
    }
    if let conv0 { features = conv0(features, styles[0], phase.fork(0)) }
    features = conv1(features, styles[styles.count - 2], phase.fork(1))
    let added = picture(features, style: styles[styles.count - 1]) + pictureBias
    return (features, x.map { $0.picture.doubled() + added } ?? added)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("const", &start)
    visitor("conv0", &conv0)
    visitor("conv1", &conv1)
    visitor("torgb", &picture)
    visitor("torgb.bias", &pictureBias)
  }
}

/// A generator whose noise becomes styles, which say on every level how the picture is drawn (Karras et al.,
/// arXiv:1812.04948 and arXiv:1912.04958), with the sum of pictures of all levels as output. Tensors are named as in the
/// authors' PyTorch code.
public struct StyleGenerator: Module {
  public let configuration: StyleGANConfiguration
  public var mapping: StyleMapping
  public var levels: [StyleLevel]

  public init(_ configuration: StyleGANConfiguration, key: RandomKey) {
    self.configuration = configuration
    mapping = StyleMapping(configuration, key: key.fork(0))
    levels = configuration.widths.indices.map {
      StyleLevel(configuration, level: $0, key: key.fork(1).fork($0))
    }
  }

  /// One style for all layers: [batch, latents] → [batch, styles, width].
  public mutating func styles(of z: Tensor, _ phase: Phase) -> Tensor {
    let style = mapping(z, phase)
    return style.expanded(1).broadcast(to: [z.shape[0], configuration.styles, style.shape[1]])
  }

  /// Styles moved towards their mean: all of the way for a share of 0, not at all for 1. Smaller ones give better pictures
  /// that are more alike (the truncation trick).
  public func truncated(_ styles: Tensor, to share: Double) -> Tensor {
    mapping.average + (styles - mapping.average) * share
  }

  /// The first styles of `coarse` and the others of `fine`, both [batch, styles, width].
  /// - Parameter crossover: the number of the first of `fine`, int32, shape [] or [batch].
  public func mixed(_ coarse: Tensor, _ fine: Tensor, crossover: Tensor) -> Tensor {
    let places = Tensor.indices([coarse.shape[0], coarse.shape[1], 1], axis: 1, .int32)
    let isCoarse = places.less(than: crossover.cast(to: .int32).reshaped([-1, 1, 1]))
    return select(isCoarse.broadcast(to: coarse.shape), coarse, fine)
  }

  /// Pictures of values about −1 … 1, [batch, height, width, channels], of styles [batch, styles, width].
  public func pictures(_ styles: Tensor, _ phase: Phase) -> Tensor {
    let each = (0..<configuration.styles).map { styles.element(1, $0) }
    var state: (features: Tensor, picture: Tensor)?
    for (i, level) in levels.enumerated() {
      // The style of a level's picture is that of the next level's first convolution.
      let own = i == 0 ? Array(each[0..<2]) : Array(each[(2 * i - 1)..<(2 * i + 2)])
      state = level(state, own, phase.fork(i))
    }
    return state!.picture
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("mapping", &mapping)
    for (i, side) in configuration.sides.enumerated() {
      visitor.named("synthesis.b\(side)", &levels[i])
    }
    visitor.fixed("configuration", configuration)
  }
}
