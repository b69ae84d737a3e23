internal import Layers
public import Models
public import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// An estimate of log Z with its uncertainty.
public struct PartitionEstimate: Sendable {
  /// log of the mean importance weight, plus log Z of the base: in nats. Below the truth on average.
  public let logPartition: Double
  /// Standard error of `logPartition`, in nats.
  public let standardError: Double
  /// Standard deviation of the log weights: large values (above 3 or so) mean that few chains decide.
  public let deviation: Double

  /// - Parameters:
  ///   - logWeights: logarithms of importance weights, one a chain.
  ///   - base: log Z of what the chains began with.
  public init(logWeights: [Double], base: Double) {
    let count = Double(logWeights.count)
    let highest = logWeights.max() ?? 0
    func moments(_ x: [Double]) -> (mean: Double, variance: Double) {
      let mean = x.reduce(0, +) / count
      return (mean, x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / max(count - 1, 1))
    }
    let ratios = moments(logWeights.map { exp($0 - highest) })
    logPartition = base + highest + log(ratios.mean)
    standardError = (ratios.variance / count).squareRoot() / ratios.mean
    deviation = moments(logWeights).variance.squareRoot()
  }
}

/// Annealed importance sampling of a partition function (Neal 2001): chains move from a distribution of known Z to the model
/// through the temperatures between, and their weights gather what each step of the way changes.
public struct AnnealedImportance: Sendable {
  /// Chains of a Boltzmann machine's estimate.
  public var chains: Int
  public var temperatures: Int
  /// First-side biases of the base machine, [visible]; the data's logits make short ways. Nil: zeros (a uniform base).
  public var baseBias: Tensor?

  public init(chains: Int = 100, temperatures: Int = 1000, baseBias: Tensor? = nil) {
    self.chains = chains
    self.temperatures = temperatures
    self.baseBias = baseBias
  }

  /// log Z of any energy.
  ///
  /// - Parameters:
  ///   - path: from a base whose log Z is known to the model; its share is not read.
  ///   - starts: independent draws of the base, [chains, …]: one for each weight.
  ///   - kernel: how chains move at each temperature, `moves` times.
  ///   - baseLogPartition: log Z of the base, 0 where its energy is −log of a density.
  public func estimate<Base, Target, Kernel: MarkovKernel>(
    _ path: EnergyPath<Base, Target>, starts: Tensor, by kernel: Kernel, moves: Int = 1,
    baseLogPartition: Double = 0, _ key: RandomKey
  ) -> PartitionEstimate where Kernel.Model == EnergyPath<Base, Target> {
    let weights = annealed(starts, key) { states, now, next, key in
      var path = path
      path.share = next
      let change = -path.difference(states) * (next - now).cast(to: states.dataType)
      var chains = kernel.chains(at: states, of: path)
      kernel.run(&chains, of: path, moves: moves, key)
      states = chains.states
      return change
    }
    return PartitionEstimate(logWeights: weights, base: baseLogPartition)
  }

  /// log Z of a Boltzmann machine of binary units (Salakhutdinov and Murray 2008, eq. 8 to 16; of a deep one Salakhutdinov
  /// and Hinton 2009).
  ///
  /// The base has biases of its first side alone. The machine at share β has β times the model's weights and second
  /// biases, and first biases between the base's and the model's: all follows from one product of states and weights.
  public func estimate<Model: BinaryBoltzmannMachine>(
    _ model: Model, _ key: RandomKey
  ) -> PartitionEstimate {
    let own = model.visibleBiases
    let (type, hidden) = (own.dataType, model.hiddenBiases.count)
    let bias = (baseBias ?? .zeros(own.shape, type)).cast(to: type)
    guard bias.shape == own.shape else {
      fail("the base has biases \(bias.shape), the machine's first side \(own.shape)")
    }
    let starts = key.fork(0).bernoulli(bias.sigmoid().broadcast(to: [chains, own.count]))
    let weights = annealed(starts.cast(to: type), key.fork(1)) { states, now, next, key in
      let (now, next) = (now.cast(to: type), next.cast(to: type))
      let field = model.hiddenField(states)
      let pull = matrixProduct(states, (own - bias).expanded(1)).squeezed(1)
      let change =
        pull * (next - now) + ((field * next).softplus() - (field * now).softplus()).sum([1])
      let h = key.fork(0).bernoulli((field * next).sigmoid()).cast(to: type)
      let visible = model.visibleField(h) * next + bias * (1 - next)
      states = key.fork(1).bernoulli(visible.sigmoid()).cast(to: type)
      return change
    }
    let base = bias.cast(to: .float64).softplus().sum().scalar + Double(hidden) * log(2)
    return PartitionEstimate(logWeights: weights, base: base)
  }

  /// The log weights of chains that `step` moves from one share to the next, and weighs before it moves them, [chains].
  private func annealed(
    _ starts: Tensor, _ key: RandomKey,
    _ step: (_ states: inout Tensor, _ now: Tensor, _ next: Tensor, _ key: RandomKey) -> Tensor
  ) -> [Double] {
    let start = Pair(starts, Tensor.zeros([starts.shape[0]], .float64))
    let end = scan(start, over: Tensor.range(temperatures, .int64)) { state, number in
      let now = number.cast(to: .float64) / Double(temperatures)
      let next = (number.cast(to: .float64) + 1) / Double(temperatures)
      let change = step(&state.first, now, next, key.fork(number))
      state.second = state.second + change.cast(to: .float64)
      return Nothing()
    }.carry
    return end.second.doubles()
  }
}
