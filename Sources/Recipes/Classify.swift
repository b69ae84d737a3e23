internal import Foundation
public import Layers
internal import Objectives
public import Optimizers
internal import Published
public import Reports
public import Tensors
public import Training

/// A vision network that learns classes of pictures from scratch.
public struct Classify: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 2000
    public var batchSize = 64
    /// alexnet, googlenet, inception, resnet, densenet, efficientnet, vit, deit, swin, cait or t2t-vit.
    public var network = "resnet"
    /// fashion-mnist, emoji, or a folder with a folder of pictures for each class.
    public var data = "fashion-mnist"
    /// Height and width of the pictures; the network's own unless given.
    public var size: Int?
    /// Whether pictures are mirrored at random.
    public var mirror = false
    /// The most pixels that pictures are moved at random.
    public var shift = 0
    /// The run of a classifier of the same pictures, whose answers deit's second token learns.
    public var teacher: String?
    public var labelSmoothing = 0.0
    public var learningRate = LearningRate(2e-3, .oneCycle)
    public var weightDecay = 0.05
    public var clip = 1.0

    public var limits: [Limit] {
      let names = SmallNetwork.all.map(\.name)
      return [
        Limit(
          "network", network, takes: "one of " + names.joined(separator: ", "),
          when: names.contains(network)),
        // Norms over batches need more than one item.
        Limit("batch_size", batchSize, 2...1_000_000),
        Limit("size", size, 8...512), Limit("shift", shift, 0...64),
        Limit("label_smoothing", labelSmoothing, 0...0.9),
        Limit(
          "teacher", teacher ?? "null", takes: "a run where network is deit, and nothing elsewhere",
          when: teacher == nil || network == "deit"),
        Limit("weight_decay", weightDecay, 0...100), Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "classify", title: "Vision networks", family: "Classifiers",
    idea: "Looks at a picture and says what is shown; the network is one of eleven.",
    formula: "p(y|x) = softmax(f(x))", data: "fashion-mnist",
    goal: .init("accuracy", unit: "%", kind: .score, isBetterWhenLarger: true))
  public static let defaults = Settings()

  public let settings: Settings
  private let network: SmallNetwork
  private let split: DataSplit<ClassPictures>
  private let teacher: Teacher?

  /// A trained classifier that is asked and not changed.
  private struct Teacher: Sendable {
    let network: SmallClassifier
    let preparation: PicturePreparation
  }

  public init(_ settings: Settings) throws {
    self.settings = settings
    guard let network = SmallNetwork.named(settings.network) else {
      throw RecipeProblem("network: there is none called \"\(settings.network)\".")
    }
    self.network = network
    let channels = ["fashion", "fashion-mnist"].contains(settings.data) ? 1 : 3
    let edge = settings.size ?? network.picture
    guard network.accepts(edge) else {
      throw RecipeProblem(
        "size: \(settings.network) cannot see pictures of \(edge) pixels. "
          + "Its own size is \(network.picture).")
    }
    let pictures = try ClassPictures.split(
      settings.data, PicturePreparation(size: edge, channels: channels))
    split = pictures
    teacher = try settings.teacher.map { try Self.teacher($0, of: pictures.training) }
  }

  private static func teacher(_ folder: String, of pictures: ClassPictures) throws -> Teacher {
    let model = try TrainedModel(folder: URL(fileURLWithPath: folder).resolvingSymlinksInPath())
    let (recipe, state) = try Self.load(model)
    let seen = recipe.split.training
    guard seen.preparation == pictures.preparation, seen.classNames == pictures.classNames else {
      throw RecipeProblem(
        "teacher: \(folder) has learned other pictures: \(seen.classNames.count) classes at "
          + "\(seen.preparation.size[0]) pixels. Train both on the same data with the same size.")
    }
    return Teacher(network: state.best, preparation: seen.preparation)
  }

  public func data() -> DataSplit<ClassPictures> { split }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: settings.clip)
  }

  public func model(_ data: DataSplit<ClassPictures>, _ key: RandomKey) -> SmallClassifier {
    let pictures = data.training.preparation
    return network(
      .init(
        picture: pictures.size[0], channels: pictures.channels,
        classes: data.training.classNames.count), key)
  }

  public func optimizer(for model: SmallClassifier) -> Adam<SmallClassifier> {
    AdamW(for: model, weightDecay: settings.weightDecay, decays: .matrices)
  }

  public func loss(
    _ model: inout SmallClassifier, _ batch: Pair<Tensor, Tensor>, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let augmentation = Augmentation(mirrors: settings.mirror, shift: settings.shift)
    let levels = phase.isTraining ? augmentation(batch.first, key) : batch.first
    let x = split.training.preparation.normalized(levels)
    let smoothing = phase.isTraining ? settings.labelSmoothing : 0
    if phase.isTraining, var teacher = teacher?.network, let both = model.bothLogits(x, phase) {
      let taught = Distillation.hard().loss(
        own: both.own, distilled: both.distilled, labels: batch.second,
        teacher: teacher(x, .inference), smoothing: smoothing)
      return ["loss": taught]
    }
    return ["loss": crossEntropy(model(x, phase), batch.second, smoothing: smoothing)]
  }

  /// What the model says of all held-out pictures.
  private func scores(_ model: SmallClassifier, _ data: DataSplit<ClassPictures>) -> ClassScores {
    let preparation = data.heldOut.preparation
    let measure = compiled { (model: SmallClassifier, levels: Tensor) in
      model(preparation.normalized(levels))
    }
    return ClassScores(labels: data.heldOut.labels, size: settings.batchSize) {
      measure(model, data.heldOut.levels($0))
    }
  }

  public func evaluate(
    _ state: State, _ data: DataSplit<ClassPictures>, _ key: RandomKey
  ) -> [Metric] {
    scores(state.best, data).metrics(note: data.measuredOn)
  }

  public func figures(
    _ state: State, _ data: DataSplit<ClassPictures>, _ key: RandomKey
  ) -> [Figure] {
    [
      .confusion(
        ConfusionMatrix(
          classes: data.heldOut.classNames, counts: scores(state.best, data).counts,
          note: data.measuredOn))
    ]
  }

  public func configuration(of model: SmallClassifier) -> any Encodable {
    SmallConfiguration(network: settings.network, configuration: model.configuration)
  }
}

/// What `config.json` says.
private struct SmallConfiguration: Encodable {
  let network: String
  let configuration: any Encodable

  private enum Key: CodingKey { case network, configuration }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(network, forKey: .network)
    try configuration.encode(to: container.superEncoder(forKey: .configuration))
  }
}

/// Settings that do not go together, or do not fit what they name.
struct RecipeProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
