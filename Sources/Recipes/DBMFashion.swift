public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A deep Boltzmann machine of black and white pictures of clothes.
public struct DBMFashion: Recipe {
  public struct Settings: RecipeSettings {
    public var steps = 20_000
    public var batchSize = 100
    /// Units of the hidden layers, from the pixels upwards.
    public var hidden = [500, 200]
    /// Markov chains that stand for the model.
    public var chains = 100
    /// Gibbs sweeps of the chains in every step.
    public var sweeps = 1
    /// Sweeps of mean field by which the hidden units of a picture are found.
    public var meanFieldSweeps = 5
    public var learningRate = LearningRate(0.01, .linear)
    /// Chains and temperatures of the likelihood's estimate.
    public var annealingChains = 100
    public var temperatures = 1000

    public var limits: [Limit] {
      [
        Limit("hidden", hidden, each: 1...16_384, count: 1...8),
        Limit("chains", chains, 1...10_000), Limit("sweeps", sweeps, 1...100),
        Limit("mean_field_sweeps", meanFieldSweeps, 1...1000),
        Limit("annealing_chains", annealingChains, 2...10_000),
        Limit("temperatures", temperatures, 2...1_000_000),
      ]
    }
  }

  /// The machine, its optimizer, and the states of the chains, which live on from step to step.
  public struct State: Module {
    public var model: DeepBoltzmannMachine
    public var optimizer: SGD<DeepBoltzmannMachine>
    /// [chains, units of the pixels and of every other layer above].
    public var chains: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("model", &model)
      visitor("optimizer", &optimizer)
      visitor.buffer("chains", &chains)
    }
  }

  public static let method = Method(
    name: "dbm-fashion", title: "Deep Boltzmann machine", family: "Energy-based models",
    idea: "Layers of switches pull at their neighbours, up and down, until all agree on a picture.",
    formula: "p(v, h) = frac{1}{Z} exp(Σ b_l · h_l + h_l^T W_l h_{l+1})", data: "fashion-mnist",
    goal: .init(
      "negative log likelihood", unit: "nats", kind: .upperBound, group: PixelGroup.binary))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  private var sizes: DeepBoltzmannMachineConfiguration {
    .init(visible: 784, hidden: settings.hidden)
  }

  public func start(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> State {
    let means = data.training.whiteness
    let model = DeepBoltzmannMachine(sizes, means: means.floats(), key: key.fork(0))
    let odds = model.visibleBiases.sigmoid()
    let chains = key.fork(1).bernoulli(odds.broadcast(to: [settings.chains, odds.count]))
    return State(
      model: model, optimizer: SGD(for: model, learningRate: 0), chains: chains.cast(to: .float32))
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
    let objective = ContrastiveDivergence(sweeps: settings.sweeps)
    let chains = objective.advanced(state.chains, state.model, key)
    let (loss, gradient) = valueAndGradient(at: state.model) {
      objective.loss(
        $0, data: pixels, chains: chains, meanFieldSweeps: settings.meanFieldSweeps)
    }
    state.optimizer.update(&state.model, along: gradient)
    state.chains = chains
    return ["loss": loss, "grad_norm": gradient.globalNorm]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Metric] {
    let means = data.training.whiteness
    let above = state.model.visibleBiases.count - 784
    let base = concatenate([means.log() - (1 - means).log(), .zeros([above])])
    let partition = AnnealedImportance(
      chains: settings.annealingChains, temperatures: settings.temperatures, baseBias: base
    ).estimate(state.model, key)
    let pixels = data.heldOut.first(data.heldOut.count).binarized().flattened(1..<4)
    let energy = state.model.variationalFreeEnergy(
      pixels, state.model.meanField(pixels, sweeps: 25))
    return [
      Self.method.goal.measured(
        energy.mean().scalar + partition.logPartition, error: 1.96 * partition.standardError,
        note: "\(data.measuredOn), pixels black or white; mean field, annealed importance sampling")
    ]
  }

  /// How likely each pixel is white behind the chains, as pictures.
  private func pictures(_ model: DeepBoltzmannMachine, _ chains: Tensor) -> [Picture] {
    let p = model.visibleProbabilities(model.hiddenProbabilities(chains))
    return p.sliced(1, 0..<784).reshaped([p.shape[0], 28, 28, 1]).pictures()
  }

  /// The chains of the training, moved on: so long that copies of one chain part.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(
      request.inParts(of: 500) { count, key in
        let copies = [Tensor](repeating: state.chains, count: (count - 1) / settings.chains + 1)
        let start = concatenate(copies).sliced(0, 0..<count)
        let kernel = GibbsSampling<DeepBoltzmannMachine>()
        return pictures(state.model, kernel.moved(start, of: state.model, moves: 200, key))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let chains = state.chains.sliced(0, 0..<min(40, settings.chains))
    return [
      .pictures(
        PictureGrid(
          pictures: pictures(state.model, chains), subject: "generated pictures of clothes",
          note: "the Markov chains of the training, as probabilities of white"))
    ]
  }

  public func export(_ state: State) -> Export {
    Export(model: state.model, configuration: sizes)
  }
}
