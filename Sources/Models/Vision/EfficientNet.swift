public import Layers
public import Tensors

/// One inverted bottleneck: it widens, looks around, weighs the channels and narrows (Sandler et al., arXiv:1801.04381).
public struct EfficientNetBlock: Layer {
  /// A convolution of one pixel; nil where the block does not widen or does so while it looks around.
  public var expand: ConvolutionNorm?
  /// Depthwise in inverted blocks, dense in fused ones.
  public var spatial: ConvolutionNorm
  public var squeeze: SqueezeExcitation?
  /// Without activation. nil in plain blocks, whose spatial convolution is all there is.
  public var project: ConvolutionNorm?
  /// Of the branch, where it is added to the input.
  public let drop: StochasticDepth
  public let skips: Bool

  init(
    _ block: EfficientNetConfiguration.Block, _ configuration: EfficientNetConfiguration,
    inputs: Int, drop: Double, key: RandomKey
  ) {
    let isPlain = block.kind == .plain
    let widens = block.kind == .inverted
    if widens {
      expand = configuration.unit(inputs, block.inner, kernel: 1, key: key.fork(0))
    }
    spatial = configuration.unit(
      widens ? block.inner : inputs, isPlain ? block.outputs : block.inner, kernel: block.kernel,
      stride: block.stride, dilation: block.dilation, groups: block.groups, margins: block.margins,
      key: key.fork(1))
    if let squeezed = block.squeezed {
      squeeze = SqueezeExcitation(
        channels: block.inner, squeezed: squeezed, activation: configuration.activation,
        key: key.fork(2))
    }
    if !isPlain {
      project = configuration.unit(
        block.inner, block.outputs, kernel: 1, activation: .identity, key: key.fork(3))
    }
    self.drop = StochasticDepth(drop)
    skips = block.skips ?? (block.stride == 1 && inputs == block.outputs)
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    var y = expand.map { _ in expand!(x, phase).recorded("expand") } ?? x
    y = spatial(y, phase).recorded("spatial")
    if let squeeze { y = squeeze(y, phase).recorded("squeeze") }
    if project != nil { y = project!(y, phase).recorded("project") }
    return skips ? drop(y, phase) + x : y
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("expand", &expand)
    visitor("spatial", &spatial)
    visitor("squeeze", &squeeze)
    visitor("project", &project)
    visitor.fixed("drop", drop.rate)
    visitor.fixed("skips", skips)
  }
}

/// EfficientNet (Tan and Le, arXiv:1905.11946), its Lite form without squeeze and excitation, and EfficientNetV2 (Tan and
/// Le, arXiv:2104.00298).
///
///     var model = EfficientNet(.b0, key: key)
///     let logits = model(pictures, .training(key))   // changes the running statistics
public struct EfficientNet: Layer {
  public var stem: ConvolutionNorm
  public var stages: [[EfficientNetBlock]]
  /// nil where the last block's map is pooled.
  public var head: ConvolutionNorm?
  /// nil where features are asked for.
  public var classifier: Linear?
  public let configuration: EfficientNetConfiguration

  public init(_ configuration: EfficientNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    stem = configuration.unit(
      configuration.inputs, configuration.stem, kernel: configuration.stemKernel, stride: 2,
      margins: configuration.stemMargins, key: key.fork(0))
    // The further behind, the more often a block is left out.
    let blockCount = configuration.stages.map(\.count).reduce(0, +)
    var (inputs, place) = (configuration.stem, 0)
    stages = configuration.stages.map { blocks in
      blocks.map { block in
        defer { (inputs, place) = (block.outputs, place + 1) }
        return EfficientNetBlock(
          block, configuration, inputs: inputs,
          drop: configuration.stochasticDepth * Double(place) / Double(blockCount),
          key: key.fork(1).fork(place))
      }
    }
    if configuration.head > 0 {
      head = configuration.unit(inputs, configuration.head, kernel: 1, key: key.fork(2))
    }
    if configuration.classes > 0 {
      let features = configuration.pooling.features(of: configuration.features)
      let bound = 1 / Double(configuration.classes).squareRoot()
      classifier = Linear(
        weight: Initializer.uniform(bound: bound)([configuration.classes, features], key.fork(3)),
        bias: .zeros([configuration.classes]))
    }
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels]; features where there is no head.
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let pooled = configuration.pooling(map(x, phase), phase).recorded("pooled")
    return classifier(Dropout(configuration.dropout)(pooled, phase.fork(-1)), phase)
  }

  /// What is pooled: [batch, height, width, channels].
  public mutating func map(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = stem(x, phase).recorded("stem")
    var place = 0
    for i in stages.indices {
      for j in stages[i].indices {
        let name = "stages.\(i).\(j)"
        x = Recording.within(name) { stages[i][j](x, phase.fork(place)) }.recorded(name)
        place += 1
      }
      x = x.recorded("stages.\(i)")
    }
    return head(x, phase).recorded("head")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("stem", &stem)
    visitor("stages", &stages)
    visitor("head", &head)
    visitor("classifier", &classifier)
    visitor.fixed("configuration", configuration)
  }
}
