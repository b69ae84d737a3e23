public import Layers
internal import Tensors

/// Sizes of an EfficientNet, every block by itself. `init(_:width:depth:)` makes them from a table as papers print it.
public struct EfficientNetConfiguration: Codable, Hashable, Sendable {
  public struct Block: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Hashable, Sendable {
      /// A depthwise convolution, then one of one pixel: the inverted block that does not widen.
      case depthwise
      /// Widens by a convolution of one pixel first.
      case inverted
      /// Widens by a dense convolution in place of the first two (arXiv:2104.00298, figure 2).
      case fused
      /// A dense convolution alone.
      case plain
    }

    public var kind: Kind
    /// Channels inside; those of the input where the block does not widen.
    public var inner: Int
    public var outputs: Int
    public var kernel: Int
    public var stride: Int
    public var dilation = 1
    /// Groups of the spatial convolution.
    public var groups: Int
    /// Channels that the gates are computed from; nil: all channels count alike.
    public var squeezed: Int?
    /// Zeros before and behind a map at the spatial convolution, where the network's padding does not say.
    public var margins: [Int]?
    /// Whether the block's input is added to what it gives: unless said, wherever it can be.
    public var skips: Bool?

    public init(
      kind: Kind, inner: Int, outputs: Int, kernel: Int, stride: Int, groups: Int, squeezed: Int?
    ) {
      (self.kind, self.inner, self.outputs) = (kind, inner, outputs)
      (self.kernel, self.stride, self.groups) = (kernel, stride, groups)
      self.squeezed = squeezed
    }
  }

  /// Channels of the first convolution, which halves the picture.
  public var stem: Int
  public var stemKernel = 3
  /// Zeros before and behind the picture, where the padding does not say.
  public var stemMargins: [Int]?
  public var stages: [[Block]]
  /// Channels of the last convolution; 0: there is none.
  public var head: Int
  public var activation = Activation.silu
  public var padding = Padding.symmetric
  public var epsilon = 1e-5
  /// The share of each new batch in the running statistics.
  public var momentum = 0.1
  public var pooling = GlobalPooling.average
  /// Before the classifier.
  public var dropout = 0.2
  /// How often the last blocks are left out in training.
  public var stochasticDepth = 0.2
  /// Channels of the pictures.
  public var inputs = 3
  /// Classes of the classifier; 0: there is none.
  public var classes = 1000

  /// What surrounds pictures before a convolution.
  public enum Padding: String, Codable, Hashable, Sendable {
    /// As much on all sides.
    case symmetric
    /// As TensorFlow's "SAME" for a stride, which the original weights need.
    case tensorFlow
  }

  /// - Parameters:
  ///   - stages: at least one, none empty.
  ///   - head: channels of the last convolution.
  public init(stem: Int, stages: [[Block]], head: Int) {
    guard !stages.isEmpty, !stages.contains(where: \.isEmpty) else {
      fail("EfficientNet: a network has at least one stage, and every stage at least one block")
    }
    self.stem = stem
    self.stages = stages
    self.head = head
  }

  /// Channels of what is pooled.
  public var features: Int { head > 0 ? head : stages.last!.last!.outputs }

  func unit(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, dilation: Int = 1,
    groups: Int = 1, margins: [Int]? = nil, activation: Activation? = nil, key: RandomKey
  ) -> ConvolutionNorm {
    let usual: SpatialPadding =
      padding == .tensorFlow ? .sameForStride : .symmetric([(kernel - 1) / 2 * dilation])
    return ConvolutionNorm(
      inputs: inputs, outputs: outputs, kernel: [kernel], stride: stride,
      padding: margins.map { .each(low: [$0[0]], high: [$0[1]]) } ?? usual,
      dilation: dilation, groups: groups, epsilon: epsilon, momentum: momentum,
      activation: activation ?? self.activation, key: key)
  }
}

// MARK: - Tables

extension EfficientNetConfiguration {
  /// A line of a table: a stage before it is scaled.
  public struct Row: Hashable, Sendable {
    /// How many times wider than its input a block is inside.
    public var expansion: Double
    public var kernel: Int
    public var stride: Int
    public var channels: Int
    public var layers: Int
    /// Whether blocks widen by the spatial convolution itself.
    public var isFused: Bool
    /// Whether blocks weigh their channels.
    public var squeezes: Bool

    public init(
      _ expansion: Double, kernel: Int, stride: Int, _ channels: Int, layers: Int,
      isFused: Bool = false, squeezes: Bool = true
    ) {
      (self.expansion, self.kernel, self.stride) = (expansion, kernel, stride)
      (self.channels, self.layers, self.isFused) = (channels, layers, isFused)
      self.squeezes = squeezes
    }
  }

  /// How a table becomes a network (arXiv:1905.11946, eq. 3).
  public struct Scaling: Sendable {
    public var width: Double = 1
    /// Of all stages, or of each.
    public var depth: [Double] = [1]
    /// What channels are multiples of.
    public var divisor: Int = 8
    /// Channels are rounded to the nearest multiple, but not below this share of their number.
    public var limit: Double = 0.9
    /// Pixels that one of the last map stands for; strides beyond it become dilations.
    public var outputStride: Int = 32
    /// Channels of a group of the spatial convolution, 0 for one group; the kind of the block decides where it is nil.
    public var groupSize: Int?
    /// Channels that the gates of a block are computed from, by its inputs, inner channels and expansion.
    public var squeezed: @Sendable (Int, Int, Double) -> Int = { inputs, _, _ in
      Swift.max(1, inputs / 4)
    }

    public init(width: Double = 1, depth: Double = 1) {
      self.width = width
      self.depth = [depth]
    }

    /// The multiple of `divisor` nearest to `channels`.
    public func rounded(_ channels: Double, divisor: Int? = nil, limit: Double? = nil) -> Int {
      let divisor = divisor ?? self.divisor
      let multiple = Int(channels + Double(divisor) / 2) / divisor * divisor
      let result = Swift.max(divisor, multiple)
      return Double(result) < (limit ?? self.limit) * channels ? result + divisor : result
    }

    public func scaled(_ channels: Int) -> Int { rounded(Double(channels) * width) }

    /// The blocks of a table behind a stem of so many channels.
    public func stages(_ rows: [Row], stem: Int) -> [[Block]] {
      var (inputs, stride, dilation) = (stem, 2, 1)
      return rows.enumerated().map { place, row in
        let layers = Int(
          (Double(row.layers) * depth[Swift.min(place, depth.count - 1)]).rounded(.up))
        var first = row.stride
        var next = dilation
        if first > 1, stride * first > outputStride {
          (first, next) = (1, dilation * first)
        } else {
          stride *= first
        }
        return (0..<layers).map { layer in
          var block = block(row, inputs: inputs, stride: layer == 0 ? first : 1)
          block.dilation = dilation
          (inputs, dilation) = (block.outputs, next)
          return block
        }
      }
    }

    private func block(_ row: Row, inputs: Int, stride: Int) -> Block {
      let inner =
        row.expansion == 1
        ? inputs : rounded(Double(inputs) * row.expansion, divisor: 8, limit: 0.9)
      let widens = inner != inputs
      let kind: Block.Kind =
        row.isFused ? (widens ? .fused : .plain) : (widens ? .inverted : .depthwise)
      let size = groupSize ?? (row.isFused ? 0 : 1)
      return Block(
        kind: kind, inner: inner, outputs: scaled(row.channels), kernel: row.kernel,
        stride: stride, groups: size == 0 ? 1 : inner / size,
        squeezed: row.squeezes ? squeezed(inputs, inner, row.expansion) : nil)
    }
  }

  /// B0 (arXiv:1905.11946, table 1).
  public static let baseline: [Row] = [
    Row(1, kernel: 3, stride: 1, 16, layers: 1), Row(6, kernel: 3, stride: 2, 24, layers: 2),
    Row(6, kernel: 5, stride: 2, 40, layers: 2), Row(6, kernel: 3, stride: 2, 80, layers: 3),
    Row(6, kernel: 5, stride: 1, 112, layers: 3), Row(6, kernel: 5, stride: 2, 192, layers: 4),
    Row(6, kernel: 3, stride: 1, 320, layers: 1),
  ]

  /// EfficientNetV2-S, M, L and XL (arXiv:2104.00298, table 4), whose stems are as wide as their first stages.
  public static let second: [String: [Row]] = {
    func rows(_ channels: [Int], _ layers: [Int]) -> [Row] {
      let expansions = [1.0, 4, 4, 4, 6, 6, 6]
      let strides = [1, 2, 2, 2, 1, 2, 1]
      return channels.indices.map { i in
        Row(
          expansions[i], kernel: 3, stride: strides[i], channels[i], layers: layers[i],
          isFused: i < 3, squeezes: i >= 3)
      }
    }
    return [
      "s": rows([24, 48, 64, 128, 160, 256], [2, 4, 4, 6, 9, 15]),
      "m": rows([24, 48, 80, 160, 176, 304, 512], [3, 5, 5, 7, 14, 18, 5]),
      "l": rows([32, 64, 96, 192, 224, 384, 640], [4, 7, 7, 10, 19, 25, 7]),
      "xl": rows([32, 64, 96, 192, 256, 512, 640], [4, 8, 8, 16, 24, 32, 8]),
    ]
  }()

  /// EfficientNetV2-B0.
  public static let secondBaseline: [Row] = [
    Row(1, kernel: 3, stride: 1, 16, layers: 1, isFused: true, squeezes: false),
    Row(4, kernel: 3, stride: 2, 32, layers: 2, isFused: true, squeezes: false),
    Row(4, kernel: 3, stride: 2, 48, layers: 2, isFused: true, squeezes: false),
    Row(4, kernel: 3, stride: 2, 96, layers: 3), Row(6, kernel: 3, stride: 1, 112, layers: 5),
    Row(6, kernel: 3, stride: 2, 192, layers: 8),
  ]

  /// The network of a table, B0's unless another is given.
  public static func scaled(_ scaling: Scaling, rows: [Row] = baseline) -> Self {
    let stem = scaling.scaled(rows[0].isFused ? rows[0].channels : 2 * rows[0].channels)
    return Self(stem: stem, stages: scaling.stages(rows, stem: stem), head: scaling.scaled(1280))
  }

  public static let b0 = scaled(Scaling())
}
