public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// Autoencoders of pictures of clothes: plain, denoising, sparse, or linear.
public struct AutoencoderFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 5000
    public var batchSize = 128
    /// Units of the layers between a picture and its code.
    public var hidden = [256]
    public var latents = 32
    /// Without activation, the code is that of principal components.
    public var isLinear = false
    /// The deviation of the noise that pictures are given, of grey levels 0 … 1.
    public var noise = 0.0
    /// The weight of the codes' mean absolute value.
    public var sparsity = 0.0
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("hidden", hidden, each: 1...16_384, count: 0...16),
        Limit("latents", latents, 1...16_384), Limit("noise", noise, 0...1e6),
        Limit("sparsity", sparsity, 0...1e6),
      ]
    }
  }

  public static let method = Method(
    name: "autoencoder-fashion", title: "Autoencoder", family: "Autoencoders",
    idea:
      "Squeezes every picture through a few numbers, and learns to find the picture in them again.",
    formula: "| x − d(e(x)) |^2", data: "fashion-mnist",
    goal: .init("squared error", unit: "per pixel", kind: .exact))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update { Update(settings.learningRate, steps: settings.steps) }

  private var sizes: AutoencoderConfiguration {
    .init(
      hidden: settings.hidden, latents: settings.latents,
      activation: settings.isLinear ? .identity : .relu)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> Autoencoder {
    Autoencoder(sizes, key: key)
  }

  public func optimizer(for model: Autoencoder) -> Adam<Autoencoder> { Adam(for: model) }

  /// Grey levels 0 … 1, [batch, pixels].
  private func levels(_ bytes: Tensor) -> Tensor {
    bytes.cast(to: .float32).flattened(1..<4) / 255
  }

  public func loss(
    _ model: inout Autoencoder, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    // What is measured is how well clean pictures are found again.
    let objective = Reconstruction(
      noise: phase.isTraining ? settings.noise : 0, sparsity: settings.sparsity)
    let (loss, error) = objective(model, levels(bytes), key)
    return ["loss": loss, "error": error]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    [
      Self.method.goal.measured(
        means["error"] ?? .nan, note: "\(data.measuredOn), levels 0 to 1")
    ]
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    func pictures(_ x: Tensor) -> [Picture] { x.reshaped([-1, 28, 28, 1]).pictures() }
    let model = state.best
    let given = levels(data.heldOut.first(10))
    let noisy = given + key.normal(given.shape, deviation: settings.noise)
    let rows = [
      ("Original", given), ("With noise", noisy), ("Found again", model(noisy)),
    ].filter { settings.noise > 0 || $0.0 != "With noise" }
    return [
      .rows(
        PictureRows(
          rows: rows.map { .init(label: $0.0, pictures: pictures($0.1)) },
          caption: "Held-out pictures behind \(settings.latents) numbers.")),
      .rows(
        PictureRows(
          rows: walks(between: model.encoder(given.sliced(0, 0..<8)), .line) {
            pictures(model.decoder($0))
          }, framesEnds: true,
          caption: "Straight ways between the codes of two held-out pictures.")),
    ]
  }

  public func configuration(of model: Autoencoder) -> any Encodable { sizes }
}
