public import Layers
public import Models
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// A GPT over the pixels of pictures of clothes, row by row.
public struct PixelTransformer: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 400
    public var batchSize = 16
    /// Levels of grey.
    public var levels = 8
    public var width = 128
    public var layers = 4
    public var heads = 4
    public var dropout = 0.0
    /// The most pictures that the model is measured on; during the training at most 1000.
    public var measured = 10_000
    public var learningRate = LearningRate(1e-3, .cosine, warmup: 40)

    public var limits: [Limit] {
      [
        Limit("levels", levels, 2...256), Limit("width", width, 1...8192),
        Limit("layers", layers, 1...128), Limit("measured", measured, 1...10_000),
        Limit("heads", heads, 1...256),
        Limit(
          "heads", heads, takes: "a divisor of width, \(width)",
          when: heads > 0 && width % heads == 0),
        Limit(
          "dropout", dropout, takes: "0 to less than 1", when: dropout >= 0 && dropout < 1),
      ]
    }
  }

  public static let method = Method(
    name: "pixel-transformer", title: "Transformer over pixels", family: "Autoregressive models",
    idea: "Reads a picture like a text and guesses every pixel from all those before it.",
    formula: "log p(x) = ∑_i log p(x_i | x_{<i}), ; softmax(frac{Q K^T}{sqrt{d}}) V",
    data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .exact))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> {
    try .fashionMNIST(tuning: min(1000, settings.measured), test: settings.measured)
  }

  public var update: Update { Update(settings.learningRate, steps: settings.steps, clip: 1) }

  private var sizes: GPTConfiguration {
    GPTConfiguration(
      vocabulary: settings.levels + 1, context: 784, width: settings.width,
      layers: settings.layers, heads: settings.heads, dropout: settings.dropout)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> SequenceGPT {
    SequenceGPT(alphabet: settings.levels, sizes, length: 784, key: key)
  }

  public func optimizer(for model: SequenceGPT) -> Adam<SequenceGPT> {
    AdamW(for: model, betas: (0.9, 0.95), weightDecay: 0.1, decays: .matrices)
  }

  public func loss(
    _ model: inout SequenceGPT, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let symbols = bytes.levels(settings.levels).flattened(1..<4)
    let loss = crossEntropy(model.logits(of: symbols, phase), symbols)
    return ["loss": loss * (1 / 0.6931471805599453)]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let bits = means["loss"] ?? .nan
    if settings.levels == 2 {
      let goal = Method.Goal(
        "negative log likelihood", unit: "nats", kind: .exact, group: PixelGroup.binary)
      return PixelRecipes.binaryMetrics(bits * 784 * 0.6931471805599453, goal, on: data)
    }
    return [
      Metric(
        name: "bits per dimension", value: bits, unit: "bits/dim", kind: .exact,
        group: settings.levels == 256 ? PixelGroup.grey : nil,
        note: "\(data.measuredOn), \(settings.levels) levels of grey")
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 100) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    PixelRecipes.pictures(
      SymbolSampler()(state.best, count: count, key), levels: settings.levels)
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] { [PixelRecipes.grid(drawn(state, 24, key))] }

  public func codec(_ state: State, _ data: DataSplit<FashionPictures>) -> RecipeCodec? {
    PixelRecipes.codec(state.best, data.heldOut, levels: settings.levels)
  }

  public func configuration(of model: SequenceGPT) -> any Encodable { model.gpt.configuration }
}
