internal import Datasets
public import Layers
public import Models
public import Optimizers
public import Reports
public import Tensors
public import Training

/// A GRU in two directions that reads a verse byte by byte and says which testament it is from: many to one.
public struct GRUTestament: LossRecipe {
  public struct Settings: RecipeSettings {
    public var steps = 3000
    public var batchSize = 32
    /// Bytes of a verse that are read.
    public var length = 160
    public var embedding = 32
    /// Of each direction.
    public var width = 64
    public var layers = 1
    /// What a verse is summed up in: its `last` states or the `mean` of all.
    public var summary = SequenceClassifier<GRUCell>.Summary.mean
    public var learningRate = LearningRate(3e-3, .linear, warmup: 50)
    public var clip = 1.0

    public var limits: [Limit] {
      [
        Limit("length", length, 1...4096), Limit("embedding", embedding, 1...8192),
        Limit("width", width, 1...8192), Limit("layers", layers, 1...32),
        Limit("clip", clip, 1e-6...1e9),
      ]
    }
  }

  public static let method = Method(
    name: "gru-testament", title: "GRU classifier", family: "Recurrent networks",
    idea: "Reads a verse letter by letter in both directions, and says which testament it is from.",
    formula:
      "h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t−1}, ; p(class | x) = softmax(frac{1}{n} ∑_t W h_t)",
    data: "verses",
    goal: .init("accuracy", unit: "%", kind: .score, isBetterWhenLarger: true))
  public static let defaults = Settings()

  public let settings: Settings
  public init(_ settings: Settings) { self.settings = settings }

  public func data() throws -> DataSplit<LabeledVerses> { try .testaments(length: settings.length) }

  public var update: Update {
    Update(settings.learningRate, steps: settings.steps, clip: settings.clip)
  }

  public func model(
    _ data: DataSplit<LabeledVerses>, _ key: RandomKey
  ) -> SequenceClassifier<GRUCell> {
    SequenceClassifier(
      tokens: Embedding(count: 256, width: settings.embedding, key: key.fork(0)),
      recurrent: GRU(
        inputs: settings.embedding, width: settings.width, layers: settings.layers,
        isBidirectional: true, key: key.fork(1)),
      classes: LabeledVerses.classNames.count, summary: settings.summary, key: key.fork(2))
  }

  public func optimizer(
    for model: SequenceClassifier<GRUCell>
  ) -> Adam<SequenceClassifier<GRUCell>> { AdamW(for: model) }

  public func loss(
    _ model: inout SequenceClassifier<GRUCell>, _ batch: LabeledVerses.Batch, _ phase: Phase,
    _ key: RandomKey
  ) -> [String: Tensor] {
    let logits = model(batch.ids, lengths: batch.lengths, phase)
    let isRight = logits.argmax().cast(to: .int32).equal(to: batch.classes)
    return [
      "loss": crossEntropy(logits, batch.classes), "accuracy": isRight.cast(to: .float32).mean(),
    ]
  }

  public func metrics(
    _ means: [String: Double], on data: DataSplit<LabeledVerses>
  ) -> [Metric] {
    [Self.method.goal.measured(100 * (means["accuracy"] ?? .nan), note: data.measuredOn)]
  }

  public func figures(
    _ state: State, _ data: DataSplit<LabeledVerses>, _ key: RandomKey
  ) -> [Figure] {
    let verses = data.heldOut
    let batch = verses.batch(Array(0..<verses.count))
    let answers = state.best(batch.ids, lengths: batch.lengths).argmax().doubles().map { Int($0) }
    var counts = [[0, 0], [0, 0]]
    for (truth, answer) in zip(verses.classes, answers) { counts[truth][answer] += 1 }
    return [
      .confusion(
        ConfusionMatrix(classes: LabeledVerses.classNames, counts: counts, note: data.measuredOn))
    ]
  }

  public func configuration(of model: SequenceClassifier<GRUCell>) -> any Encodable { settings }
}

/// The beginnings of English verses as bytes, with the testament that each is from: 0 the Old, 1 the New.
public struct LabeledVerses: Dataset {
  static let classNames = ["Old Testament", "New Testament"]

  public struct Batch: Module {
    /// [batch, length], int32; 0 behind a verse's end.
    public var ids: Tensor
    /// Bytes of each verse, [batch], int32.
    public var lengths: Tensor
    /// [batch], int32.
    public var classes: Tensor

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("ids", &ids)
      visitor("lengths", &lengths)
      visitor("classes", &classes)
    }
  }

  let classes: [Int]
  private let texts: [[Int32]]
  private let length: Int

  fileprivate init(_ verses: [(verse: Verse, isNew: Bool)], length: Int) {
    classes = verses.map { $0.isNew ? 1 : 0 }
    texts = verses.map { $0.verse.english.utf8.prefix(length).map(Int32.init) }
    self.length = length
  }

  public var count: Int { texts.count }

  public func batch(_ indices: [Int]) -> Batch {
    let rows = indices.map { texts[$0] }
    return Batch(
      ids: VersePairs.table(rows, length), lengths: Tensor(rows.map { Int32($0.count) }),
      classes: Tensor(indices.map { Int32(classes[$0]) }))
  }
}

extension DataSplit where Data == LabeledVerses {
  /// Verses in the order of the Bible, whose New Testament begins with Matthew; whole books are held out.
  fileprivate static func testaments(length: Int) throws -> Self {
    let pairs = try Verses().pairs
    let first = pairs.firstIndex { $0.book == "Matt" } ?? pairs.count
    let verses = pairs.enumerated().map { (verse: $1, isNew: $0 >= first) }
    func part(_ isIn: (Verse) -> Bool) -> LabeledVerses {
      LabeledVerses(verses.filter { isIn($0.verse) }, length: length)
    }
    return DataSplit(
      training: part { !TranslationTexts.isKept($0) },
      heldOut: part { TranslationTexts.tuningBooks.contains($0.book) },
      heldOutName: TranslationTexts.tuningName, test: part(\.isHeldOut),
      testName: TranslationTexts.testName)
  }
}
