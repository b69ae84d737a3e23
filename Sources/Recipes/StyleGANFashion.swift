internal import Foundation
public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A generator of styles for pictures of clothes.
public struct StyleGANFashion: AdversarialRecipe {
  public struct Settings: AdversarialSettings {
    public var steps = 4000
    public var batchSize = 32
    /// minimax, non_saturating, hinge, wgan or wgan_gp.
    public var loss = AdversarialLoss.nonSaturating
    public var criticSteps = 1
    public var gradientPenalty = 10.0
    public var clip = 0.01
    public var r1 = 1.0
    public var r1Every = 16
    /// The weight of the penalty on uneven path lengths; 0: none.
    public var pathLength = 2.0
    public var pathLengthEvery = 4
    /// How often two styles are mixed in one picture.
    public var mixing = 0.9
    public var latents = 64
    public var styleWidth = 64
    public var mappingLayers = 4
    /// Channels of each level, from the coarsest of 7 pixels.
    public var widths = [64, 32, 16]
    public var learningRate = LearningRate(2.5e-3)
    public var betas = [0.0, 0.99]
    /// The generator's average forgets half after so many thousand pictures.
    public var averageHalfLife = 10.0
    /// How far from the mean style pictures are drawn: 1 is all of the way.
    public var truncation = 0.7
    /// The run of resnet-fashion whose features made pictures are compared by; else a small one is trained for it.
    public var features: String?
    public var featureSteps = 500
    /// Pictures that are made for the comparison.
    public var evaluated = 5000

    public var averageDecay: Double {
      pow(0.5, Double(batchSize) / (1000 * max(averageHalfLife, 1e-3)))
    }

    public var limits: [Limit] {
      adversarialLimits + [
        Limit("path_length", pathLength, 0...1e6),
        Limit("path_length_every", pathLengthEvery, 1...1_000_000), Limit("mixing", mixing, 0...1),
        Limit("latents", latents, 1...4096), Limit("style_width", styleWidth, 1...4096),
        Limit("mapping_layers", mappingLayers, 1...32),
        Limit("widths", widths, each: 1...1024, count: 1...3),
        Limit("average_half_life", averageHalfLife, 1e-3...1e9),
        Limit("truncation", truncation, 0...2), Limit("feature_steps", featureSteps, 1...100_000),
        Limit("evaluated", evaluated, 10...10_000),
      ]
    }
  }

  public static let method = Method(
    name: "stylegan-fashion", title: "StyleGAN", family: "Adversarial models",
    idea: "Turns noise into styles, which say on every level of detail how a picture is drawn.",
    formula: "w = f(z); x = g(w_1, …, w_L, noise)", data: "fashion-mnist",
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

  public func data() throws -> DataSplit<Rounds<FashionPictures>> {
    try DataSplit<FashionPictures>.fashionMNIST().inRounds(settings.criticSteps)
  }

  private var sizes: StyleGANConfiguration {
    .init(
      size: 28, channels: 1, latents: settings.latents, styleWidth: settings.styleWidth,
      mappingLayers: settings.mappingLayers, widths: settings.widths)
  }

  public func generator(_ key: RandomKey) -> StyleGenerator { StyleGenerator(sizes, key: key) }
  public func critic(_ key: RandomKey) -> StyleDiscriminator { StyleDiscriminator(sizes, key: key) }
  public func real(_ bytes: Tensor) -> Tensor { bytes.aroundZero() }

  public func made(
    _ generator: inout StyleGenerator, like bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> Tensor {
    let styles = mixedStyles(&generator, bytes.shape[0], phase, key)
    return generator.pictures(styles, phase.fork(2))
  }

  /// Styles of which a share changes to another one at a random place.
  private func mixedStyles(
    _ generator: inout StyleGenerator, _ count: Int, _ phase: Phase, _ key: RandomKey
  ) -> Tensor {
    let noise = key.fork(0).normal([count, settings.latents])
    let styles = generator.styles(of: noise, phase.fork(0))
    guard settings.mixing > 0 else { return styles }
    let others = generator.styles(
      of: key.fork(1).normal([count, settings.latents]), .inference)
    let all = sizes.styles
    let places = key.fork(2).integers(below: all - 1, [count]) + .ones([count], .int32)
    let isMixed = key.fork(3).bernoulli(settings.mixing, [count])
    let crossover = select(isMixed, places, .fill(integer: Int64(all), [count], .int32))
    return generator.mixed(styles, others, crossover: crossover)
  }

  public func score(
    _ critic: inout StyleDiscriminator, _ x: Tensor, like bytes: Tensor, _ phase: Phase
  ) -> Tensor {
    critic(x, phase)
  }

  public var generatorPenaltyEvery: Int? {
    settings.pathLength > 0 ? settings.pathLengthEvery : nil
  }

  /// Half a batch's path lengths, as in the authors' code.
  public func penalty(
    _ generator: inout StyleGenerator, pathLength: Tensor, _ key: RandomKey
  ) -> (penalty: Tensor, pathLength: Tensor)? {
    let count = max(1, settings.batchSize / 2)
    let styles = mixedStyles(&generator, count, .inference, key.fork(0))
    let fixed = generator
    let lengths = PathLength.lengths(styles, key.fork(1)) {
      fixed.pictures($0, .training(key.fork(2)))
    }
    let (penalty, mean) = PathLength()(lengths: lengths, mean: pathLength)
    return (penalty * settings.pathLength, mean)
  }

  /// Styles, [count, styles, width], as far from the mean as a share says.
  private func styles(
    _ generator: StyleGenerator, _ count: Int, _ key: RandomKey, truncation: Double
  ) -> Tensor {
    var generator = generator
    let styles = generator.styles(of: key.normal([count, settings.latents]), .inference)
    return generator.truncated(styles, to: truncation)
  }

  /// Pictures of values −1 … 1.
  private func drawn(
    _ state: State, _ count: Int, _ key: RandomKey, truncation: Double
  ) -> Tensor {
    let generator = state.average.model
    let styles = styles(generator, count, key.fork(0), truncation: truncation)
    return generator.pictures(styles, .training(key.fork(1)))
  }

  /// Truncated pictures are better and less different: what is measured is not truncated.
  public func evaluate(
    _ state: State, _ data: DataSplit<Rounds<FashionPictures>>, _ key: RandomKey
  ) -> [Metric] {
    comparison.metrics(data.heldOut.base, data.heldOutName) {
      drawn(state, $0, key.fork($1), truncation: 1)
    }
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(
      request.inParts(of: 250) { count, key in
        drawn(state, count, key, truncation: settings.truncation).signedPictures()
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Rounds<FashionPictures>>, _ key: RandomKey
  ) -> [Figure] {
    let made = drawn(state, 40, key.fork(0), truncation: settings.truncation).evaluated()
    return [
      .pictures(
        PictureGrid(
          pictures: made.signedPictures(), subject: "generated pictures of clothes",
          note: "styles \(settings.truncation) of the way from their mean")),
      mixtures(state.average.model, key.fork(1)), ways(state.average.model, key.fork(2)),
      data.training.base.nearest(to: made.sliced(0, 0..<10)),
    ]
  }

  /// The coarse styles of the left column with the fine ones of the first row.
  private func mixtures(_ generator: StyleGenerator, _ key: RandomKey) -> Figure {
    let coarse = styles(generator, 5, key.fork(0), truncation: settings.truncation)
    let fine = styles(generator, 8, key.fork(1), truncation: settings.truncation)
    func pictures(_ styles: Tensor) -> [Picture] {
      generator.pictures(styles, .inference).signedPictures()
    }
    let blank = Tensor.ones([1, 28, 28, 1]).signedPictures()
    let rows = (0..<5).map { row in
      let own = coarse.sliced(0, row..<row + 1)
      let mixed = generator.mixed(
        own.broadcast(to: fine.shape), fine, crossover: Tensor([2] as [Int32]))
      return PictureRows.Row(label: "", pictures: pictures(own) + pictures(mixed))
    }
    return .rows(
      PictureRows(
        rows: [.init(label: "Fine styles of", pictures: blank + pictures(fine))] + rows,
        caption: "Coarse styles of the first column with the finer ones of the first row."))
  }

  /// Straight ways between styles.
  private func ways(_ generator: StyleGenerator, _ key: RandomKey) -> Figure {
    let ends = styles(generator, 8, key, truncation: settings.truncation)
    let rows = (0..<4).map { row in
      let (from, to) = (ends.sliced(0, row..<row + 1), ends.sliced(0, row + 4..<row + 5))
      let way = concatenate((0..<8).map { from + (to - from) * (Double($0) / 7) })
      return PictureRows.Row(
        label: "", pictures: generator.pictures(way, .inference).signedPictures())
    }
    return .rows(PictureRows(rows: rows, caption: "Straight ways between two styles."))
  }

  public func export(_ state: State) -> Export {
    Export(model: state.generator, average: state.average.model, configuration: sizes)
  }
}
