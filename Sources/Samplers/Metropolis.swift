public import Models
public import Tensors

/// How candidates are found.
public protocol Proposal: Sendable {
  /// A candidate for every state, [chains, …].
  func candidate(for x: Tensor, _ key: RandomKey) -> Tensor
  /// log q(x | candidate) − log q(candidate | x), [chains]; nil where the way back is as likely as the way there.
  func logReturn(from x: Tensor, to candidate: Tensor) -> Tensor?
}

extension Proposal {
  public func logReturn(from x: Tensor, to candidate: Tensor) -> Tensor? { nil }
}

/// A normal step in every direction.
public struct RandomWalk: Proposal {
  /// The steps' deviation, [] or [chains].
  public var deviation: Tensor

  public init(deviation: Tensor) { self.deviation = deviation }
  public init(deviation: Double) { self.init(deviation: Tensor(deviation, .float64)) }

  public func candidate(for x: Tensor, _ key: RandomKey) -> Tensor {
    x + key.normal(x.shape, x.dataType) * deviation.perRow(of: x).cast(to: x.dataType)
  }
}

/// One unit of each chain from 0 to 1 or back, for states of zeros and ones.
public struct UnitFlip: Proposal {
  public init() {}

  public func candidate(for x: Tensor, _ key: RandomKey) -> Tensor {
    let units = x.count / x.shape[0]
    let flipped = key.integers(below: units, [x.shape[0]]).oneHot(units, x.dataType)
      .reshaped(x.shape)
    return x + flipped - x * flipped * 2
  }
}

/// Metropolis and Hastings' rule (1953, 1970): a candidate is taken with the probability that makes every pair of states
/// exchange as much one way as the other; where it is not, the old state counts once more.
public struct Metropolis<Model: EnergyModel, Candidates: Proposal>: MarkovKernel {
  public var proposal: Candidates

  public init(_ proposal: Candidates) { self.proposal = proposal }

  public func chains(at states: Tensor, of model: Model) -> Chains {
    Chains(states, energies: model.energy(states))
  }

  public func move(_ chains: inout Chains, of model: Model, _ key: RandomKey) -> MoveReport {
    let candidates = self.chains(
      at: proposal.candidate(for: chains.states, key.fork(0)), of: model)
    let ratio = logRatio(from: chains, to: candidates)
    return MoveReport(acceptance: chains.take(candidates, logRatio: ratio, key.fork(1)))
  }

  /// The logarithm of the probability of acceptance where it is below 0, [chains].
  package func logRatio(from chains: Chains, to candidates: Chains) -> Tensor {
    let fall = chains.energies! - candidates.energies!
    return proposal.logReturn(from: chains.states, to: candidates.states).map { fall + $0 } ?? fall
  }
}
