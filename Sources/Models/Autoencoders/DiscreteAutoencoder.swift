public import Layers
public import Tensors

/// Sizes of DALL·E's discrete variational autoencoder; those published unless given.
public struct DiscreteAutoencoderConfiguration: Codable, Hashable, Sendable {
  /// Channels of the pictures.
  public var channels: Int
  /// Of the maps of the pictures' size; deeper maps have 2, 4 and 8 times as many channels.
  public var width: Int
  /// Blocks over maps of one size.
  public var blocks: Int
  /// Entries of the codebook.
  public var codes: Int
  /// The width that the decoder begins with.
  public var start: Int

  public init(
    channels: Int = 3, width: Int = 256, blocks: Int = 2, codes: Int = 8192, start: Int = 128
  ) {
    (self.channels, self.width, self.blocks) = (channels, width, blocks)
    (self.codes, self.start) = (codes, start)
  }

  /// Of the maps from the pictures' size to that of the codes.
  var widths: [Int] { [1, 2, 4, 8].map { $0 * width } }
  /// What branches are multiplied by: with so many blocks one after the other, signals keep their size.
  var gain: Double { 1 / Double(16 * blocks * blocks) }
}

/// Four convolutions, a ReLU before each, added to what goes in.
public struct DiscreteBlock: Module {
  /// To the other width; nil where it stays.
  public var shortcut: Convolution?
  public var convolutions: [Convolution]
  let gain: Double

  /// - Parameter kernels: of the convolutions, the inner ones of which are a quarter as wide.
  init(inputs: Int, outputs: Int, kernels: [Int], gain: Double, key: RandomKey) {
    let widths = [inputs] + [Int](repeating: outputs / 4, count: 3) + [outputs]
    convolutions = kernels.indices.map {
      .centred(widths[$0], widths[$0 + 1], kernel: kernels[$0], key.fork($0))
    }
    shortcut = inputs == outputs ? nil : .centred(inputs, outputs, kernel: 1, key.fork(-1))
    self.gain = gain
  }

  /// [batch, height, width, inputs] → [batch, height, width, outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let branch = convolutions.reduce(x) { x, convolution in convolution(x.relu()) }
    return (shortcut.map { $0(x) } ?? x) + branch * gain
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("id_path", &shortcut)
    visitor("res_path", &convolutions)
    visitor.fixed("gain", gain)
  }
}

/// A convolution, blocks over maps of four sizes, and one more convolution: encoder and decoder alike.
public struct DiscreteStack: Module {
  public var input: Convolution
  public var groups: [[DiscreteBlock]]
  public var output: Convolution
  /// Between the groups: maps of half or of twice the size.
  let halves: Bool

  /// - Parameters:
  ///   - first: what the first convolution makes.
  ///   - widths: of the groups.
  init(
    _ configuration: DiscreteAutoencoderConfiguration, inputs: Int, first: Int, widths: [Int],
    outputs: Int, halves: Bool, key: RandomKey
  ) {
    input = .centred(inputs, first, kernel: halves ? 7 : 1, key.fork(0))
    groups = widths.indices.map { i in
      (0..<configuration.blocks).map { j in
        DiscreteBlock(
          inputs: j > 0 ? widths[i] : i > 0 ? widths[i - 1] : first, outputs: widths[i],
          kernels: halves ? [3, 3, 3, 1] : [1, 3, 3, 3], gain: configuration.gain,
          key: key.fork(1).fork(i).fork(j))
      }
    }
    output = .centred(widths.last!, outputs, kernel: 1, key.fork(2))
    self.halves = halves
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = input(x)
    for (i, group) in groups.enumerated() {
      if i > 0 { x = halves ? maxPooling(x, size: [2]) : x.resized(by: [2]) }
      x = group.reduce(x) { $1($0) }.recorded("groups.\(i)")
    }
    return output(x.relu())
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("input", &input)
    visitor("groups", &groups)
    visitor("output", &output)
    visitor.fixed("halves", halves)
  }
}

/// DALL·E's discrete variational autoencoder (Ramesh et al., arXiv:2102.12092, 2.1): a picture becomes a map of codes, an
/// eighth as high and as wide; the decoder draws pictures of codes.
///
/// Pictures are [batch, height, width, channels] with values 0 … 255, height and width divisible by 8.
public struct DiscreteAutoencoder: Module {
  public var encoder: DiscreteStack
  public var decoder: DiscreteStack
  public let configuration: DiscreteAutoencoderConfiguration

  public init(_ configuration: DiscreteAutoencoderConfiguration, key: RandomKey) {
    self.configuration = configuration
    encoder = Self.encoder(configuration, key: key.fork(0))
    decoder = Self.decoder(configuration, key: key.fork(1))
  }

  public static func encoder(_ sizes: DiscreteAutoencoderConfiguration, key: RandomKey)
    -> DiscreteStack
  {
    DiscreteStack(
      sizes, inputs: sizes.channels, first: sizes.width, widths: sizes.widths,
      outputs: sizes.codes, halves: true, key: key)
  }

  public static func decoder(_ sizes: DiscreteAutoencoderConfiguration, key: RandomKey)
    -> DiscreteStack
  {
    DiscreteStack(
      sizes, inputs: sizes.codes, first: sizes.start, widths: sizes.widths.reversed(),
      outputs: 2 * sizes.channels, halves: false, key: key)
  }

  /// How likely every code is at every place, as logits: [batch, rows, columns, codes].
  public func logits(_ pictures: Tensor) -> Tensor {
    encoder(PixelDistribution.logitLaplace.input(pictures))
  }

  /// The likeliest codes: int32, [batch, rows, columns].
  public func codes(of pictures: Tensor) -> Tensor { logits(pictures).argmax(-1) }

  /// A draw of codes that gradients flow through: softmax((logits + Gumbel noise) / temperature), nearly one code each at low
  /// temperatures (Jang et al., arXiv:1611.01144; Maddison et al., arXiv:1611.00712).
  public static func relaxed(_ logits: Tensor, temperature: Tensor, _ key: RandomKey) -> Tensor {
    ((logits + key.gumbel(logits.shape, logits.dataType)) / temperature).softmax(-1)
  }

  /// KL(q ‖ uniform) of the codes of each picture in nats, summed over its places: [batch].
  public static func divergence(_ logits: Tensor) -> Tensor {
    let logs = logits.logSoftmax(-1)
    return (logs.exp() * (logs + Tensor(Double(logits.shape[3])).log())).sum([1, 2, 3])
  }

  /// The distributions of all samples, given weights of the codes at every place:
  /// [batch, rows, columns, codes] → [batch, height, width, channels, 2].
  public func parameters(_ weights: Tensor) -> Tensor {
    let y = decoder(weights)
    return y.reshaped(Array(y.shape[..<3]) + [2, configuration.channels]).swapped(3, 4)
  }

  /// Pictures of codes [batch, rows, columns], grey levels in 0 … 1: [batch, height, width, channels].
  public func pictures(of codes: Tensor) -> Tensor {
    PixelDistribution.logitLaplace.mean(parameters(codes.oneHot(configuration.codes)))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor.fixed("configuration", configuration)
  }
}

extension Convolution {
  /// A square kernel of odd size whose maps stay as large; weights keep the size of signals, biases are 0.
  fileprivate static func centred(_ inputs: Int, _ outputs: Int, kernel: Int, _ key: RandomKey)
    -> Convolution
  {
    var convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [kernel, kernel],
      padding: .symmetric([kernel / 2]), key: key)
    convolution.initialize(key) { leaf in
      let fan = Double(inputs * kernel * kernel)
      return leaf.name == "bias" ? .zeros : .normal(deviation: 1 / fan.squareRoot())
    }
    return convolution
  }
}
