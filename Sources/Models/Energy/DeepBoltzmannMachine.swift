public import Layers
public import Tensors

/// Sizes of a deep Boltzmann machine.
public struct DeepBoltzmannMachineConfiguration: Codable, Hashable, Sendable {
  public var visible: Int
  /// Units of each hidden layer, from the visible one upwards; at least one.
  public var hidden: [Int]

  public init(visible: Int, hidden: [Int]) {
    self.visible = visible
    self.hidden = hidden
  }
}

/// Layers of binary units, each coupled to its neighbours (Salakhutdinov and Hinton 2009):
/// E = −Σ bₗ·hₗ − Σ hₗᵀ Wₗ hₗ₊₁ with h₀ the visible units.
///
/// Given every other layer the rest are independent, so it is a machine of two sides: the first are the layers 0, 2, 4, …
/// side by side, the second 1, 3, …. States of the chains are first sides, whose first units are the visible ones.
public struct DeepBoltzmannMachine: BinaryBoltzmannMachine {
  /// Wₗ, [units of layer l, units of layer l + 1].
  public var weights: [Tensor]
  /// bₗ, one for each layer.
  public var biases: [Tensor]

  /// - Parameter means: the mean of each visible unit in the data, [visible].
  public init(
    _ configuration: DeepBoltzmannMachineConfiguration, means: [Float]? = nil, key: RandomKey
  ) {
    let sizes = [configuration.visible] + configuration.hidden
    let first = RestrictedBoltzmannMachine(
      .init(visible: sizes[0], hidden: sizes[1]), means: means, key: key.fork(0))
    weights = (0..<sizes.count - 1).map { layer in
      key.fork(layer).normal([sizes[layer], sizes[layer + 1]], deviation: 0.01)
    }
    biases = [first.visibleBias] + configuration.hidden.map { .zeros([$0]) }
  }

  public init(weights: [Tensor], biases: [Tensor]) {
    self.weights = weights
    self.biases = biases
  }

  private func layers(_ side: Int) -> [Int] { Array(stride(from: side, to: biases.count, by: 2)) }

  /// The biases of every other layer.
  private func side(_ side: Int) -> Tensor { concatenate(layers(side).map { biases[$0] }) }

  public var visibleBiases: Tensor { side(0) }
  public var hiddenBiases: Tensor { side(1) }
  public func hiddenField(_ v: Tensor) -> Tensor { field(1, v) }
  public func visibleField(_ h: Tensor) -> Tensor { field(0, h) }

  /// What drives one side given the other.
  private func field(_ side: Int, _ other: Tensor) -> Tensor {
    let given = layers(1 - side)
    let parts = other.split(1, sizes: given.map { biases[$0].count })
    let states = Dictionary(uniqueKeysWithValues: zip(given, parts))
    return concatenate(layers(side).map { field(of: $0) { states[$0]! } }, axis: 1)
  }

  /// What drives a layer given its neighbours.
  private func field(of layer: Int, _ state: (Int) -> Tensor) -> Tensor {
    var field = biases[layer]
    if layer > 0 { field = matrixProduct(state(layer - 1), weights[layer - 1]) + field }
    if layer < weights.count {
      field = matrixProduct(state(layer + 1), weights[layer].transposed()) + field
    }
    return field
  }

  // MARK: Mean field

  /// The hidden layers' means under the independent units that come nearest to p(h | v), [batch, units] for each layer.
  ///
  /// - Parameters:
  ///   - v: [batch, visible].
  ///   - sweeps: times that the odd layers, then the even ones, take the means that their neighbours call for. Each makes
  ///     the bound tighter.
  public func meanField(_ v: Tensor, sweeps: Int) -> [Tensor] {
    let rows = v.shape[0]
    let start = biases.dropFirst().map { $0.sigmoid().broadcast(to: [rows, $0.count]) }
    return scan(start, over: Nothing(), length: sweeps) { means, _ in
      for side in [1, 0] {
        for layer in layers(side) where layer > 0 {
          means[layer - 1] = field(of: layer) { $0 == 0 ? v : means[$0 - 1] }.sigmoid()
        }
      }
      return Nothing()
    }.carry
  }

  /// ⟨E⟩ less the entropy of independent hidden units of these means, [batch]: never below −log Σₕ exp(−E(v, h)), so
  /// that −this − log Z is a lower bound of log p(v).
  public func variationalFreeEnergy(_ v: Tensor, _ means: [Tensor]) -> Tensor {
    let states = [v] + means
    var energy = Tensor.zeros([v.shape[0]], v.dataType)
    for (layer, state) in states.enumerated() {
      energy = energy - matrixProduct(state, biases[layer].expanded(1)).squeezed(1)
      guard layer > 0 else { continue }
      let pull = matrixProduct(states[layer - 1], weights[layer - 1])
      energy = energy - (pull * state).sum([1]) - Self.entropy(state)
    }
    return energy
  }

  /// −Σ p log p + (1 − p) log(1 − p), [batch]; 0 log 0 is 0.
  private static func entropy(_ p: Tensor) -> Tensor {
    func term(_ p: Tensor) -> Tensor { p * maximum(p, 1e-30).log() }
    return (term(p) + term(1 - p)).sum([1]) * -1
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("W", &weights)
    visitor("b", &biases)
  }
}
