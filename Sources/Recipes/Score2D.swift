public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// An energy in the plane whose slope alone is learnt.
public struct Score2D: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 4000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "pinwheel"
    /// "implicit", "sliced" or "denoising".
    public var form = ScoreMatching.Form.denoising
    /// The deviation of the noise that denoising takes off.
    public var noise = 0.1
    public var hidden = [128, 128]
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("noise", noise, 1e-4...10), Limit("hidden", hidden, each: 1...8192, count: 0...16),
      ]
    }
  }

  public static let method = Method(
    name: "score-2d", title: "Score matching", family: "Energy-based models",
    idea: "Learns at every place which way points become more frequent.",
    formula: "min E ‖σ s(x + σ z) + z‖^2", data: "plane",
    goal: .init("nats per point", unit: "nats/point", kind: .exact, group: "plane"))
  public static let defaults = Settings()

  public let settings: Settings
  private let points: PlanePoints

  public init(_ settings: Settings) throws {
    self.settings = settings
    points = try PlanePoints(settings.data)
  }

  public func data() -> DataSplit<Examples<Tensor>> { points.data() }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: 5, averageDecay: 0.995)
  }

  private var sizes: VectorEnergyConfiguration { .init(width: 2, hidden: settings.hidden) }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> VectorEnergy {
    VectorEnergy(sizes, key: key)
  }

  public func optimizer(for model: VectorEnergy) -> Adam<VectorEnergy> { Adam(for: model) }

  public func loss(
    _ model: inout VectorEnergy, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let objective = ScoreMatching(settings.form, deviation: settings.noise)
    return ["loss": objective.loss(model, points, key)]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Metric] {
    let nats = PlaneEnergy.nats(of: state.best, on: data)
    let note = "\(data.measuredOn) of \(points.truth); its constant by quadrature"
    return [Self.method.goal.measured(nats, note: note)]
  }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 1000) { count, key in
        PlanePoints.lines(PlaneEnergy.samples(of: state.best, count: count, key))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] { PlaneEnergy.figures(of: state.best, points, data, key) }

  public func configuration(of model: VectorEnergy) -> any Encodable { sizes }
}
