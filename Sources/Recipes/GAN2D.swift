internal import Datasets
public import Layers
public import Models
public import Objectives
public import Optimizers
public import Reports
public import Tensors
public import Training

/// An adversarial game about points of the plane.
public struct GAN2D: AdversarialRecipe {
  public struct Settings: AdversarialSettings {
    public var steps = 3000
    public var batchSize = 256
    /// A toy distribution, such as "eight-points" or "gaussian-grid".
    public var data = "eight-points"
    /// minimax, non_saturating, hinge, wgan or wgan_gp.
    public var loss = AdversarialLoss.wganGP
    public var criticSteps = 5
    public var gradientPenalty = 1.0
    public var clip = 0.01
    public var r1 = 0.0
    public var r1Every = 1
    public var spectralNorm = false
    public var latents = 2
    public var hidden = [128, 128, 128]
    public var learningRate = LearningRate(1e-3, .cosine)
    public var betas = [0.5, 0.9]
    public var averageDecay = 0.99

    public var limits: [Limit] {
      adversarialLimits + [
        Limit("latents", latents, 1...4096),
        Limit("hidden", hidden, each: 1...8192, count: 0...16),
      ]
    }
  }

  public static let method = Method(
    name: "gan-2d", title: "Adversarial game in the plane", family: "Adversarial models",
    idea: "One network makes points, another tells them from the data, and both get better.",
    formula: "min_G max_{‖∇D‖ ≤ 1} E[D(x)] − E[D(G(z))]", data: "plane",
    goal: .init("overlap with the modes", unit: "%", kind: .score, isBetterWhenLarger: true))
  public static let defaults = Settings()

  public let settings: Settings
  private let distribution: ToyDistribution

  public init(_ settings: Settings) throws {
    guard let distribution = ToyDistribution(rawValue: settings.data) else {
      throw PlanePoints.UnknownDistribution(name: settings.data)
    }
    self.settings = settings
    self.distribution = distribution
  }

  public var goal: Method.Goal {
    guard distribution.modes == nil else { return Self.method.goal }
    return .init("precision", unit: "%", kind: .score, isBetterWhenLarger: true)
  }

  public func data() -> DataSplit<Rounds<Examples<Tensor>>> {
    func points(_ count: Int, _ seed: UInt64) -> Examples<Tensor> {
      let points = distribution.sample(count, seed: seed)
      return Examples(count) { indices in
        Tensor(indices.flatMap { points[2 * $0..<2 * $0 + 2] }, shape: [indices.count, 2])
      }
    }
    let split = DataSplit(
      training: points(200_000, 1), heldOut: points(20_000, 2), heldOutName: "held-out points")
    return split.inRounds(settings.criticSteps)
  }

  private var sizes: PlaneAdversariesConfiguration {
    .init(
      latents: settings.latents, hidden: settings.hidden, spectral: settings.spectralNorm)
  }

  public func generator(_ key: RandomKey) -> PlaneGenerator { PlaneGenerator(sizes, key: key) }
  public func critic(_ key: RandomKey) -> PlaneCritic { PlaneCritic(sizes, key: key) }
  public func real(_ points: Tensor) -> Tensor { points }

  public func made(
    _ generator: inout PlaneGenerator, like points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> Tensor {
    generator(key.normal([points.shape[0], settings.latents]))
  }

  public func score(
    _ critic: inout PlaneCritic, _ x: Tensor, like points: Tensor, _ phase: Phase
  ) -> Tensor {
    critic(x, phase)
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> Tensor {
    state.average.model(key.normal([count, settings.latents]))
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Rounds<Examples<Tensor>>>, _ key: RandomKey
  ) -> [Metric] {
    let points = drawn(state, 10_000, key).evaluated()
    let note = "10,000 points of \(settings.data)"
    func share(_ name: String, _ value: Double) -> Metric {
      Metric(name: name, value: 100 * value, unit: "%", kind: .score, note: note)
    }
    var metrics: [Metric] = []
    if let modes = distribution.modes {
      let coverage = ModeCoverage(
        of: points.doubles(), centers: modes.centers, deviation: modes.deviation, reach: 0.2)
      metrics = [
        Self.method.goal.measured(100 * coverage.overlap, note: note),
        Metric(
          name: "modes reached", value: Double(coverage.reached),
          unit: "of \(coverage.shares.count)", kind: .score, note: note),
        share("within three deviations", coverage.precise),
        share("within 0.2 of a mode", coverage.near),
      ]
    }
    let held = data.heldOut.base.batch(Array(0..<3000))
    let regions = PrecisionRecall(real: held, fake: points.sliced(0, 0..<3000))
    return metrics + [share("precision", regions.precision), share("recall", regions.recall)]
  }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 10_000) { count, key in
        let points = drawn(state, count, key).floats()
        return (0..<count).map { "\(points[2 * $0]) \(points[2 * $0 + 1])" }
      })
  }

  /// How often the model makes points of each place, beside data and beside its points.
  public func figures(
    _ state: State, _ data: DataSplit<Rounds<Examples<Tensor>>>, _ key: RandomKey
  ) -> [Figure] {
    let (side, limit, count) = (90, 4.5, 100_000)
    let points = drawn(state, count, key).doubles()
    var density = [Float](repeating: 0, count: side * side)
    let cell = 2 * limit / Double(side)
    for i in stride(from: 0, to: points.count, by: 2) {
      let (column, row) = ((points[i] + limit) / cell, (limit - points[i + 1]) / cell)
      guard (0..<Double(side)).contains(column), (0..<Double(side)).contains(row) else { continue }
      density[Int(row) * side + Int(column)] += Float(1 / (Double(count) * cell * cell))
    }
    let shown = [data.heldOut.base.batch(Array(0..<600)).doubles(), Array(points.prefix(1200))]
    return shown.enumerated().map { i, points in
      .density(
        DensityMap(
          points: stride(from: 0, to: points.count, by: 2).map {
            .init(x: points[$0], y: points[$0 + 1])
          }, limit: limit, density: density, side: side,
          note: i == 0 ? settings.data : "points drawn from the model"))
    }
  }

  public func export(_ state: State) -> Export {
    Export(model: state.generator, average: state.average.model, configuration: sizes)
  }
}
