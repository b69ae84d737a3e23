public import Layers
public import Tensors

/// Sizes of an energy of vectors.
public struct VectorEnergyConfiguration: Codable, Hashable, Sendable {
  /// Numbers of an example.
  public var width: Int
  public var hidden: [Int]
  public var activation: Activation
  /// The deviation of the normal distribution that the energy is one of, if its network says nothing.
  public var reach: Double

  public init(
    width: Int, hidden: [Int] = [128, 128], activation: Activation = .silu, reach: Double = 3
  ) {
    self.width = width
    self.hidden = hidden
    self.activation = activation
    self.reach = reach
  }
}

/// An energy of vectors, [batch, width]: a network's number, and a wide bowl that makes the density finite,
/// U(x) = f(x) + ‖x‖² / 2 reach². A network of linear growth, as these are, never outgrows the bowl.
public struct VectorEnergy: EnergyModel {
  public var network: Sequential
  public let reach: Double

  public init(_ configuration: VectorEnergyConfiguration, key: RandomKey) {
    network = Sequential(
      perceptron: [configuration.width] + configuration.hidden + [1], configuration.activation,
      hasBias: false, key)
    reach = configuration.reach
  }

  public func energy(_ x: Tensor) -> Tensor {
    network(x).squeezed(1) + x.square().sum([1]) * (0.5 / (reach * reach))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("network", &network)
    visitor.fixed("reach", reach)
  }
}

/// A score of vectors without an energy behind it, [batch, width]: its rotation need not vanish.
public struct VectorScore: ScoreModel {
  public var network: Sequential

  public init(_ configuration: VectorEnergyConfiguration, key: RandomKey) {
    let width = configuration.width
    network = Sequential(
      perceptron: [width] + configuration.hidden + [width], configuration.activation, key)
  }

  public func score(_ x: Tensor) -> Tensor { network(x) }
  public mutating func visit(_ visitor: inout Visitor) { visitor("network", &network) }
}

extension Sequential {
  /// Linear layers of these widths with an activation between them; the last need not have a bias, which is nothing to an
  /// energy.
  fileprivate init(
    perceptron widths: [Int], _ activation: Activation, hasBias: Bool = true, _ key: RandomKey
  ) {
    var layers: [any Layer] = []
    for (i, pair) in zip(widths, widths.dropFirst()).enumerated() {
      if i > 0 { layers.append(activation) }
      let isLast = i == widths.count - 2
      layers.append(
        Linear(
          inputs: pair.0, outputs: pair.1, hasBias: hasBias || !isLast, key: key.fork(i)))
    }
    self.init(layers)
  }
}

/// Sizes of an energy of pictures.
public struct PictureEnergyConfiguration: Codable, Hashable, Sendable {
  /// Rows, and columns, of the square pictures.
  public var size: Int
  public var channels: Int
  /// Filters of each convolution; the first keeps the picture's size, the others halve it.
  public var filters: [Int]
  public var activation: Activation
  /// The deviation of the normal distribution that the energy is one of, if its network says nothing.
  public var reach: Double

  public init(
    size: Int = 28, channels: Int = 1, filters: [Int] = [32, 64, 64],
    activation: Activation = .silu,
    reach: Double = 1
  ) {
    self.size = size
    self.channels = channels
    self.filters = filters
    self.activation = activation
    self.reach = reach
  }
}

/// An energy of pictures [batch, size, size, channels] with levels around −1 … 1 (Xie et al., arXiv:1602.03264):
/// convolutions, a sum over all that they find, and a bowl, U(x) = f(x) + ‖x‖² / 2 reach².
public struct PictureEnergy: EnergyModel {
  public var convolutions: Sequential
  public var head: Linear
  public let reach: Double

  public init(_ configuration: PictureEnergyConfiguration, key: RandomKey) {
    var (size, inputs) = (configuration.size, configuration.channels)
    var layers: [any Layer] = []
    for (i, filters) in configuration.filters.enumerated() {
      let halves = i > 0 && size > 1
      layers.append(
        Convolution(
          inputs: inputs, outputs: filters, kernel: [3, 3], stride: [halves ? 2 : 1],
          padding: .symmetric([1]), key: key.fork(i)))
      layers.append(configuration.activation)
      (size, inputs) = (halves ? (size + 1) / 2 : size, filters)
    }
    convolutions = Sequential(layers)
    head = Linear(inputs: size * size * inputs, outputs: 1, hasBias: false, key: key.fork(-1))
    reach = configuration.reach
  }

  public func energy(_ x: Tensor) -> Tensor {
    head(convolutions(x).flattened(1..<4)).squeezed(1)
      + x.square().flattened(1..<4).sum([1]) * (0.5 / (reach * reach))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("convolutions", &convolutions)
    visitor("head", &head)
    visitor.fixed("reach", reach)
  }
}
