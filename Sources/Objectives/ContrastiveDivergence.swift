internal import Layers
public import Models
public import Tensors

/// The gradient of a Boltzmann machine's likelihood with its intractable half replaced by samples of a Markov chain
/// (Hinton 2002, Neural Computation 14:1771).
///
/// ∇ −log p(data) = ∇ mean F(data) − ∇ mean F(model): the chain stands for the model. Started at the data and run for k
/// sweeps this is CD-k; with chains that live on from update to update it is persistent contrastive divergence (Tieleman
/// 2008), whose bias vanishes with the learning rate.
public struct ContrastiveDivergence: Sendable {
  /// Gibbs sweeps per update.
  public var sweeps: Int

  public init(sweeps: Int = 1) { self.sweeps = sweeps }

  /// Moves the chains on by `sweeps` sweeps; no gradient flows through them.
  public func advanced(_ chains: Tensor, _ model: RestrictedBoltzmannMachine, _ key: RandomKey)
    -> Tensor
  {
    (0..<sweeps).reduce(chains) { chains, sweep in model.gibbsSweep(chains, key.fork(sweep)) }
      .stopped()
  }

  /// A quantity whose gradient is that of −log p(data) per row, in nats, if `chains` are samples of the model. Its value is
  /// a difference of free energies, not a likelihood.
  ///
  /// - Parameters:
  ///   - data: [batch, visible].
  ///   - chains: [chains, visible], from `advanced`.
  public func loss(_ model: RestrictedBoltzmannMachine, data: Tensor, chains: Tensor) -> Tensor {
    model.freeEnergy(data).mean() - model.freeEnergy(chains).mean()
  }
}
