package import Layers
public import Models
public import Tensors

/// Lets states roll over the energy with a random impulse, and takes where they come to by Metropolis' rule (Duane et al.
/// 1987; Neal, arXiv:1206.1901, section 5.2). Its distribution is exact for any step; too large a step is never taken.
public struct HamiltonianMonteCarlo<Model: EnergyModel>: MarkovKernel {
  /// The time of one leap, [] or [chains].
  public var step: Tensor
  /// Leaps of one move; each takes one gradient.
  public var leaps: Int

  public init(step: Tensor, leaps: Int) {
    self.step = step
    self.leaps = leaps
  }

  public init(step: Double, leaps: Int) { self.init(step: Tensor(step, .float64), leaps: leaps) }

  public func chains(at states: Tensor, of model: Model) -> Chains {
    let (energy, slope) = model.energyAndSlope(states)
    return Chains(states, energies: energy, slopes: slope)
  }

  public func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport {
    let impulse = key.fork(0).normal(chains.states.shape, chains.states.dataType)
    let end = rolled(Pair(chains, impulse), of: model)
    func total(_ chains: Chains, _ impulse: Tensor) -> Tensor {
      chains.energies! + impulse.squaredLength() * 0.5
    }
    let ratio = total(chains, impulse) - total(end.first, end.second)
    return MoveReport(acceptance: chains.take(end.first, logRatio: ratio, key.fork(1)))
  }

  /// Where chains with these impulses come to: leaps between half kicks, which keep volumes and can be undone.
  package func rolled(_ start: Pair<Chains, Tensor>, of model: Model) -> Pair<Chains, Tensor> {
    let step = step.perRow(of: start.second).cast(to: start.second.dataType)
    return scan(start, over: Nothing(), length: leaps) { state, _ in
      let impulse = state.second - state.first.slopes! * step * 0.5
      state.first = chains(at: state.first.states + impulse * step, of: model)
      state.second = impulse - state.first.slopes! * step * 0.5
      return Nothing()
    }.carry
  }
}
