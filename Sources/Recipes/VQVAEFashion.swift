public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// Pictures of clothes as maps of 49 codes, and a GPT that learns which codes follow which.
public struct VQVAEFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 2000
    public var batchSize = 64
    /// Entries of the codebook, and their width.
    public var codes = 64
    public var codeWidth = 16
    /// Whether gradients train the codebook, instead of moving averages.
    public var trainsCodebook = false
    /// How strongly the encoder is drawn to the codes, beside the likelihood of one pixel.
    public var commitment = 2.0
    /// Logistic distributions that a grey pixel mixes.
    public var components = 3
    /// The prior's width and layers; its heads are 32 numbers wide.
    public var priorWidth = 128
    public var priorLayers = 2
    public var learningRate = LearningRate(4e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("codes", codes, 1...65_536), Limit("code_width", codeWidth, 1...4096),
        Limit("commitment", commitment, 0...1e6), Limit("components", components, 1...64),
        Limit(
          "prior_width", priorWidth, takes: "a multiple of 32 up to 4096",
          when: (32...4096).contains(priorWidth) && priorWidth % 32 == 0),
        Limit("prior_layers", priorLayers, 1...64),
      ]
    }
  }

  /// Both are trained at once; no gradient of the prior reaches the codes.
  public struct Model: Module {
    public var autoencoder: VQVAE
    public var prior: SequenceGPT

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("autoencoder", &autoencoder)
      visitor("prior", &prior)
    }
  }

  /// What `config.json` says.
  private struct Sizes: Encodable {
    let autoencoder: VQVAEConfiguration
    let prior: GPTConfiguration
  }

  public static let method = Method(
    name: "vqvae-fashion", title: "VQ-VAE with a GPT", family: "Autoencoders",
    idea:
      "Writes every picture in 49 letters of an alphabet that it makes up, and learns to spell new pictures.",
    formula: "z_q = e_k, ; k = argmin_j | z(x) − e_j |, ; log p(x); ≥ log p(x | z_q) + log p(z_q)",
    data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .upperBound, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update { Update(settings.learningRate, steps: settings.steps) }

  private var sizes: Sizes {
    let autoencoder = VQVAEConfiguration(
      codes: settings.codes, codeWidth: settings.codeWidth,
      decay: settings.trainsCodebook ? nil : 0.99,
      output: .logistic(components: settings.components))
    return Sizes(
      autoencoder: autoencoder,
      prior: GPTConfiguration(
        vocabulary: settings.codes, context: 49, width: settings.priorWidth,
        layers: settings.priorLayers, heads: settings.priorWidth / 32))
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> Model {
    Model(
      autoencoder: VQVAE(sizes.autoencoder, key: key.fork(0)),
      prior: SequenceGPT(
        alphabet: settings.codes, sizes.prior, length: 49, key: key.fork(1)))
  }

  public func optimizer(for model: Model) -> Adam<Model> { Adam(for: model) }

  public func loss(
    _ model: inout Model, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let objective = QuantizedReconstruction(commitment: settings.commitment)
    let terms = objective(&model.autoencoder, bytes, phase)
    let prior = model.prior.logProbability(of: terms.codes)
    let bound = (terms.logLikelihood + prior).mean()
    return [
      "loss": terms.loss - prior.mean() / 49, "bits": (-bound).bitsPerDimension(784),
      "error": terms.error, "code_nats": -prior.mean() / 49,
      "perplexity": model.autoencoder.quantizer.perplexity(of: terms.codes),
    ]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    func exact(_ name: String, _ key: String, _ unit: String, _ note: String) -> Metric {
      Metric(
        name: name, value: means[key] ?? .nan, unit: unit, kind: .exact,
        note: "\(data.measuredOn)\(note)")
    }
    return [
      Self.method.goal.measured(means["bits"] ?? .nan, note: "\(data.measuredOn), 8-bit pixels"),
      exact("squared error", "error", "per pixel", ", levels 0 to 1"),
      exact("perplexity of the codes", "perplexity", "codes", ", in a batch"),
      exact("codes by the prior", "code_nats", "nats/code", ""),
    ]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 500) { drawn(state, $0, $1) })
  }

  /// Pictures of codes that the prior draws.
  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    let codes = SymbolSampler()(state.best.prior, count: count, key).reshaped([count, 7, 7])
    return state.best.autoencoder.pictures(of: codes).pictures()
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let given = data.heldOut.first(10)
    let model = state.best.autoencoder
    let found = model.pictures(of: model.codes(of: given)).pictures()
    return [
      .pictures(
        PictureGrid(
          pictures: drawn(state, 40, key), subject: "generated pictures of clothes",
          note: "codes drawn by the prior")),
      .rows(
        PictureRows(
          rows: [
            .init(label: "Original", pictures: (given.cast(to: .float32) / 255).pictures()),
            .init(label: "Drawn from its codes", pictures: found),
          ], caption: "Held-out pictures and what 49 of \(settings.codes) codes tell of them.")),
    ]
  }

  public func configuration(of model: Model) -> any Encodable { sizes }
}
