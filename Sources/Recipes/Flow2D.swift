public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// Flows of all kinds, which learn a distribution in the plane.
public struct Flow2D: PlaneFlowRecipe {
  public struct Settings: PlaneSettings {
    public var steps = 4000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "checkerboard"
    /// "nice", "realnvp", "maf", "iaf", "spline", "autoregressive-spline" or "continuous".
    public var kind = VectorFlowKind.spline
    /// Couplings or autoregressive layers.
    public var layers = 8
    /// Units of the hidden layers of each of them, or of the field of a continuous flow.
    public var hidden = [64, 64]
    /// Bins of a spline.
    public var bins = 8
    /// Steps of the integration of a continuous flow.
    public var integrationSteps = 8
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("layers", layers, 1...128),
        Limit("hidden", hidden, each: 1...8192, count: 0...16), Limit("bins", bins, 1...256),
        Limit("integration_steps", integrationSteps, 1...1000),
      ]
    }
  }

  public static let method = Method(
    name: "flow-2d", title: "Flows in the plane", family: "Flows",
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

  private var sizes: VectorFlowConfiguration {
    .init(
      kind: settings.kind, width: 2, layers: settings.layers,
      hidden: settings.hidden, bins: settings.bins, integrationSteps: settings.integrationSteps)
  }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> VectorFlow {
    VectorFlow(sizes, key: key)
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<Examples<Tensor>>
  ) -> [Metric] {
    var metric = Self.method.goal.measured(
      means["loss"] ?? .nan,
      note: "\(settings.kind.rawValue), \(data.measuredOn) of \(points.truth)")
    // Its integral is taken in steps of fixed length.
    if settings.kind == .continuous { metric.kind = .estimate }
    return [metric]
  }

  public func configuration(of model: VectorFlow) -> any Encodable { sizes }
}
