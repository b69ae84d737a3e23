public import Layers
public import Tensors

/// Sizes and choices of a PixelCNN.
public struct PixelCNNConfiguration: Codable, Hashable, Sendable {
  public var height: Int
  public var width: Int
  public var colors: Int
  /// Values of a sample: 2 for black and white, 256 for 8 bits.
  public var levels: Int
  /// Divisible by `colors`.
  public var channels: Int
  /// Blocks behind the first convolution.
  public var layers: Int
  /// Places in a row that the first kernel would see without its mask: odd. Later ones see 3.
  public var firstKernel: Int
  /// Two stacks of gated units instead of one of masked ones, which leaves a blind spot.
  public var isGated: Bool

  public init(
    height: Int, width: Int, colors: Int = 1, levels: Int = 2, channels: Int = 24, layers: Int = 5,
    firstKernel: Int = 7, isGated: Bool = true
  ) {
    self.height = height
    self.width = width
    self.colors = colors
    self.levels = levels
    self.channels = channels
    self.layers = layers
    self.firstKernel = firstKernel
    self.isGated = isGated
  }
}

/// A residual block of masked convolutions (van den Oord et al., arXiv:1601.06759, Figure 5).
public struct MaskedBlock: Module {
  var narrow: CausalConvolution
  var middle: CausalConvolution
  var wide: CausalConvolution

  init(_ configuration: PixelCNNConfiguration, _ key: RandomKey) {
    let channels = configuration.channels
    let inner = max(1, channels / 2 / configuration.colors) * configuration.colors
    func layer(_ inputs: Int, _ outputs: Int, _ places: [GridOffset], _ purpose: Int)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs: inputs, outputs: outputs, places: places,
        colors: .init(configuration.colors, isInclusive: true), key: key.fork(purpose))
    }
    narrow = layer(channels, inner, [.init(0, 0)], 0)
    middle = layer(
      inner, inner,
      GridOffset.rectangle(rows: -1 ... -1, columns: -1...1) + [.init(0, -1), .init(0, 0)], 1)
    wide = layer(inner, channels, [.init(0, 0)], 2)
  }

  mutating func callAsFunction(_ x: Tensor, _ pass: inout CausalPass, _ name: String) -> Tensor {
    let inner = pass(&narrow, x.relu(), name + ".narrow").relu()
    let seen = pass(&middle, inner, name + ".middle").relu()
    return x + pass(&wide, seen, name + ".wide")
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("narrow", &narrow)
    visitor("middle", &middle)
    visitor("wide", &wide)
  }
}

/// Both stacks of a gated layer (van den Oord et al., arXiv:1606.05328, Figure 2): the vertical one knows rows above, the
/// horizontal one those, by a connection, and the same row to the left. Nothing is hidden between them.
public struct GatedLayer: Module {
  var vertical: CausalConvolution
  var horizontal: CausalConvolution
  var connection: CausalConvolution
  var output: CausalConvolution
  /// The first layer has no residual connection, by which a pixel would see itself.
  let isFirst: Bool

  init(_ configuration: PixelCNNConfiguration, isFirst: Bool, _ key: RandomKey) {
    let (channels, colors) = (configuration.channels, configuration.colors)
    let inputs = isFirst ? colors : channels
    let reach = configuration.firstKernel / 2
    // The first vertical kernel ends above its row, so that later ones may see their own.
    vertical = CausalConvolution(
      inputs: inputs, outputs: 2 * channels,
      places: isFirst
        ? GridOffset.rectangle(rows: -max(1, reach)...(-1), columns: -reach...reach)
        : GridOffset.rectangle(rows: -1...0, columns: -1...1), key: key.fork(0))
    var row = (isFirst ? -max(1, reach)...(-1) : -1...0).map { GridOffset(0, $0) }
    if isFirst, colors > 1 { row.append(.init(0, 0)) }
    horizontal = CausalConvolution(
      inputs: inputs, outputs: 2 * channels, places: row,
      colors: .init(colors, isInclusive: !isFirst), key: key.fork(1))
    connection = CausalConvolution(
      inputs: 2 * channels, outputs: 2 * channels, places: [.init(0, 0)], key: key.fork(2))
    output = CausalConvolution(
      inputs: channels, outputs: channels, places: [.init(0, 0)],
      colors: .init(colors, isInclusive: true), key: key.fork(3))
    self.isFirst = isFirst
  }

  mutating func callAsFunction(
    _ above: inout Tensor, _ left: inout Tensor, _ pass: inout CausalPass, _ name: String
  ) {
    let rows = pass(&vertical, above, name + ".vertical")
    let row =
      pass(&horizontal, left, name + ".horizontal") + pass(&connection, rows, name + ".connection")
    let new = pass(&output, gated(row), name + ".output")
    above = gated(rows)
    left = isFirst ? new : left + new
  }

  /// tanh(a) · σ(b) of the halves of the channels (eq. 2).
  private func gated(_ x: Tensor) -> Tensor {
    let halves = x.split(3, into: 2)
    return halves[0].tanh() * halves[1].sigmoid()
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("vertical", &vertical)
    visitor("horizontal", &horizontal)
    visitor("connection", &connection)
    visitor("output", &output)
    visitor.fixed("isFirst", isFirst)
  }
}

/// A convolutional network that predicts every pixel from those above and to the left, masked (van den Oord et al.,
/// arXiv:1601.06759) or gated (arXiv:1606.05328). Of a pixel's colours, later ones see earlier ones.
public struct PixelCNN: RowModel {
  public let configuration: PixelCNNConfiguration
  /// The first masked convolution; nil where the network is gated.
  public var stem: CausalConvolution?
  public var blocks: [MaskedBlock] = []
  public var gated: [GatedLayer] = []
  /// 1 × 1, behind the blocks: the last gives logits.
  public var head: [CausalConvolution]

  public init(_ configuration: PixelCNNConfiguration, key: RandomKey) {
    let (channels, colors) = (configuration.channels, configuration.colors)
    guard channels % colors == 0, configuration.firstKernel % 2 == 1 else {
      fail(
        "PixelCNN: \(channels) channels of \(colors) colours, kernel \(configuration.firstKernel)")
    }
    self.configuration = configuration
    if configuration.isGated {
      gated = (0...configuration.layers).map {
        GatedLayer(configuration, isFirst: $0 == 0, key.fork(2).fork($0))
      }
    } else {
      let reach = configuration.firstKernel / 2
      let above =
        reach == 0 ? [] : GridOffset.rectangle(rows: -reach ... -1, columns: -reach...reach)
      let row = reach == 0 ? [] : (-reach ... -1).map { GridOffset(0, $0) }
      stem = CausalConvolution(
        inputs: colors, outputs: channels, places: above + row + [.init(0, 0)],
        colors: .init(colors, isInclusive: false), key: key.fork(0))
      blocks = (0..<configuration.layers).map { MaskedBlock(configuration, key.fork(1).fork($0)) }
    }
    head = [channels, colors * configuration.levels].enumerated().map { i, outputs in
      CausalConvolution(
        inputs: channels, outputs: outputs, places: [.init(0, 0)],
        colors: .init(colors, isInclusive: true), key: key.fork(3).fork(i))
    }
  }

  public var alphabet: Int { configuration.levels }
  public var pictureShape: [Int] {
    [configuration.height, configuration.width, configuration.colors]
  }
  public var rowPeriod: Int { 1 }
  public var drawsPerPixel: Int { configuration.colors }

  public func logits(of symbols: Tensor) -> Tensor {
    let parameters = parameters(of: symbols.reshaped([-1] + pictureShape))
    return logits(parameters).reshaped([symbols.shape[0], -1, alphabet])
  }

  /// Channels by colour, then by level: the last two axes of the result.
  private func logits(_ parameters: Tensor) -> Tensor {
    parameters.reshaped(parameters.shape.dropLast() + [alphabet, configuration.colors]).transposed()
  }

  public func parameters(of symbols: Tensor) -> Tensor {
    var pass = CausalPass()
    return parameters(symbols, &pass)
  }

  public func parameters(ofRow symbols: Tensor, number: Int, _ memory: inout [String: Tensor])
    -> Tensor
  {
    var pass = CausalPass(memory: memory)
    defer { memory = pass.memory ?? [:] }
    return parameters(symbols, &pass)
  }

  private func parameters(_ symbols: Tensor, _ pass: inout CausalPass) -> Tensor {
    var net = self
    let pixels = symbols.cast(to: head[0].weight.dataType) * (2 / Double(max(1, alphabet - 1))) - 1
    var x = pixels
    if net.stem != nil { x = pass(&net.stem!, pixels, "stem") }
    for i in blocks.indices { x = net.blocks[i](x, &pass, "blocks.\(i)") }
    var above = pixels
    for i in gated.indices { net.gated[i](&above, &x, &pass, "gated.\(i)") }
    for i in head.indices { x = pass(&net.head[i], x.relu(), "head.\(i)") }
    return x
  }

  public func drawn(_ pixel: Tensor, _ parameters: Tensor, draw: Tensor, _ key: RandomKey)
    -> Tensor
  {
    let here = logits(parameters).gathered(1, draw.expanded(0)).squeezed(1)
    let isHere = Tensor.range(configuration.colors).equal(to: draw)
    return select(isHere, key.categorical(here).expanded(1), pixel)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("stem", &stem)
    visitor("blocks", &blocks)
    visitor("gated", &gated)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
