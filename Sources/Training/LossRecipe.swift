public import Layers
public import Optimizers
public import Reports
public import Tensors

/// The usual recipe: one model, one loss, one optimizer. Its author writes the model and the loss;
/// gradients, clipping, accumulation, schedule, moving average and evaluation come with it.
public protocol LossRecipe: Recipe where State == Trained<Model, Rule> {
  associatedtype Model: Module
  associatedtype Rule: Optimizer<Model>

  var settings: Settings { get }
  /// How the model is updated.
  var update: Update { get }
  func model(_ data: DataSplit<Data>, _ key: RandomKey) -> Model
  func optimizer(for model: Model) -> Rule
  /// "loss" and whatever else is worth a curve, each a mean over the batch. `phase` is what layers
  /// ask for; draws of the objective itself, in training and in evaluation, come from `key`.
  func loss(
    _ model: inout Model, _ batch: Data.Batch, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor]
  /// The value behind `config.json`.
  func configuration(of model: Model) -> any Encodable
  /// The text of `tokenizer.json`.
  var tokenizer: String? { get }
  /// What the means of `loss` over held-out data say; by default the loss itself is the goal.
  func metrics(_ means: [String: Double], on data: DataSplit<Data>) -> [Metric]
}

/// How a model is updated.
public struct Update: Sendable {
  /// The learning rate of a step, counted from 0.
  public var learningRate: @Sendable (_ step: Int) -> Double
  /// The largest global norm of a gradient.
  public var clip: Double?
  /// The share of the old value in each step of the moving average, such as 0.999; nil: no average.
  public var averageDecay: Double?
  /// Parts that a batch is cut into, one after the other, so that only one of them is in memory.
  /// The update is that of the whole batch.
  public var accumulate: Int

  public init(
    learningRate: @escaping @Sendable (_ step: Int) -> Double, clip: Double? = nil,
    averageDecay: Double? = nil, accumulate: Int = 1
  ) {
    self.learningRate = learningRate
    self.clip = clip
    self.averageDecay = averageDecay
    self.accumulate = accumulate
  }

  /// With a schedule over a run of so many steps.
  public init(
    _ learningRate: LearningRate, steps: Int, clip: Double? = nil, averageDecay: Double? = nil,
    accumulate: Int = 1
  ) {
    self.init(
      learningRate: { learningRate($0, of: steps) }, clip: clip, averageDecay: averageDecay,
      accumulate: accumulate)
  }
}

/// A model with its optimizer and its moving average.
public struct Trained<Model: Module, Rule: Optimizer<Model>>: Module {
  public var model: Model
  public var optimizer: Rule
  public var average: Model?

  public init(_ model: Model, _ optimizer: Rule, average: Model? = nil) {
    self.model = model
    self.optimizer = optimizer
    self.average = average
  }

  /// The model to measure and to sample with: the average where there is one.
  public var best: Model { average ?? model }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor("optimizer", &optimizer)
    visitor.buffer("average", &average)
  }
}

extension LossRecipe {
  public var tokenizer: String? { nil }

  public func start(_ data: DataSplit<Data>, _ key: RandomKey) -> State {
    let model = model(data, key)
    return Trained(
      model, optimizer(for: model), average: update.averageDecay == nil ? nil : model)
  }

  public func learningRate(at step: Int) -> Double? { update.learningRate(step) }

  public func prepare(_ state: inout State, step: Int) {
    state.optimizer.learningRate = Tensor([update.learningRate(step)], shape: [])
  }

  public func step(
    _ state: inout State, _ batch: Data.Batch, _ key: RandomKey
  ) -> [String: Tensor] {
    let update = update
    var (metrics, gradient) =
      update.accumulate > 1
      ? accumulated(&state.model, batch, key, parts: update.accumulate)
      : slope(&state.model, batch, key)
    if let clip = update.clip {
      let (clipped, norm) = gradient.clipped(toGlobalNorm: clip)
      gradient = clipped
      metrics["grad_norm"] = norm
    } else {
      metrics["grad_norm"] = gradient.globalNorm
    }
    state.optimizer.update(&state.model, along: gradient)
    if let decay = update.averageDecay, let average = state.average {
      state.average = average.moved(to: state.model, by: 1 - decay)
    }
    return metrics
  }

  /// Loss and gradient of a batch.
  private func slope(
    _ model: inout Model, _ batch: Data.Batch, _ key: RandomKey
  ) -> (metrics: [String: Tensor], gradient: Model) {
    var metrics: [String: Tensor] = [:]
    let (_, gradient) = valueAndGradient(updating: &model) { model in
      metrics = loss(&model, batch, .training(key.fork(0)), key.fork(1))
      return named("loss", in: metrics)
    }
    return (metrics, gradient)
  }

  /// The means of metrics and gradients over the parts of a batch, one part at a time.
  private func accumulated(
    _ model: inout Model, _ batch: Data.Batch, _ key: RandomKey, parts: Int
  ) -> (metrics: [String: Tensor], gradient: Model) {
    let pieces = batch.mapTensors { tensor in
      guard let size = tensor.shape.first, size % parts == 0 else {
        fail("a batch of \(tensor.shape.first ?? 1) items cannot be cut into \(parts) equal parts")
      }
      return tensor.reshaped([parts, size / parts] + tensor.shape.dropFirst())
    }
    let isTrained = model.leaves.map(\.isTrained)
    let start = model.zipTensors(model) { tensor, _ in tensor }
    let zeros = zip(start.tensors, isTrained).map { $1 ? $0.zerosLike() : $0 }
    // What the forward pass changes (running statistics) goes on from part to part; weights stay.
    let weights = model
    let numbers = Tensor((0..<Int64(parts)).map { $0 })
    let (sum, metrics) = scan(zeros, over: Pair(pieces, numbers)) { sum, piece in
      var part = weights.replacingTensors(
        zip(zip(weights.tensors, sum), isTrained).map { $1 ? $0.0 : $0.1 })
      let (metrics, gradient) = slope(&part, piece.first, key.fork(piece.second))
      sum = zip(zip(sum, isTrained), zip(gradient.tensors, part.tensors)).map {
        $0.1 ? $0.0 + $1.0 : $1.1
      }
      return metrics
    }
    model.replaceTensors(zip(zip(weights.tensors, sum), isTrained).map { $1 ? $0.0 : $0.1 })
    let gradient = zip(sum, isTrained).map { $1 ? $0 / Double(parts) : $0 }
    return (metrics.mapTensors { $0.mean([0]) }, weights.replacingTensors(gradient))
  }

  /// The means of `loss` over the held-out data, without dropout.
  public func means(_ model: Model, over data: Data, _ key: RandomKey) -> [String: Double] {
    let measure = compiled { (model: Model, input: StepInput<Data.Batch>) in
      var model = model
      return loss(&model, input.batch, .inference, input.key.fork(input.step))
    }
    let size = min(settings.batchSize, data.count)
    var sums: [String: Double] = [:]
    for start in stride(from: 0, to: data.count, by: size) {
      let end = min(start + size, data.count)
      let input = StepInput(data.batch(Array(start..<end)), key, step: start)
      for (name, value) in measure(model, input) {
        sums[name, default: 0] += value.scalar * Double(end - start)
      }
    }
    return sums.mapValues { $0 / Double(data.count) }
  }

  public func metrics(_ means: [String: Double], on data: DataSplit<Data>) -> [Metric] {
    [Self.method.goal.measured(means["loss"] ?? .nan, note: data.measuredOn)]
  }

  public func evaluate(_ state: State, _ data: DataSplit<Data>, _ key: RandomKey) -> [Metric] {
    metrics(means(state.best, over: data.heldOut, key), on: data)
  }

  public func export(_ state: State) -> Export {
    Export(
      model: state.model, average: state.average, configuration: configuration(of: state.model),
      tokenizer: tokenizer)
  }

  private func named(_ name: String, in metrics: [String: Tensor]) -> Tensor {
    guard let value = metrics[name] else {
      fail("\(Self.method.name): the step gives \(metrics.keys.sorted()), but no \"\(name)\"")
    }
    return value
  }
}

extension Module {
  /// Trained tensors moved by a share of the way to another model's; buffers are the other's.
  fileprivate func moved(to model: Self, by share: Double) -> Self {
    let isTrained = model.leaves.map(\.isTrained)
    let moved = zip(zip(tensors, model.tensors), isTrained).map { pair, isTrained in
      isTrained ? pair.0 + (pair.1 - pair.0) * share : pair.1
    }
    return replacingTensors(moved)
  }
}
