public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A flow that learns a distribution in the plane.
public struct RealNVP2D: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 20_000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "two-spirals"
    public var couplings = 12
    public var hidden = [64, 64]
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("couplings", couplings, 1...128),
        Limit("hidden", hidden, each: 1...8192, count: 0...16),
      ]
    }
  }

  public static let method = Method(
    name: "realnvp-2d", title: "RealNVP in the plane", family: "Flows",
    idea: "Bends a round cloud of points, without tearing it, into the shape of the data.",
    formula: "log p(x) = log N(f(x)) + log | det frac{∂f}{∂x} |", data: "plane",
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
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: 5, averageDecay: 0.995)
  }

  private var sizes: RealNVPConfiguration {
    .init(width: 2, couplings: settings.couplings, hidden: settings.hidden)
  }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> RealNVP {
    RealNVP(sizes, key: key)
  }

  public func optimizer(for model: RealNVP) -> Adam<RealNVP> { Adam(for: model) }

  public func loss(
    _ model: inout RealNVP, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": -model.logProbability(of: points).mean()]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<Examples<Tensor>>
  ) -> [Metric] {
    [
      Self.method.goal.measured(
        means["loss"] ?? .nan, note: "\(data.measuredOn) of \(points.truth)")
    ]
  }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 10_000) { count, key in
        PlanePoints.lines(state.best.inverse(key.normal([count, 2])))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] {
    let model = state.best
    return points.figures(data, samples: model.inverse(key.normal([600, 2]))) {
      model.logProbability(of: $0).exp()
    }
  }

  public func configuration(of model: RealNVP) -> any Encodable { sizes }
}
