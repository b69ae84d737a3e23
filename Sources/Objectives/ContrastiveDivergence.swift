internal import Layers
public import Models
public import Tensors

/// The gradient of an energy's likelihood with its intractable half replaced by samples of the model (Hinton 2002, Neural
/// Computation 14:1771).
///
/// ∇ −log p(data) = ∇ mean U(data) − ∇ mean U(model). The forms differ in the samples that stand for the model.
public struct ContrastiveDivergence: Sendable {
  /// Where the samples come from.
  public enum Form: String, Codable, CaseIterable, Sendable {
    /// A short chain from the data: CD-k. Biased, the less the longer the chain.
    case data
    /// Chains that live on from update to update (Tieleman 2008), whose bias vanishes with the learning rate.
    case persistent
    /// No samples, but means: each side's means given the other's, from the data (Welling and Hinton 2002). Free of
    /// noise, and biased however long it runs, since products of means stand for means of products.
    case meanField = "mean-field"
  }

  public var form: Form
  /// Sweeps per update.
  public var sweeps: Int

  public init(_ form: Form = .persistent, sweeps: Int = 1) {
    self.form = form
    self.sweeps = sweeps
  }

  /// Moves chains on by `sweeps` sweeps; no gradient flows through them.
  public func advanced<Model: GibbsModel>(
    _ chains: Tensor, _ model: Model, _ key: RandomKey
  ) -> Tensor {
    scan(chains, over: Tensor.range(sweeps, .int64)) { chains, sweep in
      chains = model.gibbsSweep(chains, key.fork(sweep))
      return Nothing()
    }.carry.stopped()
  }

  /// The samples, or means, that stand for the model.
  ///
  /// - Parameters:
  ///   - data: [batch, visible].
  ///   - chains: what they were at the last update, [chains, visible]; only persistent ones are read.
  public func samples<Model: BinaryBoltzmannMachine>(
    of model: Model, data: Tensor, chains: Tensor, _ key: RandomKey
  ) -> Tensor {
    switch form {
    case .data: return advanced(data, model, key)
    case .persistent: return advanced(chains, model, key)
    case .meanField:
      return scan(data, over: Nothing(), length: sweeps) { means, _ in
        means = model.visibleProbabilities(model.hiddenProbabilities(means))
        return Nothing()
      }.carry.stopped()
    }
  }

  /// A quantity whose gradient is that of −log p(data) per row, in nats, if `chains` are samples of the model. Its value is
  /// a difference of energies, not a likelihood.
  ///
  /// - Parameters:
  ///   - data: [batch, …].
  ///   - chains: [chains, …], samples.
  public func loss<Model: EnergyModel>(_ model: Model, data: Tensor, chains: Tensor) -> Tensor {
    model.energy(data).mean() - model.energy(chains).mean()
  }

  /// The same of a bound of a deep machine's likelihood: hidden units have their means by mean field, through which no
  /// gradient need flow, since at its end they stand where the bound is highest (Salakhutdinov and Hinton 2009).
  public func loss(
    _ model: DeepBoltzmannMachine, data: Tensor, chains: Tensor, meanFieldSweeps: Int
  ) -> Tensor {
    let means = model.meanField(data, sweeps: meanFieldSweeps).map { $0.stopped() }
    return model.variationalFreeEnergy(data, means).mean() - model.energy(chains).mean()
  }

  /// The sum of the losses of every grid: each by its own samples, all of them learning at the same time (Gao et al.,
  /// arXiv:1709.08868, section 3.3).
  ///
  /// - Parameters:
  ///   - data: pictures of the largest size, [batch, size, size, channels].
  ///   - samples: of every grid.
  public func loss<Energy: EnergyModel>(
    _ model: MultiGrid<Energy>, data: Tensor, samples: [Tensor]
  ) -> Tensor {
    let losses = zip(zip(model.sizes, model.energies), samples).map { level, samples in
      loss(level.1, data: data.blockMeans(to: level.0), chains: samples)
    }
    return losses.dropFirst().reduce(losses[0], +)
  }
}
