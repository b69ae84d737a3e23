public import Layers
public import Tensors

/// Changes every number by a map that a masked network reads off the numbers before it: [batch, width].
///
/// Forward is one pass, the inverse one pass a number: with affine maps this is a layer of the masked autoregressive flow
/// (Papamakarios et al., arXiv:1705.07057). `Inverted`, it is one of the inverse autoregressive flow (Kingma et al.,
/// arXiv:1606.04934).
public struct AutoregressiveFlow: Flow {
  /// [batch, width] → [batch, width · parameters of the map].
  public var layers: [MaskedLinear]
  public let map: ElementwiseMap

  /// The last layer begins with zeros.
  public init(width: Int, map: ElementwiseMap, hidden: [Int], key: RandomKey) {
    self.map = map
    let most = max(width - 1, 1)
    let inner = hidden.map { size in (0..<size).map { width > 1 ? $0 % most + 1 : 0 } }
    let last = (0..<width).flatMap { [Int](repeating: $0, count: map.parameterCount) }
    let degrees = [Array(1...max(width, 1))] + inner + [last]
    layers = zip(degrees, degrees.dropFirst()).enumerated().map { i, pair in
      MaskedLinear(inputDegrees: pair.0, outputDegrees: pair.1, key: key.fork(i))
    }
    let end = layers.count - 1
    layers[end].weight = layers[end].weight.zerosLike()
    layers[end].bias = layers[end].bias.zerosLike()
  }

  private func parameters(_ x: Tensor) -> Tensor {
    let inner = layers.dropLast().reduce(x) { x, layer in layer(x).relu() }
    return layers[layers.count - 1](inner).reshaped(x.shape + [map.parameterCount])
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let (z, logSlope) = map.forward(x, parameters(x))
    return (z, logSlope.sum([1]))
  }

  public func inverse(_ z: Tensor) -> Tensor {
    let width = z.shape[1]
    let places = Tensor.range(width)
    // With i numbers right, one more becomes so; those behind it are kept from the network.
    return scan(z.zerosLike(), over: places) { x, place in
      let next = map.inverse(z, parameters(x))
      x = select(places.lessOrEqual(to: place), next, next.zerosLike())
      return Nothing()
    }.carry
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("layers", &layers)
    visitor.fixed("map", map)
  }
}

/// A flow run the other way round.
public struct Inverted<Base: Flow>: Flow {
  public var base: Base

  public init(_ base: Base) { self.base = base }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let z = base.inverse(x)
    return (z, -base.forward(z).logDeterminant)
  }

  public func inverse(_ z: Tensor) -> Tensor { base.forward(z).z }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&base) }
}

/// The numbers of the last axis in reverse order.
public struct Reversal: Flow {
  public init() {}

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    (x.reversed(-1), .zeros([x.shape[0]], x.dataType))
  }

  public func inverse(_ z: Tensor) -> Tensor { z.reversed(-1) }

  public mutating func visit(_ visitor: inout Visitor) {}
}
