public import Layers
public import Tensors

/// Sizes of a densely connected network, of DenseNet-121 to DenseNet-264.
public struct DenseNetConfiguration: Codable, Hashable, Sendable {
  /// Channels that every layer adds.
  public var growth: Int
  /// Layers of each block.
  public var layers: [Int]
  /// Channels of each convolution of the stem, which ends with a maximum over 3x3 windows: one of 7x7, or several of 3x3.
  /// The first one halves the picture.
  public var stem: [Int]
  /// How many times `growth` channels a layer's first convolution has.
  public var bottleneck = 4
  public var activation = Activation.relu
  public var pooling = GlobalPooling.average
  /// Of every layer's channels.
  public var dropout = 0.0
  /// Before the classifier.
  public var headDropout = 0.0
  /// Channels of the pictures.
  public var inputs = 3
  /// Classes of the classifier; 0: there is none.
  public var classes = 1000

  public init(growth: Int = 32, layers: [Int], stem: [Int]? = nil) {
    self.growth = growth
    self.layers = layers
    self.stem = stem ?? [2 * growth]
  }

  public static let densenet121 = Self(layers: [6, 12, 24, 16])
  public static let densenet161 = Self(growth: 48, layers: [6, 12, 36, 24])
  public static let densenet169 = Self(layers: [6, 12, 32, 32])
  public static let densenet201 = Self(layers: [6, 12, 48, 32])
}

/// Convolution of one pixel, then of 3x3, each behind a norm: what one layer adds to the channels (arXiv:1608.06993, eq. 2).
public struct DenseLayer: Layer {
  public var norm1: BatchNorm
  public var conv1: Convolution
  public var norm2: BatchNorm
  public var conv2: Convolution
  public let dropout: Dropout
  public let activation: Activation

  init(_ configuration: DenseNetConfiguration, inputs: Int, key: RandomKey) {
    let inner = configuration.bottleneck * configuration.growth
    norm1 = BatchNorm(channels: inputs)
    conv1 = DenseNet.convolution(inputs, inner, 1, key: key.fork(0))
    norm2 = BatchNorm(channels: inner)
    conv2 = DenseNet.convolution(inner, configuration.growth, 3, key: key.fork(1))
    dropout = Dropout(configuration.dropout)
    activation = configuration.activation
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let inner = conv1(norm1(x, phase, activation: activation), phase)
    return dropout(conv2(norm2(inner, phase, activation: activation), phase), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm1", &norm1)
    visitor("conv1", &conv1)
    visitor("norm2", &norm2)
    visitor("conv2", &conv2)
    visitor.fixed("dropout", dropout.rate)
    visitor.fixed("activation", activation)
  }
}

/// Halves the channels and the picture between two blocks.
public struct DenseTransition: Layer {
  public var norm: BatchNorm
  public var conv: Convolution
  public let activation: Activation

  init(_ configuration: DenseNetConfiguration, inputs: Int, key: RandomKey) {
    norm = BatchNorm(channels: inputs)
    conv = DenseNet.convolution(inputs, inputs / 2, 1, key: key)
    activation = configuration.activation
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    averagePooling(conv(norm(x, phase, activation: activation), phase), size: [2])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("norm", &norm)
    visitor("conv", &conv)
    visitor.fixed("activation", activation)
  }
}

/// DenseNet-BC (Huang et al., arXiv:1608.06993): every layer sees the channels of all layers before it in its block.
public struct DenseNet: Layer {
  /// One of the stem's convolutions and its norm.
  public struct Stem: Layer {
    public var conv: Convolution
    public var norm: BatchNorm
    let activation: Activation

    public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
      norm(conv(x, phase), phase, activation: activation)
    }

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("conv", &conv)
      visitor("norm", &norm)
      visitor.fixed("activation", activation)
    }
  }

  public var stem: [Stem]
  public var blocks: [[DenseLayer]]
  /// Between the blocks.
  public var transitions: [DenseTransition]
  public var norm: BatchNorm
  /// nil where features are asked for.
  public var classifier: Linear?
  public let configuration: DenseNetConfiguration

  public init(_ configuration: DenseNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    var channels = configuration.inputs
    let kernel = configuration.stem.count == 1 ? 7 : 3
    stem = configuration.stem.enumerated().map { place, outputs in
      defer { channels = outputs }
      return Stem(
        conv: Self.convolution(
          channels, outputs, kernel, stride: place == 0 ? 2 : 1, key: key.fork(0).fork(place)),
        norm: BatchNorm(channels: outputs), activation: configuration.activation)
    }
    (blocks, transitions) = ([], [])
    for (block, layers) in configuration.layers.enumerated() {
      if block > 0 {
        transitions.append(
          DenseTransition(configuration, inputs: channels, key: key.fork(1).fork(block)))
        channels /= 2
      }
      blocks.append(
        (0..<layers).map {
          DenseLayer(
            configuration, inputs: channels + $0 * configuration.growth,
            key: key.fork(2 + block).fork($0))
        })
      channels += layers * configuration.growth
    }
    norm = BatchNorm(channels: channels)
    if configuration.classes > 0 {
      var linear = Linear(
        inputs: configuration.pooling.features(of: channels), outputs: configuration.classes,
        key: key.fork(-1))
      linear.bias = linear.bias?.zerosLike()
      classifier = linear
    }
  }

  /// Without bias; normal numbers of deviation √(2 / (kernel² · inputs)), which keeps the size of signals.
  static func convolution(
    _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, key: RandomKey
  ) -> Convolution {
    var convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel], stride: [stride],
      padding: .symmetric([kernel / 2]), hasBias: false, key: key)
    convolution.weight = Initializer.kaimingNormal()(convolution.weight.shape, key)
    return convolution
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no classifier.
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let pooled = configuration.pooling(map(x, phase), phase).recorded("pooled")
    return classifier(Dropout(configuration.headDropout)(pooled, phase.fork(-1)), phase)
  }

  /// What is pooled: [batch, height, width, channels].
  public mutating func map(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = x
    for i in stem.indices { x = stem[i](x, phase).recorded("stem.\(i)") }
    x = maxPooling(x, size: [3], stride: [2], padding: .symmetric([1])).recorded("pool")
    for i in blocks.indices {
      if i > 0 { x = transitions[i - 1](x, phase).recorded("transitions.\(i - 1)") }
      for j in blocks[i].indices {
        let added = blocks[i][j](x, phase.fork(i).fork(j)).recorded("blocks.\(i).\(j)")
        x = concatenate([x, added], axis: -1)
      }
      x = x.recorded("blocks.\(i)")
    }
    x = norm(x, phase).recorded("norm")
    return configuration.activation(x).recorded("map")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("stem", &stem)
    visitor("blocks", &blocks)
    visitor("transitions", &transitions)
    visitor("norm", &norm)
    visitor("classifier", &classifier)
    visitor.fixed("configuration", configuration)
  }
}
