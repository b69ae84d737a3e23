public import Layers
public import Tensors

/// Sizes of a VQ-VAE of pictures.
public struct VQVAEConfiguration: Codable, Hashable, Sendable {
  /// Height and width of the pictures: divisible by 2 for every layer of `filters`.
  public var size: Int
  /// Channels of the pictures.
  public var channels: Int
  /// Channels after each convolution of stride 2.
  public var filters: [Int]
  /// Entries of the codebook, and their width.
  public var codes: Int
  public var codeWidth: Int
  /// Of the averages that make the codebook; nil: gradients train it.
  public var decay: Double?
  public var output: PixelDistribution

  public init(
    size: Int = 28, channels: Int = 1, filters: [Int] = [32, 64], codes: Int = 64,
    codeWidth: Int = 16, decay: Double? = 0.99, output: PixelDistribution = .logistic(components: 3)
  ) {
    (self.size, self.channels, self.filters) = (size, channels, filters)
    (self.codes, self.codeWidth, self.decay, self.output) = (codes, codeWidth, decay, output)
  }

  /// Height and width of the map of codes.
  public var side: Int { size >> filters.count }
}

/// A picture as a map of codes of a learnt book (van den Oord et al., arXiv:1711.00937).
///
/// Pictures are [batch, height, width, channels], with the values of the output's distribution.
public struct VQVAE: Module {
  public let configuration: VQVAEConfiguration
  public var encoder: Sequential
  public var quantizer: VectorQuantizer
  public var decoder: Sequential

  public init(_ configuration: VQVAEConfiguration, key: RandomKey) {
    self.configuration = configuration
    let (filters, width) = (configuration.filters, configuration.codeWidth)
    guard configuration.side << filters.count == configuration.size, let last = filters.last else {
      fail("pictures of \(configuration.size) pixels cannot be halved \(filters.count) times")
    }
    func same(_ inputs: Int, _ outputs: Int, _ key: RandomKey) -> Convolution {
      Convolution(
        inputs: inputs, outputs: outputs, kernel: [3, 3], padding: .symmetric([1]), key: key)
    }
    let down = zip([configuration.channels] + filters, filters).enumerated().map { i, sizes in
      Convolution(
        inputs: sizes.0, outputs: sizes.1, kernel: [4, 4], stride: [2], padding: .symmetric([1]),
        key: key.fork(0).fork(i))
    }
    let outputs = configuration.channels * configuration.output.parameterCount
    let up = zip(filters.reversed(), filters.reversed().dropFirst() + [outputs]).enumerated().map {
      i, sizes in
      TransposedConvolution(
        inputs: sizes.0, outputs: sizes.1, kernel: [4, 4], stride: [2], padding: .symmetric([1]),
        key: key.fork(1).fork(i))
    }
    encoder = Sequential(
      down.flatMap { [$0, Activation.relu] as [any Layer] } + [same(last, width, key.fork(2))])
    decoder = Sequential(
      [same(width, last, key.fork(3))] + up.flatMap { [Activation.relu, $0] as [any Layer] })
    quantizer = VectorQuantizer(
      codes: configuration.codes, width: width, decay: configuration.decay, key: key.fork(4))
  }

  /// What codes stand for, before it is rounded to them: [batch, side, side, code width].
  public func features(_ x: Tensor) -> Tensor { encoder(configuration.output.input(x)) }

  /// int32, [batch, side, side].
  public func codes(of x: Tensor) -> Tensor { quantizer.codes(of: features(x)) }

  /// The distributions of all samples: [batch, side, side, code width] → [batch, height, width, channels, parameters].
  public func parameters(_ vectors: Tensor) -> Tensor {
    let y = decoder(vectors)
    return y.reshaped(
      Array(y.shape[..<3]) + [configuration.channels, configuration.output.parameterCount])
  }

  /// Expected pictures of codes [batch, side, side], grey levels in 0 … 1.
  public func pictures(of codes: Tensor) -> Tensor {
    configuration.output.mean(parameters(quantizer.vectors(of: codes)))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("quantize", &quantizer)
    visitor("decoder", &decoder)
    visitor.fixed("configuration", configuration)
  }
}
