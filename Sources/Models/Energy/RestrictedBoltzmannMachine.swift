public import Layers
public import Tensors

/// Sizes of a restricted Boltzmann machine.
public struct RestrictedBoltzmannMachineConfiguration: Codable, Hashable, Sendable {
  /// Visible units: pixels.
  public var visible: Int
  public var hidden: Int

  public init(visible: Int, hidden: Int) {
    self.visible = visible
    self.hidden = hidden
  }
}

/// A restricted Boltzmann machine of binary units (Smolensky 1986): p(v, h) ∝ exp(b·v + c·h + vᵀ W h).
///
/// Given one layer the units of the other are independent, so the hidden layer can be summed out exactly: the free energy
/// F(v) = −b·v − Σ softplus(c + Wᵀ v) gives log p(v) = −F(v) − log Z, with a constant Z that only small machines know.
public struct RestrictedBoltzmannMachine: Module {
  /// [visible, hidden].
  public var weight: Tensor
  /// b, [visible].
  public var visibleBias: Tensor
  /// c, [hidden].
  public var hiddenBias: Tensor

  /// - Parameter means: the mean of each visible unit in the data, [visible]; the bias begins at its logit, so that the
  ///   hidden units need not learn it.
  public init(
    _ configuration: RestrictedBoltzmannMachineConfiguration, means: [Float]? = nil, key: RandomKey
  ) {
    weight = key.normal([configuration.visible, configuration.hidden], deviation: 0.01)
    let means = means ?? [Float](repeating: 0.5, count: configuration.visible)
    let mean = Tensor(means).clipped(to: 0.01...0.99)
    visibleBias = mean.log() - (1 - mean).log()
    hiddenBias = .zeros([configuration.hidden])
  }

  public init(weight: Tensor, visibleBias: Tensor, hiddenBias: Tensor) {
    self.weight = weight
    self.visibleBias = visibleBias
    self.hiddenBias = hiddenBias
  }

  /// F(v) in nats, [batch], of visible states [batch, visible].
  public func freeEnergy(_ v: Tensor) -> Tensor {
    -matrixProduct(v, visibleBias.expanded(1)).squeezed(1)
      - (matrixProduct(v, weight) + hiddenBias).softplus().sum([1])
  }

  /// p(hⱼ = 1 | v), [batch, hidden].
  public func hiddenProbabilities(_ v: Tensor) -> Tensor {
    (matrixProduct(v, weight) + hiddenBias).sigmoid()
  }

  /// p(vᵢ = 1 | h), [batch, visible].
  public func visibleProbabilities(_ h: Tensor) -> Tensor {
    (matrixProduct(h, weight.transposed()) + visibleBias).sigmoid()
  }

  /// One sweep of block Gibbs sampling: hidden units given the visible ones, then new visible units given those.
  public func gibbsSweep(_ v: Tensor, _ key: RandomKey) -> Tensor {
    let h = sampled(hiddenProbabilities(v), key.fork(0))
    return sampled(visibleProbabilities(h), key.fork(1))
  }

  private func sampled(_ probabilities: Tensor, _ key: RandomKey) -> Tensor {
    key.bernoulli(probabilities).cast(to: probabilities.dataType)
  }

  /// log Z by summing over all states of the smaller layer: at most 20 units.
  public func exactLogPartition() -> Tensor {
    let sumsHidden = weight.shape[1] < weight.shape[0]
    let count = sumsHidden ? weight.shape[1] : weight.shape[0]
    guard count <= 20 else {
      fail("log Z of \(count) units has 2^\(count) terms; estimate it by annealing")
    }
    let states = Tensor.indices([1 << count, count], axis: 0, .int64)
    let places = Tensor.indices([1 << count, count], axis: 1, .int64)
    let bits = Tensor(Binary.shiftRight, [states, places]).and(states.onesLike()).cast(
      to: weight.dataType)
    if !sumsHidden { return (-freeEnergy(bits)).logSumExp(0) }
    let field = matrixProduct(bits, weight.transposed()) + visibleBias
    return (matrixProduct(bits, hiddenBias.expanded(1)).squeezed(1) + field.softplus().sum([1]))
      .logSumExp(0)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("W", &weight)
    visitor("b", &visibleBias)
    visitor("c", &hiddenBias)
  }
}
