public import Layers
public import Tensors

/// Sizes of an AlexNet, of one column or with the two groups of the paper.
public struct AlexNetConfiguration: Codable, Hashable, Sendable {
  /// A convolution with ReLU and what follows it.
  public struct Stage: Codable, Hashable, Sendable {
    public var channels: Int
    public var kernel: Int
    public var stride: Int
    public var padding: Int
    public var groups: Int
    /// Whether channels damp their neighbours (section 3.3 of the paper).
    public var normalizes: Bool
    /// Whether the maximum of overlapping 3x3 windows halves the picture.
    public var pools: Bool

    public init(
      _ channels: Int, kernel: Int, stride: Int = 1, padding: Int, groups: Int = 1,
      normalizes: Bool = false, pools: Bool = false
    ) {
      (self.channels, self.kernel, self.stride, self.padding) = (channels, kernel, stride, padding)
      (self.groups, self.normalizes, self.pools) = (groups, normalizes, pools)
    }
  }

  public var stages: [Stage]
  /// Height and width of the map that the classifier sees, whatever the picture's size.
  public var bins = 6
  /// Width of the two hidden layers of the classifier.
  public var hidden = 4096
  /// Before each of them.
  public var dropout = 0.5
  /// Channels of the pictures.
  public var inputs = 3
  public var classes = 1000

  public init(stages: [Stage]) { self.stages = stages }

  /// The network of Krizhevsky 2014 (arXiv:1404.5997), which published weights belong to.
  public static let oneColumn = Self(stages: [
    Stage(64, kernel: 11, stride: 4, padding: 2, pools: true),
    Stage(192, kernel: 5, padding: 2, pools: true), Stage(384, kernel: 3, padding: 1),
    Stage(256, kernel: 3, padding: 1), Stage(256, kernel: 3, padding: 1, pools: true),
  ])

  /// The network of Krizhevsky et al. 2012, whose halves see each other in the third convolution alone.
  public static let paper = Self(stages: [
    Stage(96, kernel: 11, stride: 4, padding: 2, normalizes: true, pools: true),
    Stage(256, kernel: 5, padding: 2, groups: 2, normalizes: true, pools: true),
    Stage(384, kernel: 3, padding: 1), Stage(384, kernel: 3, padding: 1, groups: 2),
    Stage(256, kernel: 3, padding: 1, groups: 2, pools: true),
  ])

  /// Height and width of the smallest picture of which something is left.
  public var smallestPicture: Int {
    stages.reversed().reduce(1) { size, stage in
      let before = stage.pools ? 2 * size + 1 : size
      return max((before - 1) * stage.stride + stage.kernel - 2 * stage.padding, 1)
    }
  }
}

/// AlexNet (Krizhevsky et al. 2012): five convolutions and three linear layers.
public struct AlexNet: Layer {
  public var convolutions: [Convolution]
  /// Two hidden layers and the classifier; the first one sees channels before positions.
  public var linears: [Linear]
  public let configuration: AlexNetConfiguration

  public init(_ configuration: AlexNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    var channels = configuration.inputs
    convolutions = configuration.stages.enumerated().map { i, stage in
      defer { channels = stage.channels }
      return Convolution(
        inputs: channels, outputs: stage.channels, kernel: [stage.kernel, stage.kernel],
        stride: [stage.stride], padding: .symmetric([stage.padding]), groups: stage.groups,
        key: key.fork(0).fork(i))
    }
    let widths = [
      channels * configuration.bins * configuration.bins, configuration.hidden,
      configuration.hidden, configuration.classes,
    ]
    linears = (0..<3).map {
      Linear(inputs: widths[$0], outputs: widths[$0 + 1], key: key.fork(1).fork($0))
    }
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels].
  public func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let bins = adaptiveAveragePooling(map(x, phase), to: [configuration.bins]).recorded("avgpool")
    var x = Flatten()(bins, phase)
    for i in 0..<2 {
      x = linears[i](Dropout(configuration.dropout)(x, phase.fork(i)), phase).relu()
        .recorded("hidden.\(i)")
    }
    return linears[2](x, phase)
  }

  /// The output of the last stage: [batch, height, width, channels].
  public func map(_ x: Tensor, _ phase: Phase) -> Tensor {
    var x = x
    for (i, stage) in configuration.stages.enumerated() {
      x = convolutions[i](x, phase).recorded("convolutions.\(i)").relu().recorded("relu.\(i)")
      // The paper's α = 1e-4 is that of every neighbour, not of their mean.
      if stage.normalizes { x = localResponseNorm(x, size: 5, alpha: 5e-4, beta: 0.75, k: 2) }
      if stage.pools { x = maxPooling(x, size: [3], stride: [2]).recorded("pool.\(i)") }
    }
    return x.recorded("map")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("convolutions", &convolutions)
    visitor("linears", &linears)
    visitor.fixed("configuration", configuration)
  }
}
