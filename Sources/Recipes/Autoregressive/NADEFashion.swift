public import Layers
public import Models
internal import Objectives
public import Optimizers
public import Reports
internal import Samplers
public import Tensors
public import Training

/// Neural autoregressive models of black and white pictures of clothes: NADE, MADE or EoNADE.
public struct NADEFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 3000
    public var batchSize = 100
    public var kind = Kind.nade
    /// Units of a hidden layer.
    public var hidden = 500
    /// Hidden layers of MADE and EoNADE.
    public var layers = 1
    /// Orders of the pixels whose models MADE and EoNADE mix.
    public var orders = 1
    /// The most pictures that the model is measured on; during the training at most 1000.
    public var measured = 10_000
    public var learningRate = LearningRate(2e-3, .linear)

    public var limits: [Limit] {
      [
        Limit("hidden", hidden, 1...16_384), Limit("layers", layers, 1...16),
        Limit("orders", orders, 1...1024), Limit("measured", measured, 1...10_000),
        Limit(
          "orders", orders, takes: "1 for a nade, which has one order",
          when: kind != .nade || orders == 1),
      ]
    }
  }

  public enum Kind: String, Codable, Sendable, CaseIterable { case nade, made, eonade }

  /// One of the three.
  public struct Model: Module {
    public var nade: NADE?
    public var made: MADE?
    public var eonade: EoNADE?

    public mutating func visit(_ visitor: inout Visitor) {
      visitor.inline(&nade)
      visitor.inline(&made)
      visitor.inline(&eonade)
    }
  }

  public static let method = Method(
    name: "nade-fashion", title: "Neural autoregressive distribution estimator",
    family: "Autoregressive models",
    idea:
      "Guesses every pixel by a small network that all pixels share and that has seen the pixels before it.",
    formula: "p(x_i = 1 | x_{<i}) = σ(b_i + V_i · σ(c + W_{<i} x_{<i}))", data: "fashion-mnist",
    goal: .init("negative log likelihood", unit: "nats", kind: .exact, group: PixelGroup.binary))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<FashionPictures> {
    try .fashionMNIST(tuning: min(1000, settings.measured), test: settings.measured)
  }

  public var update: Update { Update(settings.learningRate, steps: settings.steps) }

  private var layers: [Int] { [Int](repeating: settings.hidden, count: settings.layers) }

  public func model(_ data: DataSplit<FashionPictures>, _ key: RandomKey) -> Model {
    let means = PixelRecipes.means(data.training)
    return switch settings.kind {
    case .nade:
      Model(nade: NADE(.init(length: 784, hidden: settings.hidden), means: means, key: key))
    case .made:
      Model(
        made: MADE(
          .init(length: 784, hidden: layers, orders: settings.orders), means: means, key: key))
    case .eonade:
      Model(
        eonade: EoNADE(
          .init(length: 784, hidden: layers, orders: settings.orders), means: means, key: key))
    }
  }

  public func optimizer(for model: Model) -> Adam<Model> { Adam(for: model) }

  public func loss(
    _ model: inout Model, _ bytes: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let x = bytes.binarySequences()
    if let eonade = model.eonade { return ["loss": OrderAgnostic.loss(eonade, x, key).mean()] }
    if let made = model.made, settings.orders > 1, phase.isTraining {
      let order = key.integers(below: settings.orders, [])
      return ["loss": -made.logProbability(of: x, order: order).mean()]
    }
    return ["loss": -logProbability(model, x).mean()]
  }

  private func logProbability(_ model: Model, _ x: Tensor) -> Tensor {
    if let nade = model.nade { return nade.logProbability(of: x) }
    if let made = model.made { return made.mixtureLogProbability(of: x) }
    return model.eonade!.mixtureLogProbability(of: x)
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Metric] {
    let goal = Self.method.goal
    guard settings.kind == .eonade else {
      let nats = means(state.best, over: data.heldOut, key)["loss"] ?? .nan
      return PixelRecipes.binaryMetrics(nats, goal, on: data)
    }
    let measure = compiled { (model: Model, x: Tensor) in logProbability(model, x) }
    var sum = 0.0
    for start in stride(from: 0, to: data.heldOut.count, by: 100) {
      let rows = Array(start..<min(start + 100, data.heldOut.count))
      sum -= measure(state.best, data.heldOut.batch(rows).binarySequences()).sum().scalar
    }
    return PixelRecipes.binaryMetrics(sum / Double(data.heldOut.count), goal, on: data)
  }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .pictures(request.inParts(of: 200) { drawn(state, $0, $1) })
  }

  private func drawn(_ state: State, _ count: Int, _ key: RandomKey) -> [Picture] {
    let (model, sampler) = (state.best, SymbolSampler())
    if let nade = model.nade { return PixelRecipes.pictures(sampler(nade, count: count, key)) }
    if let made = model.made { return PixelRecipes.pictures(sampler(made, count: count, key)) }
    return PixelRecipes.pictures(sampler(model.eonade!, count: count, key))
  }

  public func figures(
    _ state: State, _ data: DataSplit<FashionPictures>, _ key: RandomKey
  ) -> [Figure] { [PixelRecipes.grid(drawn(state, 40, key))] }

  /// A decoder of EoNADE would run through all places for each place, so it is none.
  public func codec(_ state: State, _ data: DataSplit<FashionPictures>) -> RecipeCodec? {
    if let made = state.best.made { return PixelRecipes.codec(made, data.heldOut) }
    return state.best.nade.map { PixelRecipes.codec($0, data.heldOut) }
  }

  public func configuration(of model: Model) -> any Encodable {
    if let made = model.made { return made.configuration }
    if let eonade = model.eonade { return eonade.configuration }
    return NADEConfiguration(length: 784, hidden: settings.hidden)
  }
}
