public import Layers
public import Models
public import Optimizers
internal import Reports
public import Tensors
public import Training

/// A flow that learns a distribution in the plane.
public struct RealNVP2D: PlaneFlowRecipe {
  public struct Settings: PlaneSettings {
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
  public let points: PlanePoints

  public init(_ settings: Settings) throws {
    self.settings = settings
    points = try PlanePoints(settings.data)
  }

  private var sizes: RealNVPConfiguration {
    .init(width: 2, couplings: settings.couplings, hidden: settings.hidden)
  }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> RealNVP {
    RealNVP(sizes, key: key)
  }

  public func configuration(of model: RealNVP) -> any Encodable { sizes }
}
