public import Layers
public import Tensors

/// Sizes of a residual network, of ResNet-18 to ResNet-152, ResNeXt, wide and small ones.
public struct ResNetConfiguration: Codable, Hashable, Sendable {
  /// What a residual branch is made of.
  public enum Block: String, Codable, Hashable, Sendable {
    /// Two convolutions 3x3.
    case basic
    /// 1x1, 3x3 and 1x1; the last one gives four times the channels. Strides stand in the 3x3.
    case bottleneck

    /// Output channels by width of the stage.
    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// How a picture comes in.
  public struct Stem: Codable, Hashable, Sendable {
    public var channels: Int
    public var kernel: Int
    public var stride: Int
    /// Whether a maximum over 3x3 windows halves the picture again.
    public var pools: Bool
    /// Channels of further convolutions before the last one; the first of all has the stride (arXiv:1812.01187, figure 2c).
    public var before: [Int]
    /// Whether a convolution stands in place of the maximum.
    public var poolsByConvolution: Bool

    public init(
      channels: Int = 64, kernel: Int = 7, stride: Int = 2, pools: Bool = true,
      before: [Int] = [], poolsByConvolution: Bool = false
    ) {
      self.channels = channels
      self.kernel = kernel
      self.stride = stride
      self.pools = pools
      self.before = before
      self.poolsByConvolution = poolsByConvolution
    }

    /// Of pictures of some hundred pixels, which it makes four times smaller.
    public static let imageNet = Stem()
    /// Of pictures of 32 pixels, whose size stays.
    public static let small = Stem(kernel: 3, stride: 1, pools: false)
  }

  /// How an input of another shape than the block's output is projected.
  public struct Shortcut: Codable, Hashable, Sendable {
    /// The size of the convolution's kernel where it strides.
    public var kernel = 1
    /// Whether means of 2x2 windows stride in its place (arXiv:1812.01187, figure 2d).
    public var averages = false
    /// Nothing is trained: pixels are left out, and zeros stand for the channels that are missing (option A).
    public var pads = false

    public init() {}
  }

  public var block: Block
  /// Blocks of each stage; every stage but the first halves the picture.
  public var layers: [Int]
  /// Channels inside the blocks of each stage.
  public var widths: [Int]
  public var stem: Stem
  /// Groups of the 3x3 convolutions of bottlenecks, and channels of each where a stage's width is 64.
  public var groups: Int
  public var widthPerGroup: Int
  /// By how much less channels a block's first convolution has.
  public var reduction = 1
  public var shortcut = Shortcut()
  /// The stages, by their place, that look at pixels farther from each other instead of halving the picture.
  public var dilatedStages: [Int] = []
  public var activation = Activation.relu
  public var pooling = GlobalPooling.average
  /// Before the head.
  public var dropout = 0.0
  /// How often the last branch is left out in training; earlier ones are less often.
  public var stochasticDepth = 0.0
  /// Channels of the pictures.
  public var inputs: Int
  /// Classes of the head; 0: there is none.
  public var classes: Int
  /// Whether the last norm of every branch begins with the weight 0, so that blocks begin as identities.
  public var zeroInitialResiduals: Bool

  public init(
    block: Block, layers: [Int], widths: [Int] = [64, 128, 256, 512], stem: Stem = .imageNet,
    groups: Int = 1, widthPerGroup: Int = 64, inputs: Int = 3, classes: Int = 1000,
    zeroInitialResiduals: Bool = false
  ) {
    guard layers.count == widths.count, !layers.isEmpty else {
      fail("ResNet: \(layers.count) stages have \(widths.count) widths; give one for each")
    }
    self.block = block
    self.layers = layers
    self.widths = widths
    self.stem = stem
    self.groups = groups
    self.widthPerGroup = widthPerGroup
    self.inputs = inputs
    self.classes = classes
    self.zeroInitialResiduals = zeroInitialResiduals
  }

  public static let resnet18 = Self(block: .basic, layers: [2, 2, 2, 2])
  public static let resnet34 = Self(block: .basic, layers: [3, 4, 6, 3])
  public static let resnet50 = Self(block: .bottleneck, layers: [3, 4, 6, 3])
  public static let resnet101 = Self(block: .bottleneck, layers: [3, 4, 23, 3])
  public static let resnet152 = Self(block: .bottleneck, layers: [3, 8, 36, 3])
  public static let resnext50 = Self(
    block: .bottleneck, layers: [3, 4, 6, 3], groups: 32, widthPerGroup: 4)
  public static let wideResnet50 = Self(
    block: .bottleneck, layers: [3, 4, 6, 3], widthPerGroup: 128)

  /// The networks of 20, 32, 44, 56 and 110 layers, or any 6n + 2, for pictures of 32 pixels (section 4.2).
  public static func cifar(layers: Int, classes: Int = 10) -> Self {
    guard layers >= 8, layers % 6 == 2 else {
      fail("ResNet: \(layers) layers are not 6n + 2; give 20, 32, 44, 56 or 110")
    }
    var sizes = Self(
      block: .basic, layers: [Int](repeating: (layers - 2) / 6, count: 3), widths: [16, 32, 64],
      stem: Stem(channels: 16, kernel: 3, stride: 1, pools: false), classes: classes)
    sizes.shortcut.pads = true
    return sizes
  }

  /// Channels of the features, the output of the last stage.
  public var features: Int { widths[widths.count - 1] * block.expansion }

  /// Channels of the 3x3 convolution of bottlenecks.
  public func innerWidth(_ width: Int) -> Int { width * widthPerGroup / 64 * groups }
}

/// A residual network for pictures (He et al., arXiv:1512.03385; groups: Xie et al., arXiv:1611.05431), under torchvision's
/// names.
///
///     var model = ResNet(.resnet50, key: key)
///     let logits = model(pictures, .training(key))   // changes the running statistics
public struct ResNet: Layer {
  /// The convolutions before the last one of a deep stem.
  public var stem: [ConvolutionNorm]
  public var conv1: Convolution
  public var bn1: BatchNorm
  /// In place of the stem's maximum.
  public var pool: ConvolutionNorm?
  public var stages: [[ResidualBlock]]
  /// The head; nil where features are asked for.
  public var fc: Linear?
  public let configuration: ResNetConfiguration

  public init(_ configuration: ResNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    (stem, conv1, pool) = Self.stem(configuration, key: key.fork(0))
    bn1 = BatchNorm(channels: configuration.stem.channels)
    var inputs = configuration.stem.channels
    var (dilation, place) = (1, 0)
    let last = max(configuration.layers.reduce(0, +) - 1, 1)
    stages = configuration.layers.indices.map { stage in
      var window = ResidualBlock.Window(stride: stage > 0 ? 2 : 1, first: dilation)
      if configuration.dilatedStages.contains(stage) {
        dilation *= window.stride
        window.stride = 1
      }
      window.dilation = dilation
      return (0..<configuration.layers[stage]).map { layer in
        let width = configuration.widths[stage]
        defer {
          inputs = width * configuration.block.expansion
          place += 1
          window = ResidualBlock.Window(stride: 1, first: dilation, dilation: dilation)
        }
        return ResidualBlock(
          configuration, inputs: inputs, width: width, window: window,
          drop: configuration.stochasticDepth * Double(place) / Double(last),
          key: key.fork(2 + stage).fork(layer))
      }
    }
    if configuration.classes > 0 {
      fc = Linear(
        inputs: configuration.pooling.features(of: configuration.features),
        outputs: configuration.classes, key: key.fork(1))
    }
  }

  private static func stem(_ configuration: ResNetConfiguration, key: RandomKey) -> (
    [ConvolutionNorm], Convolution, ConvolutionNorm?
  ) {
    let stem = configuration.stem
    var inputs = configuration.inputs
    let before = stem.before.enumerated().map { i, channels in
      defer { inputs = channels }
      return unit(
        configuration, inputs, channels, stem.kernel, stride: i == 0 ? stem.stride : 1,
        key: key.fork(i + 1))
    }
    let last = convolution(
      inputs, stem.channels, stem.kernel, stride: before.isEmpty ? stem.stride : 1, key: key)
    let pool =
      stem.poolsByConvolution
      ? unit(configuration, stem.channels, stem.channels, 3, stride: 2, key: key.fork(-1)) : nil
    return (before, last, pool)
  }

  private static func unit(
    _ configuration: ResNetConfiguration, _ inputs: Int, _ outputs: Int, _ kernel: Int,
    stride: Int, key: RandomKey
  ) -> ConvolutionNorm {
    ConvolutionNorm(
      inputs: inputs, outputs: outputs, kernel: [kernel], stride: stride,
      padding: .symmetric([kernel / 2]), activation: configuration.activation, key: key)
  }

  /// Without bias, since a norm follows; normal numbers of deviation √(2 / (kernel² · outputs)), which keeps the
  /// size of gradients.
  static func convolution(
    _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, dilation: Int = 1,
    groups: Int = 1, key: RandomKey
  ) -> Convolution {
    var convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel], stride: [stride],
      padding: .symmetric([kernel / 2 * dilation]), dilation: [dilation], groups: groups,
      hasBias: false, key: key)
    convolution.weight = Initializer.kaimingNormal(fan: .output)(convolution.weight.shape, key)
    return convolution
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    fc(Dropout(configuration.dropout)(features(x, phase), phase.fork(-1)), phase)
  }

  /// What the head sees: by default the means of the last stage's output, [batch, features].
  public mutating func features(_ x: Tensor, _ phase: Phase) -> Tensor {
    configuration.pooling(maps(x, phase).last!, phase).recorded("pooled")
  }

  /// The output of the stem and of every stage: [batch, height, width, channels].
  public mutating func maps(_ x: Tensor, _ phase: Phase) -> [Tensor] {
    var x = stem(x, phase)
    x = bn1(conv1(x, phase), phase, activation: configuration.activation).recorded("act1")
    if pool != nil {
      x = pool!(x, phase)
    } else if configuration.stem.pools {
      x = maxPooling(x, size: [3], stride: [2], padding: .symmetric([1]))
    }
    var maps = [x.recorded("maxpool")]
    for i in stages.indices {
      var x = maps[i]
      for j in stages[i].indices {
        x = stages[i][j](x, phase.fork(i).fork(j)).recorded("layer\(i + 1).\(j)")
      }
      maps.append(x.recorded("layer\(i + 1)"))
    }
    return maps
  }

  public mutating func visit(_ visitor: inout Visitor) {
    if stem.isEmpty {
      visitor("conv1", &conv1)
    } else {
      // Convolution, norm and activation are numbered one after the other.
      for i in stem.indices {
        visitor.named("conv1.\(3 * i)", &stem[i].convolution)
        visitor.named("conv1.\(3 * i + 1)", &stem[i].norm)
      }
      visitor.named("conv1.\(3 * stem.count)", &conv1)
    }
    visitor("bn1", &bn1)
    if pool != nil {
      visitor("maxpool.0", &pool!.convolution)
      visitor("maxpool.1", &pool!.norm)
    }
    for i in stages.indices { visitor.named("layer\(i + 1)", &stages[i]) }
    visitor("fc", &fc)
    visitor.fixed("configuration", configuration)
  }
}
