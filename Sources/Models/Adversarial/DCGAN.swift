public import Layers
public import Tensors

/// Sizes of the two networks of a DCGAN. The defaults are those of PyTorch's tutorial.
public struct DCGANConfiguration: Codable, Hashable, Sendable {
  /// What stands between the discriminator's convolutions.
  public enum Norm: String, Codable, Hashable, Sendable {
    case batch
    /// Over all values of each picture, with a gain and a bias for each channel: for penalties on slopes, which norms over
    /// batches would mix.
    case layer
    case none
  }

  /// Height and width of the pictures: divisible by 2 for every number of `filters`.
  public var size: Int
  public var channels: Int
  public var latents: Int
  /// Channels after each halving of the discriminator; the generator has them in reverse.
  public var filters: [Int]
  /// Classes of pictures that are made on demand; nil: pictures of any kind.
  public var classes: Int?
  public var norm: Norm
  /// Whether the discriminator's weights are divided by their largest singular values.
  public var spectral: Bool

  public init(
    size: Int = 64, channels: Int = 3, latents: Int = 100, filters: [Int] = [64, 128, 256, 512],
    classes: Int? = nil, norm: Norm = .batch, spectral: Bool = false
  ) {
    self.size = size
    self.channels = channels
    self.latents = latents
    self.filters = filters
    self.classes = classes
    self.norm = norm
    self.spectral = spectral
  }

  /// Height and width after all halvings.
  var inner: Int {
    let side = size >> filters.count
    guard side > 0, side << filters.count == size else {
      fail("pictures of \(size) pixels cannot be halved \(filters.count) times")
    }
    return side
  }
}

/// Transposed convolutions with batch norms that make pictures of noise (Radford et al., arXiv:1511.06434, section 3);
/// tensors are called `main.0.weight`, …, as in PyTorch's tutorial.
public struct DCGANGenerator: Module {
  public let configuration: DCGANConfiguration
  public var main: Sequential

  /// Weights are normal with deviation 0.02.
  public init(_ configuration: DCGANConfiguration, key: RandomKey) {
    self.configuration = configuration
    let inputs = configuration.latents + (configuration.classes ?? 0)
    let widths = [inputs] + configuration.filters.reversed() + [configuration.channels]
    var layers: [any Layer] = []
    for i in 0..<widths.count - 1 {
      layers.append(
        TransposedConvolution(
          inputs: widths[i], outputs: widths[i + 1],
          kernel: i == 0 ? [configuration.inner, configuration.inner] : [4, 4],
          stride: [i == 0 ? 1 : 2], padding: i == 0 ? .none : .symmetric([1]), hasBias: false,
          key: key))
      if i + 2 < widths.count {
        layers += [BatchNorm(channels: widths[i + 1]), Activation.relu]
      } else {
        layers.append(Activation.tanh)
      }
    }
    main = Sequential(layers)
    main.initialize(key) { $0.tensor.rank > 1 ? .normal(deviation: 0.02) : nil }
  }

  /// Pictures of values −1 … 1: [batch, height, width, channels].
  /// - Parameters:
  ///   - z: [batch, latents].
  ///   - labels: int32, [batch]; for a generator of classes.
  public mutating func callAsFunction(
    _ z: Tensor, labels: Tensor? = nil, _ phase: Phase
  ) -> Tensor {
    var inputs = z
    if let classes = configuration.classes {
      guard let labels else { fail("a generator of \(classes) classes must be told which") }
      inputs = concatenate([z, labels.oneHot(classes, z.dataType)], axis: 1)
    }
    return main(inputs.expanded([1, 2]), phase)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("main", &main)
    visitor.fixed("configuration", configuration)
  }
}

/// Convolutions of stride 2 that score pictures; the score is a logit. Where there are classes, a product of the features'
/// sums with a vector of the class is added (Miyato and Koyama, arXiv:1802.05637, eq. 2).
public struct DCGANDiscriminator: Module {
  public let configuration: DCGANConfiguration
  public var main: Sequential
  /// Vectors of classes: of ids, [batch] → [batch, last filters].
  public var projection: Sequential?

  /// Weights are normal with deviation 0.02.
  public init(_ configuration: DCGANConfiguration, key: RandomKey) {
    self.configuration = configuration
    let spectral = configuration.spectral
    func normed(_ layer: some WeightedLayer, _ number: Int) -> any Layer {
      var layer = layer
      layer.weight = Initializer.normal(deviation: 0.02)(layer.weight.shape, key.fork(number))
      return spectral ? SpectralNorm(layer, key: key.fork(100 + number)) : layer
    }
    let filters = configuration.filters
    var layers: [any Layer] = []
    for (i, sizes) in zip([configuration.channels] + filters, filters).enumerated() {
      let convolution = Convolution(
        inputs: sizes.0, outputs: sizes.1, kernel: [4, 4], stride: [2], padding: .symmetric([1]),
        hasBias: false, key: key)
      layers.append(normed(convolution, i))
      if i > 0 {
        switch configuration.norm {
        case .batch: layers.append(BatchNorm(channels: sizes.1))
        case .layer: layers.append(GroupNorm(groups: 1, channels: sizes.1))
        case .none: break
        }
      }
      layers.append(Activation.leakyReLU(slope: 0.2))
    }
    let inner = configuration.inner
    let last = Convolution(
      inputs: filters[filters.count - 1], outputs: 1, kernel: [inner, inner], hasBias: false,
      key: key)
    layers.append(normed(last, filters.count))
    main = Sequential(layers)
    projection = configuration.classes.map { classes in
      let table = Embedding(count: classes, width: filters[filters.count - 1], key: key)
      return Sequential([normed(table, filters.count + 1)])
    }
  }

  /// Scores, [batch].
  /// - Parameters:
  ///   - x: pictures of values −1 … 1, [batch, height, width, channels].
  ///   - labels: int32, [batch]; for a discriminator of classes.
  public mutating func callAsFunction(
    _ x: Tensor, labels: Tensor? = nil, _ phase: Phase
  ) -> Tensor {
    var features = x
    for i in main.layers.indices.dropLast() {
      features = main.layers[i](features, phase.fork(i))
    }
    let last = main.layers.count - 1
    let score = main.layers[last](features, phase.fork(last)).reshaped([x.shape[0]])
    guard projection != nil else { return score }
    guard let labels else { fail("a discriminator of classes must be told which are shown") }
    let vectors = projection!(labels, phase.fork(last + 1))
    return score + (features.sum([1, 2]) * vectors).sum([1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("main", &main)
    visitor("projection", &projection)
    visitor.fixed("configuration", configuration)
  }
}
