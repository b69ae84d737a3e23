public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// Deep energies of pictures of clothes, drawn by short Langevin chains.
public struct EnergyFashion: Recipe {
  public struct Settings: RecipeSettings {
    public var steps = 3000
    public var batchSize = 64
    /// Widths of the pictures that have an energy each, every one a multiple of the one before, up to 28. Chains begin
    /// at the coarser grid's sample; those of [28] at pictures of one grey.
    public var grids = [7, 14, 28]
    /// Filters of each grid's convolutions.
    public var filters = [32, 64, 64]
    /// Langevin moves on each grid, ε of each, and the temperature of their noise.
    public var moves = 20
    public var stepLength = 0.02
    public var temperature = 0.01
    public var learningRate = LearningRate(2e-4, .cosine, warmup: 100)

    public var limits: [Limit] {
      let isLadder =
        grids.last == 28 && grids.allSatisfy { $0 > 0 }
        && zip(grids, grids.dropFirst()).allSatisfy { $0 < $1 && $1 % $0 == 0 }
      return [
        Limit(
          "grids", grids, takes: "widths up to 28, each a multiple of the one before",
          when: isLadder),
        Limit("filters", filters, each: 1...1024), Limit("moves", moves, 1...10_000),
        Limit("step_length", stepLength, 1e-8...10), Limit("temperature", temperature, 0...100),
      ]
    }
  }

  public static let method = Method(
    name: "energy-fashion", title: "Multi-grid energy", family: "Energy-based models",
    idea: "Paints from coarse to fine: each size rolls downhill in an energy of its own.",
    formula: "x ← x − frac{ε}{2} ∇U_g(x) + √{ε T} z", data: "fashion-mnist",
    goal: .init("energy gap", unit: "nats", kind: .estimate))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  /// The energies, their moving average and optimizer, and what pictures of one pixel are drawn from.
  public struct State: Module {
    public var trained: Trained<MultiGrid<PictureEnergy>, Adam<MultiGrid<PictureEnergy>>>
    /// Mean levels of pictures, −1 … 1, [count].
    public var greys: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor.inline(&trained)
      visitor.buffer("greys", &greys)
    }
  }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  private var sizes: MultiGridEnergyConfiguration {
    .init(sizes: settings.grids, filters: settings.filters)
  }

  public func start(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> State {
    let model = MultiGrid(sizes, key: key)
    let pictures = pixels(data.training.first(4096))
    return State(
      trained: Trained(model, Adam(for: model, betas: (0.5, 0.999)), average: model),
      greys: pictures.blockMeans(to: 1).flattened())
  }

  public func learningRate(at step: Int) -> Double? {
    settings.learningRate(step, of: settings.steps)
  }

  public func prepare(_ state: inout State, step: Int) {
    let rate = Float(settings.learningRate(step, of: settings.steps))
    state.trained.optimizer.learningRate = Tensor([rate], shape: [])
  }

  /// Pictures −1 … 1.
  private func pixels(_ bytes: Tensor) -> Tensor { bytes.cast(to: .float32) / 127.5 - 1 }

  private var sampling: MultiGridSampling<PictureEnergy> {
    MultiGridSampling(
      Langevin(step: settings.stepLength, temperature: settings.temperature), moves: settings.moves)
  }

  public func step(_ state: inout State, _ bytes: Tensor, _ key: RandomKey) -> [String: Tensor] {
    let pictures = pixels(bytes)
    let samples = drawn(state.trained.model, state.greys, pictures.shape[0], key.fork(0))
    let noisy = pictures + key.fork(1).normal(pictures.shape, deviation: 0.02)
    let (loss, gradient) = valueAndGradient(at: state.trained.model) {
      ContrastiveDivergence().loss($0, data: noisy, samples: samples)
    }
    let (clipped, norm) = gradient.clipped(toGlobalNorm: 1)
    state.trained.optimizer.update(&state.trained.model, along: clipped)
    state.trained.average = state.trained.average?.zipTensors(state.trained.model) {
      $0 + ($1 - $0) * 0.005
    }
    return ["loss": loss, "grad_norm": norm]
  }

  /// Pictures of every grid, −1 … 1, from greys that are drawn.
  private func drawn(
    _ model: MultiGrid<PictureEnergy>, _ greys: Tensor, _ count: Int, _ key: RandomKey
  ) -> [Tensor] {
    let chosen = key.fork(0).integers(below: greys.count, [count])
    return sampling.samples(
      of: model, from: greys.rows(chosen).reshaped([count, 1, 1, 1]), key.fork(1))
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Metric] {
    let pictures = pixels(data.heldOut.first(500, spread: 7))
    let samples = drawn(state.trained.best, state.greys, 500, key)
    let gap = ContrastiveDivergence().loss(state.trained.best, data: pictures, samples: samples)
      .scalar
    let last = samples[samples.count - 1]
    let spread = (last - last.mean([0])).square().mean().scalar
    let own = (pictures - pictures.mean([0])).square().mean().scalar
    return [
      Self.method.goal.measured(gap, note: "of held-out pictures over samples; 0 where they agree"),
      Metric(
        name: "diversity", value: spread / own, unit: "", kind: .estimate,
        note: "variance of the samples' pixels, in that of \(data.measuredOn)"),
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(
      request.inParts(of: 100) { count, key in
        levels(drawn(state.trained.best, state.greys, count, key).last!)
      })
  }

  /// Pixels −1 … 1 as pictures.
  private func levels(_ x: Tensor) -> [Picture] { (x * 0.5 + 0.5).pictures() }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let grids = drawn(state.trained.best, state.greys, 40, key)
    return [
      .pictures(
        PictureGrid(
          pictures: levels(grids.last!), subject: "generated pictures of clothes",
          note: "\(settings.moves) Langevin moves on each of \(grids.count) grids")),
      .rows(
        PictureRows(
          rows: zip(settings.grids, grids).map { size, x in
            .init(
              label: "\(size) pixels", pictures: levels(x.sliced(0, 0..<8).blocks(to: 28)))
          }, caption: "The same samples on every grid")),
    ]
  }

  public func export(_ state: State) -> Export {
    Export(model: state.trained.model, average: state.trained.average, configuration: sizes)
  }
}
