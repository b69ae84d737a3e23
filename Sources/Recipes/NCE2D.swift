public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A density in the plane, its constant included, learnt by telling points from noise.
public struct NCE2D: PlaneEnergyRecipe {
  public struct Settings: PlaneSettings {
    public var steps = 4000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "pinwheel"
    /// "binary": is a point data or noise; "ranking": which of several points is data. That learns no constant.
    public var form = NoiseContrast.Form.binary
    /// Draws of noise for each point.
    public var noise = 5
    public var hidden = [128, 128]
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("noise", noise, 1...1000), Limit("hidden", hidden, each: 1...8192, count: 0...16),
      ]
    }
  }

  public static let method = Method(
    name: "nce-2d", title: "Noise-contrastive estimation", family: "Energy-based models",
    idea: "Learns where points are by telling them from noise that it knows.",
    formula: "max E_{data} log σ(G − log ν) + ν E_{noise} log σ(log ν − G)", data: "plane",
    goal: .init("nats per point", unit: "nats/point", kind: .exact, group: "plane"))
  public static let defaults = Settings()

  public let settings: Settings
  public let points: PlanePoints

  public init(_ settings: Settings) throws {
    self.settings = settings
    points = try PlanePoints(settings.data)
  }

  private var sizes: VectorEnergyConfiguration { .init(width: 2, hidden: settings.hidden) }

  public func model(
    _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> NormalizedEnergy<VectorEnergy> {
    NormalizedEnergy(VectorEnergy(sizes, key: key))
  }

  /// Wider than any of the distributions, so that no point of them is beyond it.
  private var noise: DiagonalGaussian {
    DiagonalGaussian(mean: .zeros([2]), logVariance: .fill(1.6, [2]))
  }

  public func loss(
    _ model: inout NormalizedEnergy<VectorEnergy>, _ points: Tensor, _ phase: Phase,
    _ key: RandomKey
  ) -> [String: Tensor] {
    let draws = noise.sample(key, draws: settings.noise * points.shape[0])
    return [
      "loss": NoiseContrast(settings.form).loss(model, noise: noise, data: points, draws: draws)
    ]
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Metric] {
    let goal = measured(state, data)
    if settings.form == .ranking { return [goal] }
    return [
      goal,
      Metric(
        name: "error of log Z", value: -PlaneEnergy.logPartition(of: state.best), unit: "nats",
        kind: .exact, note: "the constant that was learnt, less that by quadrature"),
    ]
  }

  public func configuration(of model: NormalizedEnergy<VectorEnergy>) -> any Encodable { sizes }
}
