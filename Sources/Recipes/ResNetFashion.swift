public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A small residual network that tells clothes apart.
public struct ResNetFashion: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 3000
    public var batchSize = 128
    /// Blocks and channels of each stage.
    public var layers = [1, 1, 1]
    public var widths = [32, 64, 128]
    public var learningRate = LearningRate(5e-3, .oneCycle)
    public var weightDecay = 0.05

    public var limits: [Limit] {
      [
        Limit("layers", layers, each: 1...64, count: 1...4),
        Limit("widths", widths, each: 1...2048, count: 1...4),
        Limit(
          "widths", widths, takes: "as many numbers as layers, \(layers.count)",
          when: widths.count == layers.count),
        Limit("weight_decay", weightDecay, 0...100),
      ]
    }
  }

  public static let method = Method(
    name: "resnet-fashion", title: "Residual network", family: "Classifiers",
    idea: "Each layer adds a correction to what it is given; the last one says what is shown.",
    formula: "x_{l+1} = relu(x_l + f_l(x_l))", data: "fashion-mnist",
    goal: .init("accuracy", unit: "%", kind: .score, isBetterWhenLarger: true))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<LabeledFashion> { try .fashionMNIST() }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) })
  }

  public func model(_ data: DataSplit<LabeledFashion>, _ key: RandomKey) -> ResNet {
    let stem = ResNetConfiguration.Stem(
      channels: settings.widths[0], kernel: 3, stride: 2, pools: false)
    return ResNet(
      ResNetConfiguration(
        block: .basic, layers: settings.layers, widths: settings.widths, stem: stem, inputs: 1,
        classes: data.training.classNames.count, zeroInitialResiduals: true), key: key)
  }

  public func optimizer(for model: ResNet) -> Adam<ResNet> {
    AdamW(for: model, weightDecay: settings.weightDecay, decays: .matrices)
  }

  private func logits(_ model: inout ResNet, _ bytes: Tensor, _ phase: Phase) -> Tensor {
    model(bytes.cast(to: .float32) / 255 - 0.5, phase)
  }

  public func loss(
    _ model: inout ResNet, _ batch: Pair<Tensor, Tensor>, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let logits = logits(&model, batch.first, phase)
    let isRight = logits.argmax().equal(to: batch.second.cast(to: .int32))
    return [
      "loss": crossEntropy(logits, batch.second), "accuracy": isRight.cast(to: .float32).mean(),
    ]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<LabeledFashion>
  ) -> [Metric] {
    let part = means["accuracy"] ?? .nan
    // The interval within which 95 of 100 sets of this size would fall.
    let error = 1.96 * (part * (1 - part) / Double(data.heldOut.count)).squareRoot()
    return [
      Self.method.goal.measured(100 * part, error: 100 * error, note: data.measuredOn),
      Metric(
        name: "cross entropy", value: means["loss"] ?? .nan, unit: "nats", kind: .score,
        note: data.measuredOn),
    ]
  }

  public func figures(
    _ state: State, _ data: DataSplit<LabeledFashion>, _ key: RandomKey
  ) -> [Figure] {
    let answers = Answers(data, size: settings.batchSize) { bytes in
      var model = state.best
      return logits(&model, bytes, .inference)
    }
    return [.confusion(answers.matrix), .rows(answers.mistakes(rows: 5, columns: 10))]
  }

  public func configuration(of model: ResNet) -> any Encodable { model.configuration }
}
