public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// Glow on pictures of clothes.
public struct GlowFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 3000
    public var batchSize = 16
    /// Steps of each level: ActNorm, 1×1 convolution, coupling.
    public var flowSteps = 8
    public var levels = 2
    /// Channels inside the couplings.
    public var filters = 64
    /// Whether the noise that makes pixels real numbers is learnt instead of uniform.
    public var learnsNoise = false
    /// Whether pixels pass a logit, as in RealNVP, instead of being taken as they are.
    public var usesLogit = true
    public var learningRate = LearningRate(1e-3, .cosine, warmup: 100)

    public var limits: [Limit] {
      [
        Limit("flow_steps", flowSteps, 1...64), Limit("levels", levels, 1...2),
        Limit("filters", filters, 1...1024),
      ]
    }
  }

  /// The flow, and the noise where it is learnt.
  public struct Model: Module {
    public var flow: Glow
    public var dequantizer: VariationalDequantizer?

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("flow", &flow)
      visitor("dequantizer", &dequantizer)
    }
  }

  public static let method = Method(
    name: "glow-fashion", title: "Glow", family: "Flows",
    idea:
      "Turns pictures into noise without loss, mixing their channels in learnt ways; run backwards, noise becomes pictures.",
    formula: "log p(x) = log N(f(x)) + log | det frac{∂f}{∂x} |, ; W = P L (U + diag(s))",
    data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .upperBound, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: 100)
  }

  private var sizes: GlowConfiguration {
    .init(
      levels: settings.levels, steps: settings.flowSteps, filters: settings.filters,
      alpha: settings.usesLogit ? 0.05 : nil)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> Model {
    let examples = PixelLogit.dequantized(data.training.first(500), key.fork(1))
    let noise =
      settings.learnsNoise ? VariationalDequantizer(channels: 1, key: key.fork(2)) : nil
    return Model(
      flow: Glow(sizes, examples: examples, key: key.fork(0)), dequantizer: noise)
  }

  public func optimizer(for model: Model) -> Adam<Model> { Adam(for: model) }

  public func loss(
    _ model: inout Model, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let bound = DequantizedBound.sample(
      model.flow, bytes, dequantizer: model.dequantizer, key)
    let nats = -bound.mean()
    return ["loss": nats, "bits": nats.bitsPerDimension(784)]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let noise = settings.learnsNoise ? "learnt" : "uniform"
    return [
      Self.method.goal.measured(
        means["bits"] ?? .nan, note: "\(data.measuredOn); a bound by \(noise) noise")
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { state.best.flow.drawnPictures($1.normal([$0, 784])) })
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    state.best.flow.figures(data, key)
  }

  public func configuration(of model: Model) -> any Encodable { sizes }
}
