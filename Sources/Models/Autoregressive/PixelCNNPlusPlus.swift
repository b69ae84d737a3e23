public import Layers
public import Tensors

/// Sizes of a PixelCNN++.
public struct PixelCNNPlusPlusConfiguration: Codable, Hashable, Sendable {
  /// Divisible by 2 for every resolution but the first.
  public var height: Int
  public var width: Int
  /// What a pixel's colours are drawn from.
  public var mixture: LogisticMixture
  public var filters: Int
  /// Gated layers of each resolution, on the way down and again on the way up.
  public var layers: Int
  public var resolutions: Int
  /// Within the gated layers.
  public var dropout: Double

  public init(
    height: Int, width: Int, mixture: LogisticMixture, filters: Int = 160, layers: Int = 5,
    resolutions: Int = 3, dropout: Double = 0.5
  ) {
    self.height = height
    self.width = width
    self.mixture = mixture
    self.filters = filters
    self.layers = layers
    self.resolutions = resolutions
    self.dropout = dropout
  }
}

/// What the two streams of a PixelCNN++ know at every place: rows above, and those and the row to the left.
struct Streams {
  var above: Tensor
  var left: Tensor
}

/// A gated residual layer: x + a · σ(b) of two convolutions with concatenated ELUs, the first of which may take a second
/// input (arXiv:1701.05517, section 2.4).
public struct GatedResidual: Module {
  var first: CausalConvolution
  var second: CausalConvolution
  var side: CausalConvolution?
  let dropout: Double

  init(
    _ filters: Int, _ places: [GridOffset], sideInputs: Int, dropout: Double, _ key: RandomKey
  ) {
    first = CausalConvolution(
      inputs: 2 * filters, outputs: filters, places: places, isNormalized: true, key: key.fork(0))
    second = CausalConvolution(
      inputs: 2 * filters, outputs: 2 * filters, places: places, isNormalized: true,
      key: key.fork(1))
    // The sum begins as the identity, nearly.
    second.gain = second.gain.map { $0 * 0.1 }
    side =
      sideInputs == 0
      ? nil
      : CausalConvolution(
        inputs: 2 * sideInputs, outputs: filters, places: [.init(0, 0)], isNormalized: true,
        key: key.fork(2))
    self.dropout = dropout
  }

  mutating func callAsFunction(
    _ x: Tensor, side input: Tensor?, _ phase: Phase, _ pass: inout CausalPass, _ name: String
  ) -> Tensor {
    var y = pass(&first, x.concatELU(), name + ".first")
    if let input, side != nil { y = y + pass(&side!, input.concatELU(), name + ".side") }
    let inner = Dropout(dropout)(y.concatELU(), phase)
    let halves = pass(&second, inner, name + ".second").split(3, into: 2)
    return x + halves[0] * halves[1].sigmoid()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("first", &first)
    visitor("second", &second)
    visitor("side", &side)
    visitor.fixed("dropout", dropout)
  }
}

/// A gated layer of both streams.
public struct StreamLayer: Module {
  var above: GatedResidual
  var left: GatedResidual

  /// - Parameter hasSkip: on the way up, each stream takes what it was on the way down.
  init(_ filters: Int, hasSkip: Bool, dropout: Double, _ key: RandomKey) {
    above = GatedResidual(
      filters, GridOffset.rectangle(rows: -1...0, columns: -1...1),
      sideInputs: hasSkip ? filters : 0, dropout: dropout, key.fork(0))
    left = GatedResidual(
      filters, GridOffset.rectangle(rows: -1...0, columns: -1...0),
      sideInputs: hasSkip ? 2 * filters : filters, dropout: dropout, key.fork(1))
  }

  mutating func callAsFunction(
    _ x: Streams, skip: Streams?, _ phase: Phase, _ pass: inout CausalPass, _ name: String
  ) -> Streams {
    let new = above(x.above, side: skip?.above, phase.fork(0), &pass, name + ".above")
    let side = skip.map { concatenate([new, $0.left], axis: 3) } ?? new
    return Streams(
      above: new, left: left(x.left, side: side, phase.fork(1), &pass, name + ".left"))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("above", &above)
    visitor("left", &left)
  }
}

/// The layers of one resolution, and the way to the next one and back.
public struct Resolution: Module {
  var down: [StreamLayer]
  var up: [StreamLayer]
  /// Both streams at half the size, and from there again at the full one; none at the last resolution.
  var shrink: [CausalConvolution] = []
  var enlarge: [CausalConvolution] = []

  init(_ configuration: PixelCNNPlusPlusConfiguration, isLast: Bool, _ key: RandomKey) {
    let (filters, layers) = (configuration.filters, configuration.layers)
    func streams(_ count: Int, hasSkip: Bool, _ key: RandomKey) -> [StreamLayer] {
      (0..<count).map {
        StreamLayer(filters, hasSkip: hasSkip, dropout: configuration.dropout, key.fork($0))
      }
    }
    down = streams(layers, hasSkip: false, key.fork(0))
    up = streams(isLast ? layers : layers + 1, hasSkip: true, key.fork(1))
    guard !isLast else { return }
    shrink = [1, 0].enumerated().map { i, right in
      CausalConvolution(
        inputs: filters, outputs: filters,
        places: GridOffset.rectangle(rows: -1...0, columns: -1...right), stride: 2,
        isNormalized: true, key: key.fork(2).fork(i))
    }
    enlarge = [[-1, 0, 1], [0]].enumerated().map { i, columns in
      CausalConvolution(
        inputs: filters, outputs: 4 * filters, places: columns.map { GridOffset(0, $0) },
        isNormalized: true, key: key.fork(3).fork(i))
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("down", &down)
    visitor("up", &up)
    visitor("shrink", &shrink)
    visitor("enlarge", &enlarge)
  }
}

/// A PixelCNN with mixtures of logistic distributions, lower resolutions and short ways between layers of the same
/// resolution (Salimans et al., arXiv:1701.05517).
public struct PixelCNNPlusPlus: RowModel {
  public let configuration: PixelCNNPlusPlusConfiguration
  /// Rows above for the first stream; the row above, and places to the left, for the second one.
  public var stems: [CausalConvolution]
  public var resolutions: [Resolution]
  public var head: CausalConvolution

  /// Weights of random directions; `initialize` scales them by data.
  public init(_ configuration: PixelCNNPlusPlusConfiguration, key: RandomKey) {
    let scale = 1 << max(0, configuration.resolutions - 1)
    guard configuration.resolutions > 0, configuration.height % scale == 0,
      configuration.width % scale == 0
    else {
      fail(
        "PixelCNN++: \(configuration.height) × \(configuration.width) pixels cannot be halved \(configuration.resolutions - 1) times"
      )
    }
    self.configuration = configuration
    let places = [
      GridOffset.rectangle(rows: -2 ... -1, columns: -1...1),
      GridOffset.rectangle(rows: -1 ... -1, columns: -1...1), [.init(-1, -1), .init(0, -1)],
    ]
    // One channel more tells the border from a grey pixel.
    stems = places.enumerated().map { i, places in
      CausalConvolution(
        inputs: configuration.mixture.colors + 1, outputs: configuration.filters, places: places,
        isNormalized: true, key: key.fork(0).fork(i))
    }
    resolutions = (0..<configuration.resolutions).map {
      Resolution(
        configuration, isLast: $0 == configuration.resolutions - 1, key.fork(1).fork($0))
    }
    head = CausalConvolution(
      inputs: configuration.filters, outputs: configuration.mixture.parameterCount,
      places: [.init(0, 0)], isNormalized: true, key: key.fork(2))
    // The first pictures' parameters are near 0, and so is their spread.
    head.gain = head.gain.map { $0 * 0.1 }
  }

  /// Gains and biases by which the outputs of all convolutions have mean 0 and deviation 1, or a tenth of it, on examples
  /// (Salimans and Kingma, arXiv:1602.07868, section 3).
  /// - Parameter symbols: [count, height, width, colours].
  public mutating func initialize(by symbols: Tensor) {
    var pass = CausalPass()
    pass.standardizes = true
    _ = parameters(symbols, row: nil, .inference, &pass)
  }

  public var alphabet: Int { configuration.mixture.levels }
  public var pictureShape: [Int] {
    [configuration.height, configuration.width, configuration.mixture.colors]
  }
  public var rowPeriod: Int { 1 << (configuration.resolutions - 1) }
  public var drawsPerPixel: Int { 1 }

  public func logits(of symbols: Tensor) -> Tensor {
    let pictures = symbols.reshaped([-1] + pictureShape)
    let logits = configuration.mixture.logits(of: pictures, parameters(of: pictures))
    return logits.reshaped([symbols.shape[0], -1, alphabet])
  }

  public func logProbability(of x: Tensor) -> Tensor { logProbability(of: x, .inference) }

  /// log p in nats, [batch], of pictures [batch, height, width, colours] or with these axes joined.
  public func logProbability(of x: Tensor, _ phase: Phase) -> Tensor {
    let pictures = x.reshaped([-1] + pictureShape)
    var (net, pass) = (self, CausalPass())
    let parameters = net.parameters(pictures, row: nil, phase, &pass)
    return configuration.mixture.logProbability(of: pictures, parameters).sum([1, 2])
  }

  public func parameters(of symbols: Tensor) -> Tensor {
    var (net, pass) = (self, CausalPass())
    return net.parameters(symbols, row: nil, .inference, &pass)
  }

  public func parameters(ofRow symbols: Tensor, number: Int, _ memory: inout [String: Tensor])
    -> Tensor
  {
    var (net, pass) = (self, CausalPass(memory: memory))
    let parameters = net.parameters(symbols, row: number, .inference, &pass)
    memory = pass.memory ?? [:]
    return parameters
  }

  public func drawn(_ pixel: Tensor, _ parameters: Tensor, draw: Tensor, _ key: RandomKey)
    -> Tensor
  {
    configuration.mixture.sample(parameters, key)
  }

  // MARK: The network

  private mutating func parameters(
    _ symbols: Tensor, row: Int?, _ phase: Phase, _ pass: inout CausalPass
  ) -> Tensor {
    let scale = 2 / Double(alphabet - 1)
    let levels = symbols.cast(to: head.weight.dataType) * scale - 1
    let border = Tensor.ones(levels.shape.dropLast() + [1], levels.dataType)
    let pixels = concatenate([levels, border], axis: 3)
    let start = Streams(
      above: pass(&stems[0], pixels, "stem.0"),
      left: pass(&stems[1], pixels, "stem.1") + pass(&stems[2], pixels, "stem.2"))
    let end = through(0, start, row: row, phase.fork(0), &pass)
    return pass(&head, end.left.elu(), "head")
  }

  /// Down through a resolution, through the lower ones, and up again.
  private mutating func through(
    _ level: Int, _ x: Streams, row: Int?, _ phase: Phase, _ pass: inout CausalPass
  ) -> Streams {
    var x = x
    var skips = [x]
    for i in resolutions[level].down.indices {
      x = resolutions[level].down[i](
        x, skip: nil, phase.fork(i), &pass, "\(level).down.\(i)")
      skips.append(x)
    }
    if level + 1 < resolutions.count {
      x = lower(level, x, row: row, phase.fork(1000), &pass)
    } else {
      // The last layer on the way down is the first on the way up.
      skips.removeLast()
    }
    for i in resolutions[level].up.indices {
      let skip = skips.removeLast()
      x = resolutions[level].up[i](
        x, skip: skip, phase.fork(2000 + i), &pass, "\(level).up.\(i)")
    }
    return x
  }

  /// What the resolutions below say. Row by row, they are asked at every second row and answer for two.
  private mutating func lower(
    _ level: Int, _ x: Streams, row: Int?, _ phase: Phase, _ pass: inout CausalPass
  ) -> Streams {
    let names = ["\(level).shrink.0", "\(level).shrink.1"]
    let kept = ["\(level).kept.0", "\(level).kept.1"]
    if let row, row % 2 == 1 {
      pass.remember(resolutions[level].shrink[0], x.above, names[0])
      pass.remember(resolutions[level].shrink[1], x.left, names[1])
      return Streams(above: pass.memory![kept[0]]!, left: pass.memory![kept[1]]!)
    }
    let small = Streams(
      above: pass(&resolutions[level].shrink[0], x.above, names[0]),
      left: pass(&resolutions[level].shrink[1], x.left, names[1]))
    let y = through(level + 1, small, row: row.map { $0 / 2 }, phase, &pass)
    let large = [
      pass(&resolutions[level].enlarge[0], y.above, "\(level).enlarge.0").pixelsFromChannels(),
      pass(&resolutions[level].enlarge[1], y.left, "\(level).enlarge.1").pixelsFromChannels(),
    ]
    guard row != nil else { return Streams(above: large[0], left: large[1]) }
    for i in 0..<2 { pass.memory?[kept[i]] = large[i].sliced(1, 1..<2) }
    return Streams(above: large[0].sliced(1, 0..<1), left: large[1].sliced(1, 0..<1))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("stems", &stems)
    visitor("resolutions", &resolutions)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}

extension Tensor {
  /// ELU of x and of −x, side by side.
  fileprivate func concatELU() -> Tensor { concatenate([self, -self], axis: -1).elu() }

  /// Four times the channels as 2 × 2 pixels: [batch, height, width, 4 · channels] → [batch, 2 · height, 2 · width, channels].
  fileprivate func pixelsFromChannels() -> Tensor {
    let (height, width, channels) = (shape[1], shape[2], shape[3] / 4)
    return reshaped([-1, height, width, 2, 2, channels]).transposed([0, 1, 3, 2, 4, 5])
      .reshaped([-1, 2 * height, 2 * width, channels])
  }
}
