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
    /// The distribution of a grey pixel: "logistic", of integers, or "gaussian", of pixels with uniform noise.
    public var output = Output.logistic
    /// Logistic distributions that a grey pixel mixes.
    public var components = 3
    public var latents = 16
    public var hidden = 256
    /// The weight of the divergence.
    public var beta = 1.0
    /// What the divergence of each latent may be without any cost.
    public var freeNats = 0.0
    /// Draws of the latents that the bound of the training weighs by importance.
    public var draws = 1
    /// The same for the bound that is measured: the more, the nearer it is to the likelihood.
    public var measuredDraws = 1
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public enum Output: String, Codable, Sendable, CaseIterable { case logistic, gaussian }

    public var limits: [Limit] {
      [
        Limit("components", components, 1...64), Limit("latents", latents, 1...4096),
        Limit("hidden", hidden, 1...16_384), Limit("beta", beta, 0...1e6),
        Limit("free_nats", freeNats, 0...1e6), Limit("draws", draws, 1...1000),
        Limit(
          "draws", draws, takes: "1 unless beta is 1 and free_nats is 0",
          when: draws == 1 || (beta == 1 && freeNats == 0)),
        Limit("measured_draws", measuredDraws, 1...10_000),
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
    let grey: PixelDistribution =
      settings.output == .gaussian ? .gaussian : .logistic(components: settings.components)
    return .init(
      hidden: settings.hidden, latents: settings.latents,
      output: settings.binary ? .bernoulli : grey)
  }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> VariationalAutoencoder
  {
    VariationalAutoencoder(sizes, key: key)
  }

  public func optimizer(for model: VariationalAutoencoder) -> Adam<VariationalAutoencoder> {
    Adam(for: model)
  }

  /// Pixels as the output's distribution has them.
  private func pixels(_ bytes: Tensor, _ key: RandomKey) -> Tensor {
    switch sizes.output {
    case .bernoulli: bytes.binarized()
    case .gaussian: PixelLogit.dequantized(bytes, key)
    default: bytes
    }
  }

  public func loss(
    _ model: inout VariationalAutoencoder, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let pixels = pixels(bytes, key.fork(1))
    let objective = EvidenceLowerBound(beta: settings.beta, freeNats: settings.freeNats)
    let terms = objective(model, pixels, key)
    let divergence = terms.divergence.mean()
    var (loss, nats) = (-terms.bound.mean(), divergence - terms.reconstruction.mean())
    let draws = phase.isTraining ? settings.draws : settings.measuredDraws
    if draws > 1 {
      nats = -EvidenceLowerBound.importanceWeighted(model, pixels, draws: draws, key).mean()
      if phase.isTraining { loss = nats }
    }
    return [
      "loss": loss, "divergence": divergence, "nats": nats, "bits": nats.bitsPerDimension(784),
    ]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<FashionPictures>
  ) -> [Metric] {
    let (bits, nats) = (means["bits"] ?? .nan, means["nats"] ?? .nan)
    let group = settings.binary ? PixelGroup.binary : PixelGroup.grey
    let kind = settings.binary ? "pixels black or white" : "8-bit pixels"
    let draws = settings.measuredDraws
    let note = "\(data.measuredOn), \(kind)" + (draws > 1 ? ", \(draws) draws a picture" : "")
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
    let bytes = data.heldOut.first(10)
    let given = pixels(bytes, key.fork(1))
    let shown = settings.binary ? given : bytes.cast(to: .float32) / 255
    let codes = model.posterior(given).mean
    let walks = walks(between: codes.sliced(0, 0..<8), .line) { model.pictures($0).pictures() }
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
