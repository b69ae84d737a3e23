public import Layers
public import Tensors

/// Sizes of one of the three networks that find faces together (Zhang et al., arXiv:1604.02878, figure 2).
public struct MTCNNConfiguration: Codable, Hashable, Sendable {
  /// A convolution without padding, its activation, and the greatest of windows that halve the map.
  public struct Stage: Codable, Hashable, Sendable {
    public var channels: Int
    public var kernel: Int
    /// Height and width of the windows; nil: there are none.
    public var window: Int?

    public init(_ channels: Int, kernel: Int, window: Int? = nil) {
      (self.channels, self.kernel, self.window) = (channels, kernel, window)
    }
  }

  public var stages: [Stage]
  /// Width of the layer behind them; nil: the network slides over pictures of any size.
  public var hidden: Int?
  /// Numbers of each result.
  public var heads: [Int]
  /// Height and width of the picture of one face.
  public var picture: Int

  public init(stages: [Stage], hidden: Int? = nil, heads: [Int], picture: Int) {
    (self.stages, self.hidden, self.heads, self.picture) = (stages, hidden, heads, picture)
  }

  /// P-Net proposes: where in a picture faces of 12 pixels may be.
  public static let proposal = Self(
    stages: [Stage(10, kernel: 3, window: 2), Stage(16, kernel: 3), Stage(32, kernel: 3)],
    heads: [2, 4], picture: 12)
  /// R-Net refines: whether 24 pixels show a face.
  public static let refinement = Self(
    stages: [
      Stage(28, kernel: 3, window: 3), Stage(48, kernel: 3, window: 3), Stage(64, kernel: 2),
    ], hidden: 128, heads: [2, 4], picture: 24)
  /// O-Net gives the output: the face in 48 pixels, its eyes, nose and corners of the mouth.
  public static let output = Self(
    stages: [
      Stage(32, kernel: 3, window: 3), Stage(64, kernel: 3, window: 3),
      Stage(64, kernel: 3, window: 2), Stage(128, kernel: 2),
    ], hidden: 256, heads: [2, 4, 10], picture: 48)

  /// Height and width of the map behind the stages, of a picture of this height and width.
  public func map(of picture: Int) -> Int {
    stages.reduce(picture) { size, stage in
      let inner = size - stage.kernel + 1
      return stage.window.map { (inner - $0 + 1) / 2 + 1 } ?? inner
    }
  }
}

/// One of the three networks of MTCNN: convolutions with PReLU, then heads side by side.
public struct MTCNN: Module {
  public let configuration: MTCNNConfiguration
  public var convolutions: [Convolution]
  public var hidden: Linear?
  /// The slopes of all PReLU in their order, a number for each channel.
  public var slopes: [Tensor]
  /// Of a network that slides: convolutions of one pixel. Else linear layers.
  public var slidingHeads: [Convolution] = []
  public var heads: [Linear] = []

  public init(_ configuration: MTCNNConfiguration, key: RandomKey) {
    self.configuration = configuration
    var inputs = 3
    convolutions = configuration.stages.enumerated().map { i, stage in
      defer { inputs = stage.channels }
      return Convolution(
        inputs: inputs, outputs: stage.channels, kernel: [stage.kernel, stage.kernel],
        key: key.fork(0).fork(i))
    }
    slopes = (configuration.stages.map(\.channels) + [configuration.hidden].compactMap { $0 })
      .map { .fill(0.25, [$0]) }
    let keys = key.fork(2)
    guard let width = configuration.hidden else {
      slidingHeads = configuration.heads.enumerated().map { i, outputs in
        Convolution(inputs: inputs, outputs: outputs, kernel: [1, 1], key: keys.fork(i))
      }
      return
    }
    let map = configuration.map(of: configuration.picture)
    hidden = Linear(inputs: inputs * map * map, outputs: width, key: key.fork(1))
    heads = configuration.heads.enumerated().map { i, outputs in
      Linear(inputs: width, outputs: outputs, key: keys.fork(i))
    }
  }

  /// The results of pictures [batch, height, width, 3] with values (byte − 127.5) / 128: the logits of "no face" and "face";
  /// how far the box's left, top, right and bottom edge are off, in parts of its size; and in the last network five points in
  /// such parts, first their columns, then their rows. [batch, numbers]; [batch, rows, columns, numbers] in the first.
  public func callAsFunction(_ pictures: Tensor) -> [Tensor] {
    var x = pictures
    for (i, stage) in configuration.stages.enumerated() {
      x = prelu(convolutions[i](x), slopes[i])
      if let window = stage.window {
        x = Pooling.max([window], stride: [2], roundsUp: true)(x)
      }
    }
    guard let hidden else { return slidingHeads.map { $0(x) } }
    // Published weights see columns before rows.
    let flat = x.swapped(1, 2).flattened(1..<4)
    let features = prelu(hidden(flat), slopes[slopes.count - 1])
    return heads.map { $0(features) }
  }

  private func prelu(_ x: Tensor, _ slope: Tensor) -> Tensor { x.relu() - slope * (-x).relu() }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("convolutions", &convolutions)
    visitor("hidden", &hidden)
    visitor("slopes", &slopes)
    visitor("slidingHeads", &slidingHeads)
    visitor("heads", &heads)
    visitor.fixed("configuration", configuration)
  }
}
