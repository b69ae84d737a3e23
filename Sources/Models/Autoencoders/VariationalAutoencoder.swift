public import Layers
public import Tensors

/// Sizes of a convolutional variational autoencoder.
public struct VariationalAutoencoderConfiguration: Codable, Hashable, Sendable {
  /// Height and width of the pictures: divisible by 2 for every layer of `filters`.
  public var size: Int
  /// Channels of the pictures.
  public var channels: Int
  /// Channels after each convolution of stride 2.
  public var filters: [Int]
  /// Units between the convolutions and the latents.
  public var hidden: Int
  /// Numbers that a picture is described by.
  public var latents: Int
  public var output: PixelDistribution

  public init(
    size: Int = 28, channels: Int = 1, filters: [Int] = [32, 64], hidden: Int = 256,
    latents: Int = 16, output: PixelDistribution = .bernoulli
  ) {
    self.size = size
    self.channels = channels
    self.filters = filters
    self.hidden = hidden
    self.latents = latents
    self.output = output
  }

  /// The shape of a picture after all convolutions: [height, width, channels].
  var innerShape: [Int] {
    let side = size >> filters.count
    guard side << filters.count == size, let last = filters.last else {
      fail("pictures of \(size) pixels cannot be halved \(filters.count) times")
    }
    return [side, side, last]
  }
}

/// Convolutions of stride 2, one hidden layer, and two numbers for each latent.
public struct VariationalEncoder: Module {
  public var convolutions: [Convolution]
  public var hidden: Linear
  /// Means, then logarithms of variances.
  public var moments: Linear

  init(_ configuration: VariationalAutoencoderConfiguration, _ key: RandomKey) {
    let channels = [configuration.channels] + configuration.filters
    convolutions = zip(channels, channels.dropFirst()).enumerated().map { i, sizes in
      Convolution(
        inputs: sizes.0, outputs: sizes.1, kernel: [4, 4], stride: [2], padding: .symmetric([1]),
        key: key.fork(i))
    }
    hidden = Linear(
      inputs: configuration.innerShape.reduce(1, *), outputs: configuration.hidden,
      key: key.fork(100))
    moments = Linear(
      inputs: configuration.hidden, outputs: 2 * configuration.latents, key: key.fork(101))
  }

  /// [batch, height, width, channels] → [batch, latents].
  public func callAsFunction(_ x: Tensor) -> DiagonalGaussian {
    let features = convolutions.reduce(x) { x, convolution in convolution(x).relu() }
    let parts = moments(hidden(features.flattened(1..<4)).relu()).split(-1, into: 2)
    return DiagonalGaussian(mean: parts[0], logVariance: parts[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("convolutions", &convolutions)
    visitor("hidden", &hidden)
    visitor("moments", &moments)
  }
}

/// The encoder's mirror image.
public struct VariationalDecoder: Module {
  public var hidden: Linear
  public var spread: Linear
  public var convolutions: [TransposedConvolution]
  private let innerShape: [Int]

  init(_ configuration: VariationalAutoencoderConfiguration, _ key: RandomKey) {
    innerShape = configuration.innerShape
    hidden = Linear(
      inputs: configuration.latents, outputs: configuration.hidden, key: key.fork(100))
    spread = Linear(
      inputs: configuration.hidden, outputs: innerShape.reduce(1, *), key: key.fork(101))
    let outputs = configuration.channels * configuration.output.parameterCount
    let channels = configuration.filters.reversed() + [outputs]
    convolutions = zip(channels, channels.dropFirst()).enumerated().map { i, sizes in
      TransposedConvolution(
        inputs: sizes.0, outputs: sizes.1, kernel: [4, 4], stride: [2], padding: .symmetric([1]),
        key: key.fork(i))
    }
  }

  /// [batch, latents] → [batch, height, width, channels · parameters].
  public func callAsFunction(_ z: Tensor) -> Tensor {
    let features = spread(hidden(z).relu()).reshaped([z.shape[0]] + innerShape)
    return convolutions.reduce(features) { x, convolution in convolution(x.relu()) }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("hidden", &hidden)
    visitor("spread", &spread)
    visitor("convolutions", &convolutions)
    visitor.fixed("inner_shape", innerShape)
  }
}

/// A variational autoencoder of pictures (Kingma and Welling, arXiv:1312.6114; Rezende et al., arXiv:1401.4082): a network
/// that guesses the causes of a picture, and one that draws pictures of causes.
///
/// Pictures are [batch, height, width, channels], with the values of the output's distribution: 0 and 1, or 0 … 255.
public struct VariationalAutoencoder: LatentVariableModel {
  public let configuration: VariationalAutoencoderConfiguration
  public var encoder: VariationalEncoder
  public var decoder: VariationalDecoder

  public init(_ configuration: VariationalAutoencoderConfiguration, key: RandomKey) {
    self.configuration = configuration
    encoder = VariationalEncoder(configuration, key.fork(0))
    decoder = VariationalDecoder(configuration, key.fork(1))
  }

  public func posterior(_ x: Tensor) -> DiagonalGaussian { encoder(configuration.output.input(x)) }

  public func logLikelihood(of x: Tensor, given z: Tensor) -> Tensor {
    configuration.output.logProbability(of: x, parameters(z)).flattened(1..<4).sum([1])
  }

  /// The distributions of all samples of pictures, given their causes:
  /// [batch, latents] → [batch, height, width, channels, parameters].
  public func parameters(_ z: Tensor) -> Tensor {
    let y = decoder(z)
    return y.reshaped(
      Array(y.shape[..<3]) + [configuration.channels, configuration.output.parameterCount])
  }

  /// Expected pictures of causes, grey levels in 0 … 1: [batch, latents] → [batch, height, width, channels].
  public func pictures(_ z: Tensor) -> Tensor { configuration.output.mean(parameters(z)) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor.fixed("configuration", configuration)
  }
}
