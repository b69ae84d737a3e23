public import Layers
public import Tensors

/// Changes one part of the last axis by maps that a network reads off the other part, and exchanges the parts, so that the
/// next coupling changes the other one: (a, b) → (map(b; network(a)), a).
public struct Coupling: Flow {
  /// [batch…, width / 2 rounded down (+ context)] → [batch…, rest · parameters of the map].
  public var network: Sequential
  public let map: ElementwiseMap
  /// Numbers that are kept and that are changed.
  private let sizes: [Int]

  /// A coupling of vectors [batch, width], by linear layers with ReLU, the last of which begins with zeros.
  public init(width: Int, map: ElementwiseMap, hidden: [Int], key: RandomKey) {
    self.map = map
    sizes = [width / 2, width - width / 2]
    network = .couplingOfVectors(
      inputs: sizes[0], outputs: sizes[1] * map.parameterCount, hidden: hidden, key: key)
  }

  /// A coupling of pictures [batch, height, width, channels], by convolutions 3×3, 1×1 and 3×3 with ReLU (as in Glow,
  /// arXiv:1807.03039).
  /// - Parameter context: channels of the maps that `forward` is given besides.
  public init(
    channels: Int, map: ElementwiseMap, filters: Int, context: Int = 0, key: RandomKey
  ) {
    self.map = map
    sizes = [channels / 2, channels - channels / 2]
    network = .couplingOfPictures(
      inputs: sizes[0] + context, outputs: sizes[1] * map.parameterCount, filters: filters,
      key: key)
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    forward(x, given: nil)
  }

  public func inverse(_ z: Tensor) -> Tensor { inverse(z, given: nil) }

  /// - Parameter context: what the network sees besides: [batch…, context].
  public func forward(_ x: Tensor, given context: Tensor?) -> (z: Tensor, logDeterminant: Tensor) {
    let parts = x.split(-1, sizes: sizes)
    let (changed, logSlope) = map.forward(parts[1], parameters(parts[0], parts[1], context))
    return (
      concatenate([changed, parts[0]], axis: -1), logSlope.flattened(1..<x.rank).sum([1])
    )
  }

  public func inverse(_ z: Tensor, given context: Tensor?) -> Tensor {
    let parts = z.split(-1, sizes: sizes.reversed())
    let changed = map.inverse(parts[0], parameters(parts[1], parts[0], context))
    return concatenate([parts[1], changed], axis: -1)
  }

  private func parameters(_ kept: Tensor, _ changed: Tensor, _ context: Tensor?) -> Tensor {
    let seen = context.map { concatenate([kept, $0], axis: -1) } ?? kept
    return network(seen).reshaped(changed.shape + [map.parameterCount])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("network", &network)
    visitor.fixed("map", map)
    visitor.fixed("sizes", sizes)
  }
}

extension Sequential {
  /// Linear layers with ReLU between them; the last one begins with zeros.
  static func couplingOfVectors(inputs: Int, outputs: Int, hidden: [Int], key: RandomKey)
    -> Sequential
  {
    let sizes = [inputs] + hidden
    var layers: [any Layer] = []
    for (i, pair) in zip(sizes, sizes.dropFirst()).enumerated() {
      layers += [
        Linear(inputs: pair.0, outputs: pair.1, key: key.fork(i)), Activation.relu,
      ]
    }
    layers.append(
      Linear(
        weight: .zeros([outputs, sizes.last ?? inputs]), bias: .zeros([outputs])))
    return Sequential(layers)
  }

  /// Convolutions 3×3, 1×1 and 3×3 with ReLU between them; the last one begins with zeros.
  static func couplingOfPictures(inputs: Int, outputs: Int, filters: Int, key: RandomKey)
    -> Sequential
  {
    Sequential(
      Convolution(
        inputs: inputs, outputs: filters, kernel: [3, 3], padding: .symmetric([1]),
        key: key.fork(0)), Activation.relu,
      Convolution(inputs: filters, outputs: filters, kernel: [1, 1], key: key.fork(1)),
      Activation.relu, Convolution.silent(inputs: filters, outputs: outputs, key: key.fork(2)))
  }
}

extension Convolution {
  /// A convolution 3×3 that begins with zeros.
  static func silent(inputs: Int, outputs: Int, key: RandomKey) -> Convolution {
    var convolution = Convolution(
      inputs: inputs, outputs: outputs, kernel: [3, 3], padding: .symmetric([1]), key: key)
    convolution.weight = convolution.weight.zerosLike()
    convolution.bias = convolution.bias?.zerosLike()
    return convolution
  }
}
