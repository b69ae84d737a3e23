internal import Datasets
public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A flow that learns a distribution in the plane.
public struct RealNVP2D: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 20_000
    public var batchSize = 512
    /// A toy distribution, such as "two-moons" or "eight-gaussians".
    public var data = "two-spirals"
    public var couplings = 12
    public var hidden = [64, 64]
    public var learningRate = LearningRate(2e-3, .cosine, warmup: 50)

    public var limits: [Limit] {
      [
        Limit("couplings", couplings, 1...128),
        Limit("hidden", hidden, each: 1...8192, count: 0...16),
      ]
    }
  }

  public static let method = Method(
    name: "realnvp-2d", title: "RealNVP in the plane", family: "Flows",
    idea: "Bends a round cloud of points, without tearing it, into the shape of the data.",
    formula: "log p(x) = log N(f(x)) + log | det frac{∂f}{∂x} |", data: "plane",
    goal: .init("nats per point", unit: "nats/point", kind: .exact, group: "plane"))
  public static let defaults = Settings()

  public let settings: Settings
  private let distribution: ToyDistribution

  public init(_ settings: Settings) throws {
    guard let distribution = ToyDistribution(rawValue: settings.data) else {
      throw UnknownDistribution(name: settings.data)
    }
    self.settings = settings
    self.distribution = distribution
  }

  struct UnknownDistribution: Error, CustomStringConvertible {
    let name: String
    var description: String {
      let known = ToyDistribution.allCases.map(\.rawValue).joined(separator: ", ")
      return "data: there is no distribution \"\(name)\" in the plane; there are \(known)."
    }
  }

  public func data() -> DataSplit<Examples<Tensor>> {
    func points(_ count: Int, _ seed: UInt64) -> Examples<Tensor> {
      let points = distribution.sample(count, seed: seed)
      return Examples(count) { indices in
        Tensor(indices.flatMap { points[2 * $0..<2 * $0 + 2] }, shape: [indices.count, 2])
      }
    }
    return DataSplit(
      training: points(200_000, 1), heldOut: points(20_000, 2), heldOutName: "held-out points")
  }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: 5, averageDecay: 0.995)
  }

  private var sizes: RealNVPConfiguration {
    .init(width: 2, couplings: settings.couplings, hidden: settings.hidden)
  }

  public func model(_ data: DataSplit<Examples<Tensor>>, _ key: RandomKey) -> RealNVP {
    RealNVP(sizes, key: key)
  }

  public func optimizer(for model: RealNVP) -> Adam<RealNVP> { Adam(for: model) }

  public func loss(
    _ model: inout RealNVP, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": -model.logProbability(of: points).mean()]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<Examples<Tensor>>
  ) -> [Metric] {
    // What the distribution itself gives the first held-out points.
    let points = distribution.sample(2000, seed: 2)
    let truth =
      stride(from: 0, to: points.count, by: 2).map {
        -distribution.logDensity(x: Double(points[$0]), y: Double(points[$0 + 1]))
      }.reduce(0, +) / Double(points.count / 2)
    let rounded = (truth * 100).rounded() / 100
    return [
      Self.method.goal.measured(
        means["loss"] ?? .nan,
        note: "\(data.measuredOn) of \(settings.data), whose own density gives \(rounded)")
    ]
  }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 10_000) { count, key in
        let points = state.best.inverse(key.normal([count, 2])).floats()
        return (0..<count).map { "\(points[2 * $0]) \(points[2 * $0 + 1])" }
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] {
    let (side, limit) = (160, 4.5)
    let step = 2 * limit / Double(side)
    let places = (0..<side).map { (Double($0) + 0.5) * step - limit }
    let grid = places.reversed().flatMap { y in places.flatMap { x in [Float(x), Float(y)] } }
    let density = state.best.logProbability(of: Tensor(grid, shape: [side * side, 2])).exp()
    let samples = state.best.inverse(key.normal([600, 2])).doubles()
    return [data.heldOut.batch(Array(0..<600)).doubles(), samples].enumerated().map { i, points in
      .density(
        DensityMap(
          points: stride(from: 0, to: points.count, by: 2).map {
            .init(x: points[$0], y: points[$0 + 1])
          }, limit: limit, density: density.floats(), side: side,
          note: i == 0 ? settings.data : "points drawn from the model"))
    }
  }

  public func configuration(of model: RealNVP) -> any Encodable { sizes }
}
