public import Layers
public import Tensors

/// Choices of an Inception v3, whose widths are those of the paper.
public struct InceptionV3Configuration: Codable, Hashable, Sendable {
  /// Whether a further classifier helps in training.
  public var hasAuxiliary = true
  /// What every number of channels is divided by: 1, 2, 4, 8 or 16.
  public var divisor = 1
  /// Whether pictures come with ImageNet's mean 0 and deviation 1, but go in as if within −1 … 1.
  public var transformsInput = false
  public var dropout = 0.5
  /// Channels of the pictures.
  public var inputs = 3
  public var classes = 1000

  public init() {}
}

/// Branches side by side, each a chain of convolutions; some end in two beside each other.
public struct InceptionBlock: Layer {
  /// A convolution of a chain: padded to keep the size, unless it strides.
  struct Unit {
    let name: String
    let outputs: Int
    var kernel = [1, 1]
    var stride = 1

    init(_ name: String, _ outputs: Int, _ height: Int = 1, _ width: Int? = nil, stride: Int = 1) {
      (self.name, self.outputs, self.stride) = (name, outputs, stride)
      kernel = [height, width ?? height]
    }
  }

  /// What a branch is made of.
  struct Chain {
    let units: [Unit]
    /// Beside each other behind the others.
    let ends: [Unit]

    init(_ units: Unit..., ends: [Unit] = []) { (self.units, self.ends) = (units, ends) }
  }

  /// What the last branch sees.
  public enum Pool: Hashable, Sendable {
    /// Means of windows, then a convolution.
    case average
    /// Every other maximum, as it is.
    case max
  }

  public struct Branch: Layer {
    public var units: [ConvolutionNorm]
    /// Beside each other behind the chain, or none.
    public var ends: [ConvolutionNorm]
    let names: [String]

    public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
      var x = x
      for i in units.indices { x = units[i](x, phase).recorded(names[i]) }
      if ends.isEmpty { return x }
      let parts = ends.indices.map { ends[$0](x, phase).recorded(names[units.count + $0]) }
      return concatenate(parts, axis: -1)
    }

    public mutating func visit(_ visitor: inout Visitor) {
      for i in units.indices { visitor.named(names[i], &units[i]) }
      for i in ends.indices { visitor.named(names[units.count + i], &ends[i]) }
    }
  }

  public var branches: [Branch]
  public let pool: Pool

  /// - Parameters:
  ///   - inputs: channels as in the paper, like all others here; `divisor` divides them.
  ///   - pooled: channels of the convolution behind the means; 0: the pool is of maxima.
  init(inputs: Int, _ chains: [Chain], pooled: Int = 0, divisor: Int, key: RandomKey) {
    pool = pooled > 0 ? .average : .max
    let last = pooled > 0 ? [Chain(Unit("branch_pool", pooled))] : []
    branches = (chains + last).enumerated().map { place, chain in
      var channels = inputs / divisor
      let units = chain.units.enumerated().map { i, unit in
        defer { channels = unit.outputs / divisor }
        return InceptionV3.unit(
          channels, unit, divisor: divisor, key: key.fork(place).fork(i))
      }
      let ends = chain.ends.enumerated().map {
        InceptionV3.unit(channels, $1, divisor: divisor, key: key.fork(place).fork(-1 - $0))
      }
      return Branch(units: units, ends: ends, names: (chain.units + chain.ends).map(\.name))
    }
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let beside = branches.count - (pool == .average ? 1 : 0)
    var results = (0..<beside).map { branches[$0](x, phase) }
    switch pool {
    case .average:
      let means = averagePooling(x, size: [3], stride: [1], padding: .symmetric([1]))
      results.append(branches[beside](means, phase))
    case .max: results.append(maxPooling(x, size: [3], stride: [2]))
    }
    return concatenate(results, axis: -1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    for i in branches.indices { visitor.inline(&branches[i]) }
    visitor.fixed("pool", pool)
  }
}

// MARK: - The blocks of the paper

extension InceptionBlock {
  /// Two 3x3 in place of a 5x5 (figure 5).
  static func a(_ inputs: Int, pooled: Int, divisor: Int, key: RandomKey) -> Self {
    Self(
      inputs: inputs,
      [
        Chain(Unit("branch1x1", 64)),
        Chain(Unit("branch5x5_1", 48), Unit("branch5x5_2", 64, 5)),
        Chain(
          Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, 3),
          Unit("branch3x3dbl_3", 96, 3)),
      ], pooled: pooled, divisor: divisor, key: key)
  }

  /// Halves the picture (figure 10).
  static func b(_ inputs: Int, divisor: Int, key: RandomKey) -> Self {
    Self(
      inputs: inputs,
      [
        Chain(Unit("branch3x3", 384, 3, stride: 2)),
        Chain(
          Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, 3),
          Unit("branch3x3dbl_3", 96, 3, stride: 2)),
      ], divisor: divisor, key: key)
  }

  /// 1x7 and 7x1 in place of 7x7 (figure 6).
  static func c(_ inputs: Int, inner: Int, divisor: Int, key: RandomKey) -> Self {
    Self(
      inputs: inputs,
      [
        Chain(Unit("branch1x1", 192)),
        Chain(
          Unit("branch7x7_1", inner), Unit("branch7x7_2", inner, 1, 7),
          Unit("branch7x7_3", 192, 7, 1)),
        Chain(
          Unit("branch7x7dbl_1", inner), Unit("branch7x7dbl_2", inner, 7, 1),
          Unit("branch7x7dbl_3", inner, 1, 7), Unit("branch7x7dbl_4", inner, 7, 1),
          Unit("branch7x7dbl_5", 192, 1, 7)),
      ], pooled: 192, divisor: divisor, key: key)
  }

  /// Halves the picture again.
  static func d(_ inputs: Int, divisor: Int, key: RandomKey) -> Self {
    Self(
      inputs: inputs,
      [
        Chain(Unit("branch3x3_1", 192), Unit("branch3x3_2", 320, 3, stride: 2)),
        Chain(
          Unit("branch7x7x3_1", 192), Unit("branch7x7x3_2", 192, 1, 7),
          Unit("branch7x7x3_3", 192, 7, 1), Unit("branch7x7x3_4", 192, 3, stride: 2)),
      ], divisor: divisor, key: key)
  }

  /// 1x3 and 3x1 beside each other (figure 7).
  static func e(_ inputs: Int, divisor: Int, key: RandomKey) -> Self {
    Self(
      inputs: inputs,
      [
        Chain(Unit("branch1x1", 320)),
        Chain(
          Unit("branch3x3_1", 384),
          ends: [Unit("branch3x3_2a", 384, 1, 3), Unit("branch3x3_2b", 384, 3, 1)]),
        Chain(
          Unit("branch3x3dbl_1", 448), Unit("branch3x3dbl_2", 384, 3),
          ends: [Unit("branch3x3dbl_3a", 384, 1, 3), Unit("branch3x3dbl_3b", 384, 3, 1)]),
      ], pooled: 192, divisor: divisor, key: key)
  }
}

// MARK: - The network

/// The classifier at the side.
public struct InceptionClassifier: Layer {
  public var conv0: ConvolutionNorm
  public var conv1: ConvolutionNorm
  public var fc: Linear

  init(inputs: Int, classes: Int, key: RandomKey) {
    conv0 = InceptionV3.unit(inputs, .init("conv0", 128), divisor: 1, key: key.fork(0))
    conv1 = InceptionV3.unit(
      128, .init("conv1", 768, 5), isPadded: false, divisor: 1, key: key.fork(1))
    fc = Linear(inputs: 768, outputs: classes, key: key.fork(2))
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    let map = conv1(conv0(averagePooling(x, size: [5], stride: [3]), phase), phase)
    return fc(globalAveragePooling(map), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("conv0", &conv0)
    visitor("conv1", &conv1)
    visitor("fc", &fc)
  }
}

/// Inception v3 (Szegedy et al. 2015, arXiv:1512.00567), under torchvision's names.
public struct InceptionV3: Layer {
  public var stem: [ConvolutionNorm]
  public var blocks: [InceptionBlock]
  public var auxiliary: InceptionClassifier?
  public var fc: Linear
  public let configuration: InceptionV3Configuration

  private static let stemNames = [
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3",
  ]
  private static let names = [
    "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d",
    "Mixed_6e", "Mixed_7a", "Mixed_7b", "Mixed_7c",
  ]
  /// The block behind which the further classifier stands.
  private static let auxiliaryPlace = 7

  public init(_ configuration: InceptionV3Configuration, key: RandomKey) {
    self.configuration = configuration
    let divisor = configuration.divisor
    func stem(
      _ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1, isPadded: Bool = false,
      _ purpose: Int
    ) -> ConvolutionNorm {
      Self.unit(
        inputs, .init("", outputs, kernel, stride: stride), isPadded: isPadded, divisor: divisor,
        key: key.fork(0).fork(purpose))
    }
    self.stem = [
      stem(configuration.inputs, 32, 3, stride: 2, 0), stem(32 / divisor, 32, 3, 1),
      stem(32 / divisor, 64, 3, isPadded: true, 2), stem(64 / divisor, 80, 1, 3),
      stem(80 / divisor, 192, 3, 4),
    ]
    let keys = (0..<Self.names.count).map { key.fork(1).fork($0) }
    blocks = [
      .a(192, pooled: 32, divisor: divisor, key: keys[0]),
      .a(256, pooled: 64, divisor: divisor, key: keys[1]),
      .a(288, pooled: 64, divisor: divisor, key: keys[2]), .b(288, divisor: divisor, key: keys[3]),
      .c(768, inner: 128, divisor: divisor, key: keys[4]),
      .c(768, inner: 160, divisor: divisor, key: keys[5]),
      .c(768, inner: 160, divisor: divisor, key: keys[6]),
      .c(768, inner: 192, divisor: divisor, key: keys[7]),
      .d(768, divisor: divisor, key: keys[8]), .e(1280, divisor: divisor, key: keys[9]),
      .e(2048, divisor: divisor, key: keys[10]),
    ]
    if configuration.hasAuxiliary {
      auxiliary = InceptionClassifier(
        inputs: 768 / divisor, classes: configuration.classes, key: key.fork(2))
    }
    fc = Linear(inputs: 2048 / divisor, outputs: configuration.classes, key: key.fork(3))
    initialize(key.fork(4)) { leaf in
      guard leaf.tensor.rank > 1 else { return nil }
      let isLast = leaf.name == "AuxLogits.fc.weight"
      return .normal(
        deviation: isLast ? 0.001 : leaf.name == "AuxLogits.conv1.conv.weight" ? 0.01 : 0.1)
    }
  }

  static func unit(
    _ inputs: Int, _ unit: InceptionBlock.Unit, isPadded: Bool = true, divisor: Int,
    key: RandomKey
  ) -> ConvolutionNorm {
    ConvolutionNorm(
      inputs: inputs, outputs: unit.outputs / divisor, kernel: unit.kernel, stride: unit.stride,
      padding: isPadded && unit.stride == 1 ? .symmetric(unit.kernel.map { $0 / 2 }) : .none,
      epsilon: 1e-3, key: key)
  }

  /// Logits [batch, classes] of pictures [batch, height, width, channels].
  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    outputs(x, phase).logits
  }

  /// Logits, and in training those of the further classifier.
  public mutating func outputs(_ x: Tensor, _ phase: Phase) -> (
    logits: Tensor, auxiliary: [Tensor]
  ) {
    var x = configuration.transformsInput ? x.fromImageNetToUnitRange() : x
    for i in stem.indices {
      x = stem[i](x, phase).recorded(Self.stemNames[i])
      if i == 2 || i == 4 {
        x = maxPooling(x, size: [3], stride: [2]).recorded("maxpool\(i / 2)")
      }
    }
    var auxiliaryLogits: [Tensor] = []
    for i in blocks.indices {
      x = Recording.within(Self.names[i]) { blocks[i](x, phase) }.recorded(Self.names[i])
      if phase.isTraining, i == Self.auxiliaryPlace, auxiliary != nil {
        auxiliaryLogits.append(auxiliary!(x, phase))
      }
    }
    let pooled = globalAveragePooling(x).recorded("avgpool")
    return (fc(Dropout(configuration.dropout)(pooled, phase), phase), auxiliaryLogits)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    for i in stem.indices { visitor.named(Self.stemNames[i], &stem[i]) }
    for i in blocks.indices { visitor.named(Self.names[i], &blocks[i]) }
    visitor("AuxLogits", &auxiliary)
    visitor("fc", &fc)
    visitor.fixed("configuration", configuration)
  }
}
