public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// What recipes in the plane can be set in.
public protocol PlaneSettings: RecipeSettings {
  /// A toy distribution, such as "two-moons" or "eight-gaussians".
  var data: String { get }
  var learningRate: LearningRate { get }
}

/// A model that learns a distribution in the plane: everything but the model.
public protocol PlaneRecipe: LossRecipe
where Settings: PlaneSettings, Data == Examples<Tensor>, Rule == Adam<Model> {
  var points: PlanePoints { get }
}

extension PlaneRecipe {
  public func data() -> DataSplit<Examples<Tensor>> { points.data() }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: 5, averageDecay: 0.995)
  }

  public func optimizer(for model: Model) -> Adam<Model> { Adam(for: model) }
}

/// A flow in the plane.
public protocol PlaneFlowRecipe: PlaneRecipe where Model: FlowModel {}

extension PlaneFlowRecipe {
  public func loss(
    _ model: inout Model, _ points: Tensor, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    ["loss": -model.logProbability(of: points).mean()]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<Examples<Tensor>>
  ) -> [Metric] {
    [
      Self.method.goal.measured(
        means["loss"] ?? .nan, note: "\(data.measuredOn) of \(points.truth)")
    ]
  }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 10_000) { count, key in
        PlanePoints.lines(state.best.inverse(key.normal([count, 2])))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] {
    let model = state.best
    return points.figures(data, samples: model.inverse(key.normal([600, 2]))) {
      model.logProbability(of: $0).exp()
    }
  }
}

/// An energy in the plane, whose constant is known by quadrature.
public protocol PlaneEnergyRecipe: PlaneRecipe where Model: EnergyModel {}

extension PlaneEnergyRecipe {
  /// The goal, measured on the held-out points.
  func measured(_ state: State, _ data: DataSplit<Examples<Tensor>>) -> Metric {
    Self.method.goal.measured(
      PlaneEnergy.nats(of: state.best, on: data),
      note: "\(data.measuredOn) of \(points.truth); its constant by quadrature")
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Metric] { [measured(state, data)] }

  /// Points, a line each.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    .texts(
      request.inParts(of: 1000) { count, key in
        PlanePoints.lines(PlaneEnergy.samples(of: state.best, count: count, key))
      })
  }

  public func figures(
    _ state: State, _ data: DataSplit<Examples<Tensor>>, _ key: RandomKey
  ) -> [Figure] { PlaneEnergy.figures(of: state.best, points, data, key) }
}
