public import Layers
public import Tensors

/// Sizes of a GoogLeNet.
public struct GoogLeNetConfiguration: Codable, Hashable, Sendable {
  /// Channels of a block: of its branch of one pixel, before and behind the 3x3, before and behind the 5x5, and behind the
  /// maximum (table 1 of the paper).
  public struct Block: Codable, Hashable, Sendable {
    public var one: Int
    public var reducedThree: Int
    public var three: Int
    public var reducedFive: Int
    public var five: Int
    public var pooled: Int

    public init(_ one: Int, _ three: (Int, Int), _ five: (Int, Int), _ pooled: Int) {
      (self.one, self.pooled) = (one, pooled)
      ((reducedThree, self.three), (reducedFive, self.five)) = (three, five)
    }

    public var outputs: Int { one + three + five + pooled }
  }

  /// Channels of the three convolutions of the stem.
  public var stem = [64, 64, 192]
  /// Blocks by stage; maxima of windows lie between the stages.
  public var stages: [[Block]]
  /// The kernel of the third branch: 5 in the paper, 3 in torchvision and its weights.
  public var thirdKernel = 3
  /// Blocks behind which a further classifier stands, by their place among all blocks; there are none in inference.
  public var auxiliary = [2, 5]
  /// Whether pictures come with ImageNet's mean 0 and deviation 1, but go in as if within −1 … 1.
  public var transformsInput = false
  public var dropout = 0.2
  /// Within the further classifiers.
  public var auxiliaryDropout = 0.7
  /// Channels of the pictures.
  public var inputs = 3
  public var classes = 1000

  public init(stages: [[Block]]) { self.stages = stages }

  public static let googLeNet = Self(stages: [
    [Block(64, (96, 128), (16, 32), 32), Block(128, (128, 192), (32, 96), 64)],
    [
      Block(192, (96, 208), (16, 48), 64), Block(160, (112, 224), (24, 64), 64),
      Block(128, (128, 256), (24, 64), 64), Block(112, (144, 288), (32, 64), 64),
      Block(256, (160, 320), (32, 128), 128),
    ],
    [Block(256, (160, 320), (32, 128), 128), Block(384, (192, 384), (48, 128), 128)],
  ])
}

/// Four branches side by side, which look around through windows of different sizes.
public struct GoogLeNetBlock: Layer {
  public var branch1: ConvolutionNorm
  public var branch2: [ConvolutionNorm]
  public var branch3: [ConvolutionNorm]
  /// Behind the maximum of 3x3 windows.
  public var branch4: ConvolutionNorm

  init(_ block: GoogLeNetConfiguration.Block, inputs: Int, thirdKernel: Int, key: RandomKey) {
    func unit(_ inputs: Int, _ outputs: Int, _ kernel: Int, _ purpose: Int) -> ConvolutionNorm {
      GoogLeNet.unit(inputs, outputs, kernel, key: key.fork(purpose))
    }
    branch1 = unit(inputs, block.one, 1, 0)
    branch2 = [
      unit(inputs, block.reducedThree, 1, 1), unit(block.reducedThree, block.three, 3, 2),
    ]
    branch3 = [
      unit(inputs, block.reducedFive, 1, 3), unit(block.reducedFive, block.five, thirdKernel, 4),
    ]
    branch4 = unit(inputs, block.pooled, 1, 5)
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let greatest = maxPooling(x, size: [3], stride: [1], padding: .symmetric([1]))
    return concatenate(
      [
        branch1(x, phase).recorded("branch1"), branch2(x, phase).recorded("branch2"),
        branch3(x, phase).recorded("branch3"), branch4(greatest, phase).recorded("branch4"),
      ], axis: -1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("branch1", &branch1)
    visitor("branch2", &branch2)
    visitor("branch3", &branch3)
    visitor("branch4.1", &branch4)
  }
}

/// A classifier that stands at the side and helps gradients reach the first layers.
public struct GoogLeNetClassifier: Layer {
  public var convolution: ConvolutionNorm
  public var hidden: Linear
  public var output: Linear
  public let dropout: Dropout

  init(_ configuration: GoogLeNetConfiguration, inputs: Int, key: RandomKey) {
    convolution = GoogLeNet.unit(inputs, 128, 1, key: key.fork(0))
    hidden = Linear(inputs: 128 * 16, outputs: 1024, key: key.fork(1))
    output = Linear(inputs: 1024, outputs: configuration.classes, key: key.fork(2))
    dropout = Dropout(configuration.auxiliaryDropout)
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let map = convolution(adaptiveAveragePooling(x, to: [4]), phase)
    return output(dropout(hidden(Flatten()(map, phase), phase).relu(), phase), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv", &convolution)
    visitor("fc1", &hidden)
    visitor("fc2", &output)
    visitor.fixed("dropout", dropout.rate)
  }
}

/// GoogLeNet (Szegedy et al. 2014, arXiv:1409.4842) with norms of batches, under torchvision's names.
public struct GoogLeNet: Layer {
  public var stem: [ConvolutionNorm]
  public var stages: [[GoogLeNetBlock]]
  public var auxiliary: [GoogLeNetClassifier]
  public var fc: Linear
  public let configuration: GoogLeNetConfiguration

  public init(_ configuration: GoogLeNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    let widths = configuration.stem
    stem = [
      Self.unit(configuration.inputs, widths[0], 7, stride: 2, key: key.fork(0)),
      Self.unit(widths[0], widths[1], 1, key: key.fork(1)),
      Self.unit(widths[1], widths[2], 3, key: key.fork(2)),
    ]
    var (channels, outputs) = (widths[2], [Int]())
    stages = configuration.stages.enumerated().map { i, blocks in
      blocks.enumerated().map { j, block in
        defer {
          channels = block.outputs
          outputs.append(channels)
        }
        return GoogLeNetBlock(
          block, inputs: channels, thirdKernel: configuration.thirdKernel,
          key: key.fork(3 + i).fork(j))
      }
    }
    auxiliary = configuration.auxiliary.enumerated().map {
      GoogLeNetClassifier(configuration, inputs: outputs[$1], key: key.fork(-1).fork($0))
    }
    fc = Linear(inputs: channels, outputs: configuration.classes, key: key.fork(-2))
    initialize(key.fork(-3)) { $0.tensor.rank > 1 ? .normal(deviation: 0.01) : nil }
  }

  static func unit(
    _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, key: RandomKey
  ) -> ConvolutionNorm {
    ConvolutionNorm(
      inputs: inputs, outputs: outputs, kernel: [kernel], stride: stride,
      padding: .symmetric([kernel / 2]), epsilon: 1e-3, key: key)
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels].
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    outputs(x, phase).logits
  }

  /// Logits, and in training those of the further classifiers.
  public mutating func outputs(_ x: Tensor, _ phase: Phase) -> (
    logits: Tensor, auxiliary: [Tensor]
  ) {
    var x = configuration.transformsInput ? x.fromImageNetToUnitRange() : x
    x = stem[0](x, phase).recorded("conv1")
    x = maxPooling(x, size: [3], stride: [2], roundsUp: true).recorded("maxpool1")
    x = stem[1](x, phase).recorded("conv2")
    x = stem[2](x, phase).recorded("conv3")
    var (place, auxiliaryLogits) = (0, [Tensor]())
    for i in stages.indices {
      // The last maximum is of windows that do not overlap.
      let size = i > 0 && i == stages.count - 1 ? 2 : 3
      x = maxPooling(x, size: [size], stride: [2], roundsUp: true).recorded("maxpool\(i + 2)")
      for j in stages[i].indices {
        let name = Self.name(i, j)
        x = Recording.within(name) { stages[i][j](x, phase) }.recorded(name)
        if phase.isTraining, let head = configuration.auxiliary.firstIndex(of: place) {
          auxiliaryLogits.append(auxiliary[head](x, phase.fork(head)))
        }
        place += 1
      }
    }
    let pooled = globalAveragePooling(x).recorded("avgpool")
    let logits = fc(Dropout(configuration.dropout)(pooled, phase.fork(-1)), phase)
    return (logits, auxiliaryLogits)
  }

  /// Stages count from 3, since two convolutions come first in the paper's table.
  private static func name(_ stage: Int, _ block: Int) -> String {
    "inception\(stage + 3)\(Character(UnicodeScalar(UInt8(97 + block))))"
  }

  public mutating func visit(_ visitor: inout Visitor) {
    for i in stem.indices { visitor.named("conv\(i + 1)", &stem[i]) }
    for i in stages.indices {
      for j in stages[i].indices { visitor.named(Self.name(i, j), &stages[i][j]) }
    }
    for i in auxiliary.indices { visitor.named("aux\(i + 1)", &auxiliary[i]) }
    visitor("fc", &fc)
    visitor.fixed("configuration", configuration)
  }
}

extension Tensor {
  /// Pictures of ImageNet's mean 0 and deviation 1 as pictures within −1 … 1: [batch, height, width, 3].
  func fromImageNetToUnitRange() -> Tensor {
    let (means, deviations): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let scale = Tensor(deviations.map { $0 / 0.5 }, shape: [3])
    let shift = Tensor(means.map { ($0 - 0.5) / 0.5 }, shape: [3])
    return self * scale.cast(to: dataType) + shift.cast(to: dataType)
  }
}
