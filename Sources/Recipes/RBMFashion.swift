public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A restricted Boltzmann machine of black and white pictures of clothes.
public struct RBMFashion: Recipe {
  public struct Settings: RecipeSettings {
    public var steps = 20_000
    public var batchSize = 100
    public var hidden = 500
    /// Markov chains that stand for the model.
    public var chains = 100
    /// Where they begin in every step: "persistent": where they were; "data": at the batch (CD-k); "mean-field": at the
    /// batch, as means and not as draws.
    public var divergence = ContrastiveDivergence.Form.persistent
    /// Gibbs sweeps of the chains in every step.
    public var sweeps = 1
    public var learningRate = LearningRate(0.02, .linear)
    /// Chains and temperatures of the likelihood's estimate.
    public var annealingChains = 100
    public var temperatures = 1000

    public var limits: [Limit] {
      [
        Limit("hidden", hidden, 1...16_384), Limit("chains", chains, 1...10_000),
        Limit("sweeps", sweeps, 1...100), Limit("annealing_chains", annealingChains, 2...10_000),
        Limit("temperatures", temperatures, 2...1_000_000),
      ]
    }
  }

  /// The machine, its optimizer, and the states of the chains, which live on from step to step.
  public struct State: Module {
    public var model: RestrictedBoltzmannMachine
    public var optimizer: SGD<RestrictedBoltzmannMachine>
    /// [chains, pixels].
    public var chains: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("model", &model)
      visitor("optimizer", &optimizer)
      visitor.buffer("chains", &chains)
    }
  }

  public static let method = Method(
    name: "rbm-fashion", title: "Restricted Boltzmann machine", family: "Energy-based models",
    idea:
      "Pixels and hidden switches pull at each other until together they settle into likely pictures.",
    formula: "p(v, h) = frac{1}{Z} exp(b·v + c·h + v^T W h)", data: "fashion-mnist",
    goal: .init(
      "negative log likelihood", unit: "nats", kind: .estimate, group: PixelGroup.binary))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  private var sizes: RestrictedBoltzmannMachineConfiguration {
    .init(visible: 784, hidden: settings.hidden)
  }

  public func start(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> State {
    let means = data.training.whiteness
    let model = RestrictedBoltzmannMachine(sizes, means: means.floats(), key: key.fork(0))
    let chains = key.fork(1).bernoulli(means.broadcast(to: [settings.chains, 784]))
    return State(
      model: model, optimizer: SGD(for: model, learningRate: 0),
      chains: chains.cast(to: .float32))
  }

  public func learningRate(at step: Int) -> Double? {
    settings.learningRate(step, of: settings.steps)
  }

  public func prepare(_ state: inout State, step: Int) {
    let rate = settings.learningRate(step, of: settings.steps)
    state.optimizer.learningRate = Tensor([Float(rate)], shape: [])
  }

  public func step(_ state: inout State, _ bytes: Tensor, _ key: RandomKey) -> [String: Tensor] {
    let pixels = bytes.binarized().flattened(1..<4)
    let objective = ContrastiveDivergence(settings.divergence, sweeps: settings.sweeps)
    let samples = objective.samples(
      of: state.model, data: pixels, chains: state.chains, key)
    let (loss, gradient) = valueAndGradient(at: state.model) {
      objective.loss($0, data: pixels, chains: samples)
    }
    state.optimizer.update(&state.model, along: gradient)
    if settings.divergence == .persistent { state.chains = samples }
    return ["loss": loss, "grad_norm": gradient.globalNorm]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Metric] {
    let means = data.training.whiteness
    let annealing = AnnealedImportance(
      chains: settings.annealingChains, temperatures: settings.temperatures,
      baseBias: means.log() - (1 - means).log())
    let partition = annealing.estimate(state.model, key)
    let pixels = data.heldOut.first(data.heldOut.count).binarized().flattened(1..<4)
    let nats = state.model.freeEnergy(pixels).mean().scalar + partition.logPartition
    let error = 1.96 * partition.standardError
    let note = "\(data.measuredOn), pixels black or white; annealed importance sampling"
    let goal = Self.method.goal.measured(nats, error: error, note: note)
    let bit = 784 * 0.6931471805599453
    return [
      goal,
      Metric(
        name: "bits per dimension", value: nats / bit, unit: "bits/dim", kind: .estimate,
        error: error / bit, group: PixelGroup.binary, note: note),
    ]
  }

  /// The chains of the training, or others like them, moved on: so long that copies of one chain part.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(
      request.inParts(of: 500) { count, key in
        let copies = [Tensor](repeating: state.chains, count: (count - 1) / settings.chains + 1)
        let start = concatenate(copies).sliced(0, 0..<count)
        return pictures(probabilities(state.model, moved(start, state.model, key)))
      })
  }

  /// Chains after 200 sweeps; those that did not live through the training have more to make up for.
  private func moved(
    _ chains: Tensor, _ model: RestrictedBoltzmannMachine, _ key: RandomKey
  ) -> Tensor {
    GibbsSampling<RestrictedBoltzmannMachine>().moved(
      chains, of: model, moves: settings.divergence == .persistent ? 200 : 2000, key)
  }

  /// How likely each pixel is white one sweep behind the chains.
  private func probabilities(_ model: RestrictedBoltzmannMachine, _ chains: Tensor) -> Tensor {
    model.visibleProbabilities(model.hiddenProbabilities(chains))
  }

  private func pictures(_ x: Tensor) -> [Picture] {
    x.reshaped([x.shape[0], 28, 28, 1]).pictures()
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let isPersistent = settings.divergence == .persistent
    let chains = isPersistent ? state.chains : moved(state.chains, state.model, key)
    let probabilities = probabilities(state.model, chains)
    let weights = state.model.weight.transposed().sliced(0, 0..<min(40, settings.hidden))
    let reach = weights.abs().max([1], keepsAxes: true)
    let filters = weights / maximum(reach, 1e-6) * 0.5 + 0.5
    return [
      .pictures(
        PictureGrid(
          pictures: pictures(probabilities.sliced(0, 0..<min(40, settings.chains))),
          subject: "generated pictures of clothes",
          note: isPersistent
            ? "the Markov chains of the training, as probabilities of white"
            : "Markov chains of 2000 sweeps, as probabilities of white")),
      .pictures(
        PictureGrid(
          pictures: pictures(filters), subject: "weights of hidden units",
          note: "the weights of hidden units, each scaled to its own range")),
    ]
  }

  public func export(_ state: State) -> Export {
    Export(model: state.model, configuration: sizes)
  }
}
