public import Layers
public import Models
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A fully visible sigmoid belief net of black and white pictures of clothes.
public struct FVSBNFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 8000
    public var batchSize = 100
    public var learningRate = LearningRate(3e-3, .linear)
  }

  public static let method = Method(
    name: "fvsbn-fashion", title: "Fully visible sigmoid belief net",
    family: "Autoregressive models",
    idea: "Guesses every pixel by a weighted vote of the pixels before it.",
    formula: "p(x_i = 1 | x_{<i}) = σ(b_i + ∑_{j<i} W_{ij} x_j)", data: "fashion-mnist",
    goal: .init("negative log likelihood", unit: "nats", kind: .exact, group: PixelGroup.binary))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update { Update(settings.learningRate, steps: settings.steps) }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> FVSBN {
    FVSBN(means: PixelRecipes.means(data.training))
  }

  public func optimizer(for model: FVSBN) -> Adam<FVSBN> { Adam(for: model) }

  public func loss(
    _ model: inout FVSBN, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": -model.logProbability(of: bytes.binarySequences()).mean()]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    PixelRecipes.binaryMetrics(means["loss"] ?? .nan, Self.method.goal, on: data)
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    PixelRecipes.pictures(SymbolSampler()(state.best, count: count, key))
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] { [PixelRecipes.grid(drawn(state, 40, key))] }

  public func codec(_ state: State, _ data: DataSplit<FashionPictures>) -> RecipeCodec? {
    PixelRecipes.codec(state.best, data.heldOut)
  }

  public func configuration(of model: FVSBN) -> any Encodable { ["length": 784] }
}
