public import Layers
public import Tensors

/// Sizes of an order-agnostic NADE.
public struct EoNADEConfiguration: Codable, Hashable, Sendable {
  /// Pixels.
  public var length: Int
  /// Units of each hidden layer: at least one layer.
  public var hidden: [Int]
  /// Orders whose models are mixed; the first is that of the rows, the others are random.
  public var orders: Int
  /// Of the random orders.
  public var seed: UInt64

  public init(length: Int, hidden: [Int], orders: Int = 1, seed: UInt64 = 0) {
    self.length = length
    self.hidden = hidden
    self.orders = orders
    self.seed = seed
  }
}

/// A NADE for every order of the pixels at once (Uria et al., arXiv:1605.02226, section 4): a network that sees some pixels,
/// and which ones they are, and guesses each of the others.
public struct EoNADE: BinarySymbolModel {
  public let configuration: EoNADEConfiguration
  /// Of seen pixels and of the mask that tells which are seen; [pixels, hidden] each.
  public var pixels: Tensor
  public var mask: Tensor
  /// [hidden].
  public var firstBias: Tensor
  /// Behind the first hidden layer; the last has the pixels' logits.
  public var layers: [Linear]
  /// The places in each of the orders.
  public let orders: [[Int]]
  /// Which of the orders the model predicts in.
  public var chosen = 0

  /// - Parameter means: how often each pixel is 1 in the data, [pixels].
  public init(_ configuration: EoNADEConfiguration, means: Tensor? = nil, key: RandomKey) {
    guard let first = configuration.hidden.first else { fail("EoNADE: there is no hidden layer") }
    self.configuration = configuration
    orders = .orders(configuration.orders, of: configuration.length, seed: configuration.seed)
    let shape = [configuration.length, first]
    let bound = 1 / Double(max(1, configuration.length)).squareRoot()
    pixels = Initializer.uniform(bound: bound)(shape, key.fork(0))
    mask = Initializer.uniform(bound: bound)(shape, key.fork(1))
    firstBias = .zeros([first])
    let sizes = configuration.hidden + [configuration.length]
    layers = zip(sizes, sizes.dropFirst()).enumerated().map { i, size in
      Linear(inputs: size.0, outputs: size.1, key: key.fork(2 + i))
    }
    layers[layers.count - 1].bias = means?.logit() ?? .zeros([configuration.length])
  }

  public var length: Int? { configuration.length }
  public func order(of length: Int) -> [Int] { orders[chosen] }

  /// Logits of 1, [batch, length], of all pixels, given those that are seen: both [batch, length]. Logits of seen pixels mean
  /// nothing.
  public func onLogits(of x: Tensor, seen: Tensor) -> Tensor {
    let seen = seen.cast(to: pixels.dataType)
    let given = matrixProduct(x.cast(to: pixels.dataType) * seen, pixels)
    return logits(given + matrixProduct(seen, mask) + firstBias, layers)
  }

  private func logits(_ sum: Tensor, _ layers: [Linear]) -> Tensor {
    layers.reduce(sum) { state, layer in layer(state.relu()) }
  }

  public func onLogits(of x: Tensor) -> Tensor {
    let logits = steppedLogits(of: x.symbols)
    return logits.element(2, 1)
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
    visitor("pixels", &pixels)
    visitor("mask", &mask)
    visitor("bias", &firstBias)
    visitor("layers", &layers)
    visitor.fixed("configuration", configuration)
    visitor.fixed("chosen", chosen)
  }
}

extension EoNADE: SteppingSymbolModel {
  /// The sums of the first hidden layer, [batch, hidden].
  public func memory(batch: Int, length: Int) -> Tensor {
    firstBias.broadcast(to: [batch, firstBias.count])
  }

  public func next(after previous: Tensor, step: Tensor, _ memory: inout Tensor) -> Tensor {
    let order = Tensor(orders[chosen].map(Int32.init))
    let one = Tensor.fill(integer: 1, [], .int32)
    let before = order.rows(step - one)
    let isSeen = step.greater(than: 0).cast(to: pixels.dataType)
    let isOn = maximum(previous, previous.zerosLike()).cast(to: pixels.dataType).expanded(1)
    memory =
      memory + isOn * pixels.rows(before) + isSeen * mask.rows(before)
    var last = layers[layers.count - 1]
    let place = order.rows(step)
    let row = last.weight.rows(place)
    last = Linear(weight: row.expanded(0), bias: last.bias.map { $0.rows(place).expanded(0) })
    let logit = logits(memory, layers.dropLast() + [last]).squeezed(1)
    return stack([logit.zerosLike(), logit], axis: 1)
  }
}
