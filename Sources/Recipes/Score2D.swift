public import Layers
public import Models
public import Objectives
public import Optimizers
internal import Reports
public import Tensors
public import Training

/// An energy in the plane whose slope alone is learnt.
public struct Score2D: PlaneEnergyRecipe {
  public struct Settings: PlaneSettings {
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
  public let points: PlanePoints

  public init(_ settings: Settings) throws {
    self.settings = settings
    points = try PlanePoints(settings.data)
  }

  private var sizes: VectorEnergyConfiguration { .init(width: 2, hidden: settings.hidden) }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> VectorEnergy {
    VectorEnergy(sizes, key: key)
  }

  public func loss(
    _ model: inout VectorEnergy, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let objective = ScoreMatching(settings.form, deviation: settings.noise)
    return ["loss": objective.loss(model, points, key)]
  }

  public func configuration(of model: VectorEnergy) -> any Encodable { sizes }
}
