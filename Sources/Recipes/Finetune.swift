internal import Foundation
public import Layers
internal import Models
public import Optimizers
public import Published
public import Reports
internal import Samplers
public import Tensors
internal import Tokenizers
public import Training

/// A published network that goes on learning from data of the user's: as a whole, its head alone, or small factors beside
/// its weights.
public struct Finetune: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 300
    public var batchSize = 16
    /// The folder with config.json and weights.
    public var model: String?
    /// fashion-mnist, emoji, wordnet-glosses, verses, a folder of pictures by class, a text file, or a .jsonl or .csv file
    /// with text and label.
    public var data: String?
    /// Height and width of the pictures; those that the network was made for unless given.
    public var size: Int?
    /// Tokens of a text; as many as the network can read, at most 128, unless given.
    public var length: Int?
    /// Whether the head alone is trained.
    public var freeze = false
    /// The rank of the factors beside frozen weights; 0: the weights themselves are trained.
    public var loraRank = 0
    public var loraAlpha = 16.0
    public var loraDropout = 0.0
    /// Names of modules, as in PEFT's target_modules; the linear layers of attention where there are none.
    public var loraTargets: [String] = []
    /// Whether checkpoints hold, beside the adapters, all weights with the adapters in them.
    public var merge = false
    /// The share of the learning rate that the first layer gets; those between get shares between.
    public var firstLayerRate = 1.0
    /// Whether pictures are mirrored at random.
    public var mirror = false
    /// The most pixels that pictures are moved at random.
    public var shift = 0
    public var learningRate = LearningRate(1e-4, .cosine, warmup: 20)
    public var weightDecay = 0.01
    public var clip = 1.0

    public var limits: [Limit] {
      [
        Limit(
          "model", model ?? "null", takes: "a folder with config.json and weights",
          when: model != nil),
        Limit(
          "data", data ?? "null",
          takes: "fashion-mnist, emoji, wordnet-glosses, verses, a folder or a file",
          when: data != nil),
        // Norms over batches need more than one item.
        Limit("batch_size", batchSize, 2...1_000_000),
        Limit("size", size, 1...4096), Limit("length", length, 2...16_384),
        Limit("lora_rank", loraRank, 0...4096), Limit("lora_alpha", loraAlpha, 1e-6...1e6),
        Limit("lora_dropout", loraDropout, 0...0.99),
        Limit(
          "freeze", freeze, takes: "false where lora_rank is not 0, which freezes already",
          when: !freeze || loraRank == 0),
        Limit("first_layer_rate", firstLayerRate, 1e-6...1), Limit("shift", shift, 0...64),
        Limit("weight_decay", weightDecay, 0...100), Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "finetune", title: "Fine-tuning", family: "Published models",
    idea: "What was learned from much data is the beginning of what is learned from little.",
    formula: "W = W_0 + frac{α}{r} B A", data: "yours",
    goal: .init("accuracy", unit: "%", kind: .score, isBetterWhenLarger: true))
  public static let defaults = Settings()

  public let settings: Settings
  private let material: TuningMaterial
  private let start: TunedNetwork
  private let files: [String: [UInt8]]
  private let writer: Writer?

  public init(_ settings: Settings) throws {
    self.settings = settings
    let folder = try ModelFolder(URL(fileURLWithPath: settings.model ?? ""))
    material = try TuningMaterial(
      settings.data ?? "", folder, size: settings.size, length: settings.length)
    start = try folder.tuned(for: material.classNames, key: RandomKey(seed: 0))
    files = Self.companions(of: folder.url)
    if case .text = material {
      let tokenizer = try folder.tokenizer()
      writer = Writer(
        tokens: 60, context: settings.length ?? 128,
        settings: GenerationSettings(temperature: 0.8, topK: 50),
        encode: { tokenizer.encode(bytes: Array($0.utf8), addingSpecialTokens: false) },
        decode: { tokenizer.decodeBytes($0, skippingSpecialTokens: true) })
    } else {
      writer = nil
    }
    // What is wrong is found now, not at the first step.
    _ = try network(RandomKey(seed: 0))
  }

  /// The files that belong to weights: how texts become tokens and pictures numbers.
  private static func companions(of folder: URL) -> [String: [UInt8]] {
    let names = [
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
      "merges.txt", "vocab.txt", "preprocessor_config.json", "generation_config.json",
    ]
    var files: [String: [UInt8]] = [:]
    for name in names {
      let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
      if let data { files[name] = [UInt8](data) }
    }
    return files
  }

  private func network(_ key: RandomKey) throws -> TunedNetwork {
    var network = start
    try network.redraw(key.fork(0))
    if settings.loraRank > 0 {
      try network.adapt(
        rank: settings.loraRank, alpha: settings.loraAlpha, dropout: settings.loraDropout,
        targets: settings.loraTargets, key: key.fork(1))
    } else if settings.freeze {
      network.trainHeadAlone()
    }
    let batch = material.split.training.batch([0, 1])
    try network.freezeUnreached(by: material.inputs(batch), phase(.training(key.fork(2))))
    return network
  }

  /// A frozen network's statistics and dropout rest.
  private func phase(_ phase: Phase) -> Phase { settings.freeze ? .inference : phase }

  public var remarks: [String] {
    let names = start.renewed
    guard !names.isEmpty, let classes = material.classNames else { return [] }
    return ["new for \(classes.count) classes: \(names.joined(separator: ", "))"]
  }

  public var goal: Method.Goal {
    if case .text = material {
      Method.Goal("bits per byte", unit: "bits/byte", kind: .exact)
    } else {
      Self.method.goal
    }
  }

  // MARK: Training

  public func data() -> DataSplit<TuningItems> { material.split }

  public var update: Update {
    let (rate, steps) = (settings.learningRate, settings.steps)
    return Update(learningRate: { rate($0, of: steps) }, clip: settings.clip)
  }

  public func model(_ data: DataSplit<TuningItems>, _ key: RandomKey) -> TunedNetwork {
    do { return try network(key) } catch {
      preconditionFailure("a network that could be made before: \(error)")
    }
  }

  public func optimizer(for model: TunedNetwork) -> ScaledRates<Adam<TunedNetwork>> {
    let rule = AdamW(for: model, weightDecay: settings.weightDecay, decays: .matrices)
    let names = model.leaves.map(\.name)
    let places = Dictionary(
      zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    let last = Double(max(1, names.count - 1))
    return ScaledRates(rule, of: model) { name in
      pow(settings.firstLayerRate, 1 - Double(places[name]!) / last)
    }
  }

  public func loss(
    _ model: inout TunedNetwork, _ batch: TuningBatch, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    var levels: Tensor?
    if phase.isTraining, case .pictures = material {
      levels = Augmentation(mirrors: settings.mirror, shift: settings.shift)(batch.items, key)
    }
    do {
      let inputs = material.inputs(batch, levels: levels)
      return ["loss": try model.loss(of: inputs, self.phase(phase))]
    } catch {
      preconditionFailure("inputs that the network took before: \(error)")
    }
  }

  // MARK: Measures

  public func evaluate(
    _ state: State, _ data: DataSplit<TuningItems>, _ key: RandomKey
  ) -> [Metric] {
    guard case .text(let windows) = material else {
      return scores(state.best, data).metrics(note: data.measuredOn)
    }
    let nats = means(state.best, over: data.heldOut, key)["loss"] ?? .nan
    return TextScores(nats: nats, windows.heldOut).metrics(note: data.measuredOn)
  }

  private func scores(
    _ model: TunedNetwork, _ data: DataSplit<TuningItems>
  ) -> ClassScores {
    TuningMaterial.scores(of: model, on: data.heldOut, material, size: settings.batchSize)
  }

  public func figures(
    _ state: State, _ data: DataSplit<TuningItems>, _ key: RandomKey
  ) -> [Figure] {
    if let names = material.classNames {
      guard names.count <= 32 else { return [] }
      return [
        .confusion(
          ConfusionMatrix(
            classes: names, counts: scores(state.best, data).counts, note: data.measuredOn))
      ]
    }
    guard let writer, let model = state.best.textModel else { return [] }
    return [writer.figure(model, key)]
  }

  public static var takesPrompts: Bool { true }

  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    guard let writer, let model = state.best.textModel else { return nil }
    return writer.samples(model, request)
  }

  // MARK: Files

  public func configuration(of model: TunedNetwork) -> any Encodable { [String: String]() }

  public func export(_ state: State) -> Export {
    var files = files
    files["config.json"] = Array(state.model.configuration.text.utf8)
    guard let adapters = state.model.adapterFiles(base: settings.model ?? "") else {
      return Export(
        model: state.model.merged, configuration: configuration(of: state.model), files: files)
    }
    files["adapter_config.json"] = adapters.configuration
    return Export(
      model: settings.merge ? state.model.merged : Nothing(), adapters: adapters.tensors,
      configuration: configuration(of: state.model), files: files)
  }
}
