public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A variational autoencoder of pictures of clothes.
public struct VAEFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 2500
    public var batchSize = 64
    /// Whether pixels are black and white (a Bernoulli output) instead of 256 grey levels.
    public var binary = false
    /// Logistic distributions that a grey pixel mixes.
    public var components = 3
    public var latents = 16
    public var hidden = 256
    /// The weight of the divergence.
    public var beta = 1.0
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("components", components, 1...64), Limit("latents", latents, 1...4096),
        Limit("hidden", hidden, 1...16_384), Limit("beta", beta, 0...1e6),
      ]
    }
  }

  public static let method = Method(
    name: "vae-fashion", title: "Variational autoencoder", family: "Autoencoders",
    idea:
      "Describes every picture by a few numbers with their uncertainty, and draws pictures of such numbers.",
    formula: "log p(x); ≥ E_{q(z|x)}[log p(x|z)]; − KL(q(z|x) ‖ p(z))", data: "fashion-mnist",
    goal: .init("bits per dimension", unit: "bits/dim", kind: .upperBound, group: PixelGroup.grey))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> { try .fashionMNIST() }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) })
  }

  private var sizes: VariationalAutoencoderConfiguration {
    .init(
      hidden: settings.hidden, latents: settings.latents,
      output: settings.binary ? .bernoulli : .logistic(components: settings.components))
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> VariationalAutoencoder
  {
    VariationalAutoencoder(sizes, key: key)
  }

  public func optimizer(for model: VariationalAutoencoder) -> Adam<VariationalAutoencoder> {
    Adam(for: model)
  }

  /// Pixels as the output's distribution has them.
  private func pixels(_ bytes: Tensor) -> Tensor { settings.binary ? bytes.binarized() : bytes }

  public func loss(
    _ model: inout VariationalAutoencoder, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let terms = EvidenceLowerBound(beta: settings.beta)(model, pixels(bytes), key)
    let (bound, divergence) = (-terms.bound.mean(), terms.divergence.mean())
    let nats = divergence - terms.reconstruction.mean()
    return [
      "loss": bound, "divergence": divergence, "nats": nats, "bits": nats.bitsPerDimension(784),
    ]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let (bits, nats) = (means["bits"] ?? .nan, means["nats"] ?? .nan)
    let group = settings.binary ? PixelGroup.binary : PixelGroup.grey
    let note = "\(data.measuredOn), \(settings.binary ? "pixels black or white" : "8-bit pixels")"
    let inBits = Metric(
      name: "bits per dimension", value: bits, unit: "bits/dim", kind: .upperBound, group: group,
      note: note)
    let inNats = Metric(
      name: "negative bound", value: nats, unit: "nats", kind: .upperBound, group: group,
      note: note)
    return settings.binary ? [inNats, inBits] : [inBits, inNats]
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 500) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    state.best.pictures(key.normal([count, settings.latents])).pictures()
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] {
    let model = state.best
    let samples = drawn(state, 40, key)
    let given = pixels(data.heldOut.first(10))
    let shown = given.cast(to: .float32) * (settings.binary ? 1 : 1.0 / 255)
    let codes = model.posterior(given).mean
    let steps = (0..<8).map { Double($0) / 7 }
    let walks = (0..<4).map { row in
      let (from, to) = (codes.sliced(0, row..<row + 1), codes.sliced(0, row + 4..<row + 5))
      let path = concatenate(steps.map { from + (to - from) * $0 })
      return PictureRows.Row(label: "", pictures: model.pictures(path).pictures())
    }
    return [
      .pictures(
        PictureGrid(
          pictures: samples, subject: "generated pictures of clothes",
          note: "expected grey levels of codes drawn from the prior")),
      .rows(
        PictureRows(
          rows: [
            .init(label: "Original", pictures: shown.pictures()),
            .init(label: "Drawn from its code", pictures: model.pictures(codes).pictures()),
          ], caption: "Held-out pictures and what \(settings.latents) numbers tell of them.")),
      .rows(
        PictureRows(
          rows: walks, framesEnds: true,
          caption: "Straight ways between the codes of two held-out pictures.")),
    ]
  }

  public func configuration(of model: VariationalAutoencoder) -> any Encodable { sizes }
}
