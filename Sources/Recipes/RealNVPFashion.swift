public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A multi-scale flow of pictures of clothes.
public struct RealNVPFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 4000
    public var batchSize = 16
    /// Couplings of each scale.
    public var couplings = 6
    /// Channels inside the couplings.
    public var filters = 64
    public var learningRate = LearningRate(8e-3, .cosine, warmup: 100)

    public var limits: [Limit] {
      [Limit("couplings", couplings, 1...64), Limit("filters", filters, 1...1024)]
    }
  }

  public static let method = Method(
    name: "realnvp-fashion", title: "RealNVP", family: "Flows",
    idea:
      "Turns every picture into plain noise, step by step and without loss; run backwards, noise becomes pictures.",
    formula: "log p(x) = log N(f(x)) + log | det frac{∂f}{∂x} |", data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .upperBound, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: 100)
  }

  private var sizes: PictureRealNVPConfiguration {
    .init(couplings: settings.couplings, filters: settings.filters)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> PictureRealNVP {
    let examples = PixelLogit.dequantized(data.training.first(2000), key.fork(1))
    return PictureRealNVP(sizes, examples: examples, key: key.fork(0))
  }

  public func optimizer(for model: PictureRealNVP) -> Adam<PictureRealNVP> { Adam(for: model) }

  public func loss(
    _ model: inout PictureRealNVP, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let nats = -model.logProbability(of: PixelLogit.dequantized(bytes, key)).mean()
    return ["loss": nats, "bits": nats.bitsPerDimension(784)]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    [
      Self.method.goal.measured(
        means["bits"] ?? .nan,
        note: "\(data.measuredOn); exact for pixels with uniform noise, a bound without it")
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { state.best.drawnPictures($1.normal([$0, 784])) })
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    state.best.figures(data, key)
  }

  public func configuration(of model: PictureRealNVP) -> any Encodable { sizes }
}
