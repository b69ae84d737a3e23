public import Layers
public import Models
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A PixelCNN of pictures of clothes, masked or gated, of black and white pixels or of grey levels.
public struct PixelCNNFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 2500
    public var batchSize = 32
    /// Levels of grey: 2 for black and white, 256 for all.
    public var levels = 2
    /// Two stacks of gated units, without a blind spot, instead of masked convolutions.
    public var gated = true
    public var channels = 24
    public var layers = 5
    /// The most pictures that the model is measured on; during the training at most 1000.
    public var measured = 10_000
    public var learningRate = LearningRate(3e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("levels", levels, 2...256), Limit("channels", channels, 1...1024),
        Limit("layers", layers, 1...64), Limit("measured", measured, 1...10_000),
      ]
    }
  }

  public static let method = Method(
    name: "pixelcnn-fashion", title: "PixelCNN", family: "Autoregressive models",
    idea:
      "Paints a picture pixel by pixel from the upper left, each from what convolutions see above and to the left.",
    formula: "p(x) = ∏_i p(x_i | x_{<i}), ; tanh(W_f * x) σ(W_g * x)", data: "fashion-mnist",
    goal: .init("negative log likelihood", unit: "nats", kind: .exact, group: PixelGroup.binary))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> {
    try .fashionMNIST(tuning: min(1000, settings.measured), test: settings.measured)
  }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: 10, averageDecay: 0.995)
  }

  private var sizes: PixelCNNConfiguration {
    .init(
      height: 28, width: 28, levels: settings.levels, channels: settings.channels,
      layers: settings.layers, isGated: settings.gated)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> PixelCNN {
    PixelCNN(sizes, key: key)
  }

  public func optimizer(for model: PixelCNN) -> Adam<PixelCNN> { Adam(for: model) }

  public func loss(
    _ model: inout PixelCNN, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let nats = -model.logProbability(of: bytes.levels(settings.levels)).mean()
    return ["loss": nats, "bits": nats.bitsPerDimension(784)]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let nats = means["loss"] ?? .nan
    if settings.levels == 2 {
      return PixelRecipes.binaryMetrics(nats, Self.method.goal, on: data)
    }
    let group = settings.levels == 256 ? PixelGroup.grey : nil
    return [
      Metric(
        name: "bits per dimension", value: nats / (784 * 0.6931471805599453), unit: "bits/dim",
        kind: .exact, group: group, note: "\(data.measuredOn), \(settings.levels) levels of grey")
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    PixelRecipes.pictures(
      PictureSampler.draw(state.best, count: count, key), levels: settings.levels)
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] { [PixelRecipes.grid(drawn(state, 40, key))] }

  public func codec(_ state: State, _ data: DataSplit<FashionPictures>) -> RecipeCodec? {
    PixelRecipes.codec(state.best, data.heldOut, levels: settings.levels)
  }

  public func configuration(of model: PixelCNN) -> any Encodable { sizes }
}
