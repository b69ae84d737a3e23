public import Layers
public import Models
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A PixelCNN++ of pictures of clothes in 256 levels of grey.
public struct PixelCNNPlusPlusFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 1500
    public var batchSize = 32
    public var filters = 32
    /// Gated layers of each resolution, down and up.
    public var layers = 2
    /// 1 to 3: each halves the picture once more.
    public var resolutions = 3
    /// Logistic distributions that a pixel mixes.
    public var components = 5
    public var dropout = 0.0
    /// The most pictures that the model is measured on; during the training at most 1000.
    public var measured = 10_000
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 20)

    public var limits: [Limit] {
      [
        Limit("filters", filters, 1...1024), Limit("layers", layers, 1...32),
        Limit("measured", measured, 1...10_000),
        Limit("resolutions", resolutions, 1...3), Limit("components", components, 1...64),
        Limit(
          "dropout", dropout, takes: "0 to less than 1", when: dropout >= 0 && dropout < 1),
      ]
    }
  }

  public static let method = Method(
    name: "pixelcnnpp-fashion", title: "PixelCNN++", family: "Autoregressive models",
    idea:
      "Paints a picture pixel by pixel, looking at what is there at three sizes, and guesses grey levels by smooth bumps.",
    formula:
      "p(x_i | x_{<i}) = ∑_k π_k [σ(frac{x_i + ½ − μ_k}{s_k}) − σ(frac{x_i − ½ − μ_k}{s_k})]",
    data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .exact, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> {
    try .fashionMNIST(tuning: min(1000, settings.measured), test: settings.measured)
  }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: 100, averageDecay: 0.995)
  }

  private var sizes: PixelCNNPlusPlusConfiguration {
    .init(
      height: 28, width: 28, mixture: .init(components: settings.components),
      filters: settings.filters, layers: settings.layers, resolutions: settings.resolutions,
      dropout: settings.dropout)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> PixelCNNPlusPlus {
    var model = PixelCNNPlusPlus(sizes, key: key)
    model.initialize(by: data.training.first(64))
    return model
  }

  public func optimizer(for model: PixelCNNPlusPlus) -> Adam<PixelCNNPlusPlus> { Adam(for: model) }

  public func loss(
    _ model: inout PixelCNNPlusPlus, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": -model.logProbability(of: bytes, phase).mean().bitsPerDimension(784)]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    PixelRecipes.pictures(PictureSampler.draw(state.best, count: count, key), levels: 256)
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] { [PixelRecipes.grid(drawn(state, 40, key))] }

  public func codec(_ state: State, _ data: DataSplit<FashionPictures>) -> RecipeCodec? {
    PixelRecipes.codec(state.best, data.heldOut, levels: 256)
  }

  public func configuration(of model: PixelCNNPlusPlus) -> any Encodable { sizes }
}
