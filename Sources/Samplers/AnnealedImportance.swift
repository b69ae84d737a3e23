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
}

/// Annealed importance sampling of a restricted Boltzmann machine's partition function (Neal 2001; Salakhutdinov and Murray
/// 2008, eq. 8 to 16).
///
/// Chains start in a base machine of the same visible biases without weights, whose Z is known, and move through machines
/// whose weights and hidden biases grow from 0 to 1 times the model's; the log weights add up what the free energies change.
public struct AnnealedImportance: Sendable {
  public var chains: Int
  public var temperatures: Int
  /// Visible biases of the base machine, [visible]; the data's logits make short ways. Nil: zeros (a uniform base).
  public var baseBias: Tensor?

  public init(chains: Int = 100, temperatures: Int = 1000, baseBias: Tensor? = nil) {
    self.chains = chains
    self.temperatures = temperatures
    self.baseBias = baseBias
  }

  public func estimate(_ model: RestrictedBoltzmannMachine, _ key: RandomKey) -> PartitionEstimate {
    let type = model.weight.dataType
    let (visible, hidden) = (model.weight.shape[0], model.weight.shape[1])
    let bias = (baseBias ?? .zeros([visible], type)).cast(to: type).evaluated()
    let start = key.fork(0).bernoulli(bias.sigmoid().broadcast(to: [chains, visible])).cast(
      to: type)
    var state = Annealing(
      model: model, bias: bias, states: start, logWeights: .zeros([chains], .float64),
      key: key.fork(1))
    for step in 0..<temperatures {
      let betas = [Double(step) / Double(temperatures), Double(step + 1) / Double(temperatures)]
      _ = Annealing.step(&state, Tensor(betas + [Double(step)]))
    }
    let weights = state.logWeights.doubles()
    let highest = weights.max() ?? 0
    let ratios = weights.map { exp($0 - highest) }
    let mean = ratios.reduce(0, +) / Double(chains)
    let variance =
      ratios.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(max(chains - 1, 1))
    let average = weights.reduce(0, +) / Double(chains)
    let spread =
      weights.map { ($0 - average) * ($0 - average) }.reduce(0, +) / Double(max(chains - 1, 1))
    let base = bias.cast(to: .float64).softplus().sum().scalar + Double(hidden) * 2.0.logarithm
    return PartitionEstimate(
      logPartition: base + highest + mean.logarithm,
      standardError: (variance / Double(chains)).squareRoot() / mean, deviation: spread.squareRoot()
    )
  }
}

extension Double {
  fileprivate var logarithm: Double { log(self) }
}

/// What moves from one temperature to the next.
private struct Annealing: Module {
  var model: RestrictedBoltzmannMachine
  var bias: Tensor
  var states: Tensor
  var logWeights: Tensor
  var key: RandomKey

  mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor("bias", &bias)
    visitor("states", &states)
    visitor("log_weights", &logWeights)
    visitor("key", &key)
  }

  /// Weighs the states by the next temperature, then moves them there. The batch is β, the next β, and the step's number.
  ///
  /// The machine at inverse temperature β has β times the model's weights and hidden biases, and visible biases between
  /// the base's and the model's. All of its quantities follow from one product of states and weights.
  static let step = compiled { (state: inout Annealing, betas: Tensor) in
    let (model, type) = (state.model, state.bias.dataType)
    let now = betas.element(0, 0).cast(to: type)
    let next = betas.element(0, 1).cast(to: type)
    let key = state.key.fork(betas.element(0, 2))
    let field = matrixProduct(state.states, model.weight) + model.hiddenBias
    let pulls = matrixProduct(state.states, stack([state.bias, model.visibleBias], axis: 1))
    let (base, own) = (pulls.element(1, 0), pulls.element(1, 1))
    /// −F(v) at an inverse temperature, [chains], float64.
    func score(_ beta: Tensor) -> Tensor {
      (base * (1 - beta) + own * beta + (field * beta).softplus().sum([1])).cast(to: .float64)
    }
    state.logWeights = state.logWeights + score(next) - score(now)
    let hidden = key.fork(0).bernoulli((field * next).sigmoid()).cast(to: type)
    let drive = matrixProduct(hidden, model.weight.transposed()) + model.visibleBias
    let visible = drive * next + state.bias * (1 - next)
    state.states = key.fork(1).bernoulli(visible.sigmoid()).cast(to: type)
    return Nothing()
  }
}
