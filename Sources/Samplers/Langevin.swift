public import Models
public import Tensors

/// Downhill with noise: x ← x − ε/2 ∇U(x) + √ε z (Roberts and Tweedie 1996).
///
/// Taken as it is, the chain's distribution is wrong by a share in proportion to ε: a normal one of covariance Σ becomes
/// Σ (I − ε/4 Σ⁻¹)⁻¹, and breaks down at ε = 4 of the smallest variance. Adjusted by Metropolis' rule it is exact (MALA).
public struct Langevin<Model: EnergyModel>: MarkovKernel {
  /// ε, [] or [chains].
  public var step: Tensor
  public var isAdjusted: Bool
  /// The noise's variance in ε: the distribution is that of exp(−U / temperature). 1 where the chain is adjusted.
  public var temperature: Double

  /// - Parameter step: ε, [] or [chains].
  public init(step: Tensor, isAdjusted: Bool = false, temperature: Double = 1) {
    guard !isAdjusted || temperature == 1 else {
      fail("an adjusted Langevin chain has temperature 1, not \(temperature); divide its energy")
    }
    self.step = step
    self.isAdjusted = isAdjusted
    self.temperature = temperature
  }

  public init(step: Double, isAdjusted: Bool = false, temperature: Double = 1) {
    self.init(step: Tensor(step, .float64), isAdjusted: isAdjusted, temperature: temperature)
  }

  /// An adjusted move is one leap of Hamiltonian Monte Carlo of time √ε: the same candidate, and its two probabilities
  /// of proposal are the change of the impulse's energy.
  private var leap: HamiltonianMonteCarlo<Model> {
    HamiltonianMonteCarlo(step: step.sqrt(), leaps: 1)
  }

  public func chains(at states: Tensor, of model: Model) -> Chains {
    isAdjusted ? leap.chains(at: states, of: model) : Chains(states)
  }

  public func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport {
    if isAdjusted { return leap.move(&chains, of: model, key) }
    let x = chains.states
    chains.states = descended(x, along: model.score(x), key)
    return MoveReport(acceptance: .ones([x.shape[0]]))
  }

  /// One step from x along a score, of the shape of x.
  package func descended(_ x: Tensor, along score: Tensor, _ key: RandomKey) -> Tensor {
    let step = step.perRow(of: x).cast(to: x.dataType)
    return x + score * step * 0.5
      + key.normal(x.shape, x.dataType) * (step * temperature).sqrt()
  }
}
