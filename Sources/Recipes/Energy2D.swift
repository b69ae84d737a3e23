public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A deep energy that learns a distribution in the plane from the chains of any sampler.
public struct Energy2D: Recipe {
  /// How chains move.
  public enum Sampler: String, Codable, CaseIterable, Sendable {
    case metropolis, langevin, mala, hmc, tempering
  }

  public struct Settings: RecipeSettings {
    public var steps = 4000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "pinwheel"
    public var hidden = [128, 128]
    /// "metropolis", "langevin", "mala", "hmc" or "tempering".
    public var sampler = Sampler.mala
    /// Of a random walk or a leap the length; the square root of a Langevin step.
    public var stepLength = 0.15
    /// Moves of the chains in every step, and leaps of a Hamiltonian move.
    public var moves = 10
    public var leaps = 5
    /// Markov chains that stand for the model.
    public var chains = 512
    /// Of a tempering ladder the rungs, and its flattest energy's share.
    public var rungs = 5
    public var flattest = 0.1
    public var learningRate = LearningRate(1e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("hidden", hidden, each: 1...8192, count: 0...16),
        Limit("step_length", stepLength, 1e-6...10), Limit("moves", moves, 1...10_000),
        Limit("leaps", leaps, 1...1000), Limit("chains", chains, 1...100_000),
        Limit("rungs", rungs, 2...64), Limit("flattest", flattest, 1e-3...0.99),
      ]
    }
  }

  /// The energy, its moving average and optimizer, and the chains, which live on from step to step.
  public struct State: Module {
    public var trained: Trained<VectorEnergy, Adam<VectorEnergy>>
    /// [chains, 2], of a ladder those of all rungs.
    public var chains: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor.inline(&trained)
      visitor.buffer("chains", &chains)
    }
  }

  public static let method = Method(
    name: "energy-2d", title: "Deep energy in the plane", family: "Energy-based models",
    idea: "Digs valleys where points lie, and fills them where its own wanderers gather.",
    formula: "p(x) = frac{1}{Z} exp(−U(x))", data: "plane",
    goal: .init("nats per point", unit: "nats/point", kind: .exact, group: "plane"))
  public static let defaults = Settings()

  public let settings: Settings
  private let points: PlanePoints

  public init(_ settings: Settings) throws {
    self.settings = settings
    points = try PlanePoints(settings.data)
  }

  public func data() -> DataSplit<Examples<Tensor>> { points.data() }

  private var sizes: VectorEnergyConfiguration { .init(width: 2, hidden: settings.hidden) }

  public func start(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> State {
    let model = VectorEnergy(sizes, key: key.fork(0))
    let rows = settings.chains * (settings.sampler == .tempering ? settings.rungs : 1)
    return State(
      trained: Trained(model, Adam(for: model), average: model),
      chains: key.fork(1).normal([rows, 2], deviation: 2))
  }

  public func learningRate(at step: Int) -> Double? {
    settings.learningRate(step, of: settings.steps)
  }

  public func prepare(_ state: inout State, step: Int) {
    let rate = Float(settings.learningRate(step, of: settings.steps))
    state.trained.optimizer.learningRate = Tensor([rate], shape: [])
  }

  private typealias Path = EnergyPath<FlatEnergy, VectorEnergy>

  private func walk(_ model: VectorEnergy, from states: Tensor, moves: Int, _ key: RandomKey)
    -> Walk
  {
    let length = settings.stepLength
    func go<K: MarkovKernel>(_ kernel: K, _ model: K.Model) -> Walk {
      var chains = kernel.chains(at: states, of: model)
      let (trace, report) = kernel.trace(&chains, of: model, moves: moves, key)
      return Walk(
        end: chains.states.stopped(), trace: trace, acceptance: report.acceptance.mean())
    }
    switch settings.sampler {
    case .metropolis:
      return go(Metropolis<VectorEnergy, RandomWalk>(RandomWalk(deviation: length)), model)
    case .langevin, .mala:
      return go(
        Langevin<VectorEnergy>(step: length * length, isAdjusted: settings.sampler == .mala), model)
    case .hmc:
      return go(HamiltonianMonteCarlo<VectorEnergy>(step: length, leaps: settings.leaps), model)
    case .tempering:
      let inner = Langevin<Path>(step: length * length, isAdjusted: true)
      let ladder = ParallelTempering(inner, rungs: settings.rungs, lowest: settings.flattest)
      return go(ladder, Path(from: FlatEnergy(), to: model))
    }
  }

  /// Where chains came to, [rows, 2], how they went, [moves, rows, 2], and the share of candidates taken, [].
  private struct Walk: Module {
    var end: Tensor
    var trace: Tensor
    var acceptance: Tensor

    mutating func visit(_ visitor: inout Visitor) {
      visitor("end", &end)
      visitor("trace", &trace)
      visitor("acceptance", &acceptance)
    }
  }

  public func step(_ state: inout State, _ batch: Tensor, _ key: RandomKey) -> [String: Tensor] {
    let walk = walk(state.trained.model, from: state.chains, moves: settings.moves, key)
    state.chains = walk.end
    let own = walk.end.sliced(0, 0..<settings.chains)
    let (loss, gradient) = valueAndGradient(at: state.trained.model) {
      ContrastiveDivergence().loss($0, data: batch, chains: own)
    }
    let (clipped, norm) = gradient.clipped(toGlobalNorm: 5)
    state.trained.optimizer.update(&state.trained.model, along: clipped)
    state.trained.average = state.trained.average?.zipTensors(state.trained.model) {
      $0 + ($1 - $0) * 0.005
    }
    return ["loss": loss, "grad_norm": norm, "acceptance": walk.acceptance]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Metric] {
    let model = state.trained.best
    let held = data.heldOut.batch(Array(0..<data.heldOut.count))
    let nats = model.energy(held).mean().scalar + PlaneEnergy.logPartition(of: model)
    let traces = traces(state, key)
    return [
      Self.method.goal.measured(
        nats, note: "\(data.measuredOn) of \(points.truth); its constant by quadrature")
    ] + ChainTraces(numbers: traces.trace.element(2, 0)).metrics("the first coordinate") + [
      Metric(
        name: "acceptance", value: 100 * traces.acceptance.scalar, unit: "%", kind: .estimate,
        note: "of candidates of \(settings.sampler.rawValue) chains")
    ]
  }

  /// The chains as they go on in the finished model, those of the model's own rung.
  private func traces(_ state: State, _ key: RandomKey) -> (trace: Tensor, acceptance: Tensor) {
    let walk = walk(state.trained.best, from: state.chains, moves: 500, key)
    return (walk.trace.sliced(1, 0..<min(64, settings.chains)), walk.acceptance)
  }

  /// The chains of the training, moved on, a point a line.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: settings.chains) { count, key in
        PlanePoints.lines(
          walk(state.trained.best, from: state.chains, moves: 200, key).end.sliced(0, 0..<count))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] {
    let model = state.trained.best
    let logZ = PlaneEnergy.logPartition(of: model)
    let trace = traces(state, key).trace
    let own = state.chains.sliced(0, 0..<min(600, settings.chains))
    return points.figures(data, samples: own) { (-model.energy($0) - logZ).exp() } + [
      .pictures(
        PictureGrid(
          pictures: ChainTraces(numbers: trace.element(2, 0)).pictures(8),
          subject: "traces of Markov chains",
          note: "the first coordinate of eight \(settings.sampler.rawValue) chains over 500 moves"))
    ]
  }

  public func export(_ state: State) -> Export {
    Export(
      model: state.trained.model, average: state.trained.average, configuration: sizes)
  }
}
