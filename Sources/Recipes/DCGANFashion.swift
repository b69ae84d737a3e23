public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// An adversarial game of convolutional networks about pictures of clothes.
public struct DCGANFashion: AdversarialRecipe {
  public struct Settings: AdversarialSettings {
    public var steps = 4000
    public var batchSize = 64
    /// minimax, non_saturating, hinge, wgan or wgan_gp.
    public var loss = AdversarialLoss.nonSaturating
    /// Whether both networks are told the class of clothes.
    public var conditional = false
    public var criticSteps = 1
    public var gradientPenalty = 10.0
    public var clip = 0.01
    public var r1 = 0.0
    public var r1Every = 1
    public var spectralNorm = false
    public var latents = 100
    /// Channels of the discriminator after each halving; the generator has them in reverse.
    public var filters = [32, 64]
    public var learningRate = LearningRate(2e-4)
    public var betas = [0.5, 0.999]
    public var averageDecay = 0.995
    /// The run of resnet-fashion whose features made pictures are compared by; else a small one is trained for it.
    public var features: String?
    public var featureSteps = 500
    /// Pictures that are made for the comparison.
    public var evaluated = 5000

    public var limits: [Limit] {
      adversarialLimits + [
        Limit("latents", latents, 1...4096),
        Limit("filters", filters, each: 1...2048, count: 1...2),
        Limit("feature_steps", featureSteps, 1...100_000),
        Limit("evaluated", evaluated, 10...10_000),
      ]
    }
  }

  public static let method = Method(
    name: "dcgan-fashion", title: "Deep convolutional GAN", family: "Adversarial models",
    idea: "One network makes pictures, another tells them from photographs, and both get better.",
    formula: "min_G max_D E[log D(x)] + E[log(1 − D(G(z)))]", data: "fashion-mnist",
    goal: FashionComparison.goal(FashionFeatures.name(steps: 500)))
  public static let defaults = Settings()

  public let settings: Settings
  private let comparison: FashionComparison

  public init(_ settings: Settings) throws {
    self.settings = settings
    comparison = try FashionComparison(
      run: settings.features, steps: settings.featureSteps, count: settings.evaluated)
  }

  public var goal: Method.Goal { comparison.goal }

  public func data() throws -> DataSplit<Rounds<LabeledFashion>> {
    try DataSplit<LabeledFashion>.fashionMNIST().inRounds(settings.criticSteps)
  }

  private var sizes: DCGANConfiguration {
    let norm: DCGANConfiguration.Norm =
      settings.spectralNorm ? .none : settings.looksAtSlopes ? .layer : .batch
    return DCGANConfiguration(
      size: 28, channels: 1, latents: settings.latents, filters: settings.filters,
      classes: settings.conditional ? 10 : nil, norm: norm, spectral: settings.spectralNorm)
  }

  public func generator(_ key: RandomKey) -> DCGANGenerator { DCGANGenerator(sizes, key: key) }
  public func critic(_ key: RandomKey) -> DCGANDiscriminator { DCGANDiscriminator(sizes, key: key) }
  public func real(_ batch: Pair<Tensor, Tensor>) -> Tensor { batch.first.aroundZero() }

  public func made(
    _ generator: inout DCGANGenerator, like batch: Pair<Tensor, Tensor>, _ phase: Phase,
    _ key: RandomKey
  ) -> Tensor {
    generator(
      key.normal([batch.second.shape[0], settings.latents]), labels: batch.second, phase)
  }

  public func score(
    _ critic: inout DCGANDiscriminator, _ x: Tensor, like batch: Pair<Tensor, Tensor>,
    _ phase: Phase
  ) -> Tensor {
    critic(x, labels: batch.second, phase)
  }

  /// Pictures of values −1 … 1, of the classes 0 … 9 in turn.
  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> Tensor {
    var model = state.average.model
    let labels = Tensor((0..<count).map { Int32($0 % 10) })
    return model(key.normal([count, settings.latents]), labels: labels, .inference)
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Rounds<LabeledFashion>>, _ key: RandomKey
  ) -> [Metric] {
    comparison.metrics(data.heldOut.base.pictures, data.heldOutName) {
      drawn(state, $0, key.fork($1))
    }
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 500) { drawn(state, $0, $1).signedPictures() })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Rounds<LabeledFashion>>, _ key: RandomKey
  ) -> [Figure] {
    let made = drawn(state, 40, key).evaluated()
    let pictures = made.signedPictures()
    let names = data.training.base.classNames
    let grid =
      settings.conditional
      ? Figure.classes(
        PictureClasses(
          columns: names.indices.map { name in
            .init(
              name: names[name],
              pictures: stride(from: name, to: 40, by: 10).map { pictures[$0] })
          }))
      : .pictures(PictureGrid(pictures: pictures, subject: "generated pictures of clothes"))
    return [grid, data.training.base.pictures.nearest(to: made.sliced(0, 0..<10))]
  }

  public func export(_ state: State) -> Export {
    Export(model: state.generator, average: state.average.model, configuration: sizes)
  }
}
