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

    public init(channels: Int = 64, kernel: Int = 7, stride: Int = 2, pools: Bool = true) {
      self.channels = channels
      self.kernel = kernel
      self.stride = stride
      self.pools = pools
    }

    /// Of pictures of some hundred pixels, which it makes four times smaller.
    public static let imageNet = Stem()
    /// Of pictures of 32 pixels, whose size stays.
    public static let small = Stem(kernel: 3, stride: 1, pools: false)
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

  /// Channels of the features, the output of the last stage.
  public var features: Int { widths[widths.count - 1] * block.expansion }
}

/// A convolution and the norm behind it, in place of a shortcut whose shape does not fit.
public struct Downsample: Layer {
  public var convolution: Convolution
  public var norm: BatchNorm

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    norm(convolution(x, phase), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("0", &convolution)
    visitor("1", &norm)
  }
}

/// relu(x + branch(x)) (He et al., arXiv:1512.03385, eq. 1 and 2), with the stride in the 3x3 of bottlenecks, as all
/// published weights have it.
public struct ResidualBlock: Layer {
  public var conv1: Convolution
  public var bn1: BatchNorm
  public var conv2: Convolution
  public var bn2: BatchNorm
  /// Only in bottlenecks.
  public var conv3: Convolution?
  public var bn3: BatchNorm?
  /// nil where the shortcut is the input itself.
  public var downsample: Downsample?

  init(
    _ configuration: ResNetConfiguration, inputs: Int, width: Int, stride: Int, key: RandomKey
  ) {
    func convolution(
      _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, groups: Int = 1,
      _ purpose: Int
    ) -> Convolution {
      ResNet.convolution(
        inputs, outputs, kernel, stride: stride, groups: groups, key: key.fork(purpose))
    }
    let outputs = width * configuration.block.expansion
    switch configuration.block {
    case .basic:
      conv1 = convolution(inputs, width, 3, stride: stride, 0)
      conv2 = convolution(width, width, 3, 1)
      (bn1, bn2) = (BatchNorm(channels: width), BatchNorm(channels: width))
      if configuration.zeroInitialResiduals { bn2.weight = .zeros([width]) }
    case .bottleneck:
      let groups = configuration.groups
      let inner = width * configuration.widthPerGroup / 64 * groups
      conv1 = convolution(inputs, inner, 1, 0)
      conv2 = convolution(inner, inner, 3, stride: stride, groups: groups, 1)
      conv3 = convolution(inner, outputs, 1, 2)
      (bn1, bn2) = (BatchNorm(channels: inner), BatchNorm(channels: inner))
      bn3 = BatchNorm(channels: outputs)
      if configuration.zeroInitialResiduals { bn3?.weight = .zeros([outputs]) }
    }
    if stride > 1 || inputs != outputs {
      downsample = Downsample(
        convolution: convolution(inputs, outputs, 1, stride: stride, 3),
        norm: BatchNorm(channels: outputs))
    }
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let shortcut = downsample(x, phase)
    let first = bn1(conv1(x, phase), phase, activation: .relu)
    let second = conv2(first, phase)
    guard let conv3, bn3 != nil else {
      return bn2(second, phase, activation: .relu, residual: shortcut)
    }
    let third = conv3(bn2(second, phase, activation: .relu), phase)
    return bn3!(third, phase, activation: .relu, residual: shortcut)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv1", &conv1)
    visitor("bn1", &bn1)
    visitor("conv2", &conv2)
    visitor("bn2", &bn2)
    visitor("conv3", &conv3)
    visitor("bn3", &bn3)
    visitor("downsample", &downsample)
  }
}

/// A residual network for pictures (He et al., arXiv:1512.03385; groups: Xie et al., arXiv:1611.05431), under torchvision's
/// names.
///
///     var model = ResNet(.resnet50, key: key)
///     let logits = model(pictures, .training(key))   // changes the running statistics
public struct ResNet: Layer {
  public var conv1: Convolution
  public var bn1: BatchNorm
  public var stages: [[ResidualBlock]]
  /// The head; nil where features are asked for.
  public var fc: Linear?
  public let configuration: ResNetConfiguration

  public init(_ configuration: ResNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    let stem = configuration.stem
    conv1 = Self.convolution(
      configuration.inputs, stem.channels, stem.kernel, stride: stem.stride, key: key.fork(0))
    bn1 = BatchNorm(channels: stem.channels)
    var inputs = stem.channels
    stages = zip(configuration.layers, configuration.widths).enumerated().map { stage, sizes in
      (0..<sizes.0).map { place in
        let block = ResidualBlock(
          configuration, inputs: inputs, width: sizes.1,
          stride: stage > 0 && place == 0 ? 2 : 1, key: key.fork(2 + stage).fork(place))
        inputs = sizes.1 * configuration.block.expansion
        return block
      }
    }
    if configuration.classes > 0 {
      fc = Linear(inputs: configuration.features, outputs: configuration.classes, key: key.fork(1))
    }
  }

  /// Without bias, since a norm follows; normal numbers of deviation √(2 / (kernel² · outputs)), which keeps the
  /// size of gradients.
  static func convolution(
    _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, groups: Int = 1, key: RandomKey
  ) -> Convolution {
    var convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel], stride: [stride],
      padding: .symmetric([kernel / 2]), groups: groups, hasBias: false, key: key)
    convolution.weight = Initializer.kaimingNormal(fan: .output)(convolution.weight.shape, key)
    return convolution
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    fc(features(x, phase), phase)
  }

  /// What the head sees: the means of the last stage's output, [batch, features].
  public mutating func features(_ x: Tensor, _ phase: Phase) -> Tensor {
    globalAveragePooling(maps(x, phase).last!)
  }

  /// The output of the stem and of every stage: [batch, height, width, channels].
  public mutating func maps(_ x: Tensor, _ phase: Phase) -> [Tensor] {
    var x = bn1(conv1(x, phase), phase, activation: .relu)
    if configuration.stem.pools {
      x = maxPooling(x, size: [3], stride: [2], padding: .symmetric([1]))
    }
    var maps = [x]
    for i in stages.indices { maps.append(stages[i](maps[i], phase)) }
    return maps
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv1", &conv1)
    visitor("bn1", &bn1)
    for i in stages.indices { visitor.named("layer\(i + 1)", &stages[i]) }
    visitor("fc", &fc)
    visitor.fixed("configuration", configuration)
  }
}
