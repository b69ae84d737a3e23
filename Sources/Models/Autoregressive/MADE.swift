public import Layers
public import Tensors

/// Sizes of a masked autoencoder for distribution estimation.
public struct MADEConfiguration: Codable, Hashable, Sendable {
  /// Pixels.
  public var length: Int
  /// Units of each hidden layer.
  public var hidden: [Int]
  /// Orders of the pixels that the model is trained in: the first is that of the rows, the others are random.
  public var orders: Int
  /// Every pixel sees the earlier ones without a hidden layer too.
  public var isDirect: Bool
  /// Of the random orders.
  public var seed: UInt64

  public init(
    length: Int, hidden: [Int], orders: Int = 1, isDirect: Bool = true, seed: UInt64 = 0
  ) {
    self.length = length
    self.hidden = hidden
    self.orders = orders
    self.isDirect = isDirect
    self.seed = seed
  }
}

/// A masked autoencoder for distribution estimation (Germain et al., arXiv:1502.03509): a network from all pixels to all
/// pixels, without the connections through which a pixel could see itself or later ones.
///
/// Every unit has a degree, the number of pixels that it may see. A pixel's degree is its place in the order, counted from 1.
public struct MADE: BinarySymbolModel {
  public let configuration: MADEConfiguration
  /// Of the hidden layers and the output, [outputs, inputs].
  public var layers: [Linear]
  /// From pixels to pixels, [pixels, pixels].
  public var direct: Tensor?
  /// The places in each of the orders.
  public let orders: [[Int]]
  /// Which of the orders the model predicts in.
  public var chosen = 0

  /// - Parameter means: how often each pixel is 1 in the data, [pixels].
  public init(_ configuration: MADEConfiguration, means: Tensor? = nil, key: RandomKey) {
    self.configuration = configuration
    orders = .orders(configuration.orders, of: configuration.length, seed: configuration.seed)
    let sizes = [configuration.length] + configuration.hidden + [configuration.length]
    layers = zip(sizes, sizes.dropFirst()).enumerated().map { i, size in
      Linear(inputs: size.0, outputs: size.1, key: key.fork(i))
    }
    layers[layers.count - 1].bias = means?.logit() ?? .zeros([configuration.length])
    if configuration.isDirect { direct = .zeros([configuration.length, configuration.length]) }
  }

  public var length: Int? { configuration.length }
  public func order(of length: Int) -> [Int] { orders[chosen] }

  public func onLogits(of x: Tensor) -> Tensor {
    onLogits(of: x, degrees: Tensor(orders[chosen].inverse.map { Int32($0 + 1) }))
  }

  /// Logits in an order that is known only when a step runs: int32, shape [].
  public func onLogits(of x: Tensor, order: Tensor) -> Tensor {
    let degrees = (0..<configuration.orders).flatMap { orders[$0].inverse.map { Int32($0 + 1) } }
    let table = Tensor(degrees, shape: [configuration.orders, configuration.length])
    return onLogits(of: x, degrees: table.rows(order))
  }

  /// log p in nats, [batch], in an order that is known only when a step runs.
  public func logProbability(of x: Tensor, order: Tensor) -> Tensor {
    x.logProbability(onLogits: onLogits(of: x, order: order))
  }

  /// - Parameter degrees: of the pixels: their places in the order from 1, int32.
  private func onLogits(of x: Tensor, degrees: Tensor) -> Tensor {
    let x = x.cast(to: layers[0].weight.dataType)
    var (state, before) = (x, degrees)
    for (i, layer) in layers.enumerated() {
      let isLast = i == layers.count - 1
      let after = isLast ? degrees : hiddenDegrees(configuration.hidden[i])
      let weight = masked(layer.weight, isLast ? before.less : before.lessOrEqual, after)
      state = matrixProduct(state, weight.transposed())
      if let bias = layer.bias { state = state + bias }
      if !isLast { state = state.relu() }
      before = after
    }
    guard let direct else { return state }
    return state + matrixProduct(x, masked(direct, degrees.less, degrees).transposed())
  }

  /// The weight [outputs, inputs] where the inputs' degrees stand in a relation to the outputs'.
  private func masked(_ weight: Tensor, _ relation: (Tensor) -> Tensor, _ outputs: Tensor) -> Tensor
  {
    select(relation(outputs.expanded(1)), weight, weight.zerosLike())
  }

  /// Spread evenly over 1 … length − 1, since who sees all pixels helps none.
  private func hiddenDegrees(_ count: Int) -> Tensor {
    let reach = max(1, configuration.length - 1)
    return Tensor((0..<count).map { Int32(1 + $0 * reach / max(1, count)) })
  }

  /// log p in nats, [batch], of the mixture of the models of all orders.
  public func mixtureLogProbability(of x: Tensor) -> Tensor {
    .meanOfProbabilities(
      (0..<configuration.orders).map { number in
        var model = self
        model.chosen = number
        return model.logProbability(of: x)
      })
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("layers", &layers)
    visitor("direct", &direct)
    visitor.fixed("configuration", configuration)
    visitor.fixed("chosen", chosen)
  }
}

extension [[Int]] {
  /// Orders of so many places: that of the rows, then random ones.
  static func orders(_ count: Int, of length: Int, seed: UInt64) -> [[Int]] {
    (0..<count).map { number in
      number == 0
        ? [Int](0..<length)
        : RandomKey(seed: seed).fork(number).permutation(length).integers()
    }
  }
}

extension Tensor {
  /// The logarithm of the mean of probabilities of which logarithms are given.
  static func meanOfProbabilities(_ logarithms: [Tensor]) -> Tensor {
    let all = stack(logarithms)
    return all.logSumExp(0) - Tensor(Double(logarithms.count), all.dataType).log()
  }
}
