internal import Datasets
public import Layers
internal import Models
internal import Objectives
public import Reports
internal import Samplers
public import Tensors
internal import Tokenizers
public import Training

/// The settings that translation recipes share.
public protocol TranslationSettings: RecipeSettings {
  /// Tokens of the byte-pair vocabulary of both languages together.
  var vocabulary: Int { get }
  /// Tokens of the longest verses that are learned from.
  var length: Int { get }
  /// The share of a target's probability that all tokens get alike in training.
  var smoothing: Double { get }
  /// Texts that are followed at once to find the likeliest translation of a test verse.
  var beams: Int { get }
}

/// English verses into Spanish: everything but the network.
public protocol TranslationRecipe: LossRecipe
where Settings: TranslationSettings, Data == VersePairs, Model: Translating {
  var texts: TranslationTexts { get }
}

extension TranslationSettings {
  var translationLimits: [Limit] {
    [
      Limit("vocabulary", vocabulary, 300...65_536), Limit("length", length, 16...4096),
      Limit("smoothing", smoothing, 0...0.9), Limit("beams", beams, 1...64),
    ]
  }
}

extension TranslationRecipe {
  public func data() throws -> DataSplit<VersePairs> {
    try texts.split(longest: settings.length, beams: settings.beams)
  }

  public func loss(
    _ model: inout Model, _ batch: Pair<Tensor, Tensor>, _ phase: Phase, _ key: RandomKey
  ) -> [String: Tensor] {
    let length = batch.second.shape[1] - 1
    let logits = model.logits(batch.first, batch.second.sliced(1, 0..<length), phase)
    func loss(_ reduction: LossReduction) -> Tensor {
      crossEntropy(
        logits.flattened(0..<2), batch.second.sliced(1, 1..<(length + 1)).flattened(),
        ignoring: VersePairs.padding, smoothing: phase.isTraining ? settings.smoothing : 0,
        reduction: reduction)
    }
    // Means over batches know nothing of their numbers of tokens: a verse's own sum has to be measured.
    return phase.isTraining
      ? ["loss": loss(.mean)] : ["loss": loss(.sum) / Double(batch.first.shape[0])]
  }

  public func evaluate(_ state: State, _ data: DataSplit<VersePairs>, _ key: RandomKey) -> [Metric]
  {
    let verses = data.heldOut
    let translations = translations(verses.items.map(\.source), state.best, beams: verses.beams)
    let bleu = BLEU(translations, references: verses.items.map { [$0.verse.spanish] })
    let nats = (means(state.best, over: verses, key)["loss"] ?? .nan) * Double(verses.count)
    let bits = nats / 0.6931471805599453 / Double(verses.targetBytes)
    let way = verses.beams == 1 ? "greedily" : "with \(verses.beams) beams"
    return [
      Self.method.goal.measured(bleu.score, note: "\(data.measuredOn), \(way)"),
      Metric(
        name: "bits per byte", value: bits, unit: "bits/byte", kind: .exact,
        note: data.measuredOn),
    ]
  }

  /// The likeliest translations of sources.
  private func translations(_ sources: [[Int32]], _ model: Model, beams: Int) -> [String] {
    let generator = TokenGenerator(model)
    let encode = compiled { (model: Model, source: Tensor) in model.encoded(source) }
    var settings = GenerationSettings()
    settings.numBeams = beams
    return stride(from: 0, to: sources.count, by: 64).flatMap { start in
      let part = Array(sources[start..<min(start + 64, sources.count)])
      return written(part, generator, settings, RandomKey(seed: 0)) { encode(model, $0) }
    }
  }

  /// What a model writes for sources, as many texts of each as the settings say.
  private func written(
    _ sources: [[Int32]], _ generator: TokenGenerator<Model>, _ settings: GenerationSettings,
    _ key: RandomKey, _ encode: (Tensor) -> Model.Source
  ) -> [String] {
    var settings = settings
    settings.eosTokenId = [VersePairs.end]
    settings.padTokenId = VersePairs.padding
    settings.suppressTokens = [VersePairs.padding, VersePairs.begin]
    // A model has to learn that there is room for a few places only.
    let room = generator.model.context.map { $0 - 1 } ?? .max
    let sources = sources.map { Array($0.prefix(room)) }
    let longest = sources.map(\.count).max() ?? 1
    settings.maxNewTokens = min(room, 2 * longest + 16)
    let table = VersePairs.table(sources, min(room, VersePairs.padded(longest)))
    do {
      let prompts = sources.map { _ in [VersePairs.begin] }
      return try generator(prompts, of: encode(table), settings, key: key).map {
        texts.text($0.tokens)
      }
    } catch {
      preconditionFailure("a recipe's translation: \(error)")
    }
  }

  // MARK: What it shows

  public func figures(_ state: State, _ data: DataSplit<VersePairs>, _ key: RandomKey) -> [Figure] {
    // Of middling length, from all the books.
    let verses = data.heldOut.items
    let shown = (1...8).map { verses[verses.count * $0 / 12] }
    let answers = translations(shown.map(\.source), state.best, beams: settings.beams)
    let rows = zip(shown, answers).map {
      TranslationTable.Row(source: $0.verse.english, translation: $1, reference: $0.verse.spanish)
    }
    let table = Figure.translations(
      TranslationTable(rows: rows, sourceLanguage: "en", language: "es", note: data.measuredOn))
    return [table]
      + (alignment(state.best, shown[0].source, answers[0]).map { [.alignment($0)] } ?? [])
  }

  /// Where a model looks while it writes a translation.
  private func alignment(_ model: Model, _ source: [Int32], _ text: String) -> AlignmentMap? {
    let target = [Int32(VersePairs.begin)] + texts.source(text)
    let weights = model.alignments(
      Tensor(source, shape: [1, source.count]), Tensor(target, shape: [1, target.count]))
    guard let weights else { return nil }
    func names(_ ids: some Sequence<Int32>) -> [String] {
      ids.map { $0 == Int32(VersePairs.end) ? "⏎" : texts.text([Int($0)]) }
    }
    let rows = weights.floats()
    return AlignmentMap(
      source: names(source), target: names(target.dropFirst()),
      weights: target.indices.dropLast().map {
        Array(rows[($0 * source.count)..<(($0 + 1) * source.count)])
      })
  }

  public static var takesPrompts: Bool { true }

  /// Translations of the prompt: the likeliest one, or several drawn ones.
  public func samples(_ state: State, _ request: SampleRequest) -> SampleBatch? {
    let prompt = request.prompt ?? "In the beginning God created the heaven and the earth."
    let generator = TokenGenerator(state.best)
    var settings = GenerationSettings()
    settings.numBeams = request.count == 1 ? self.settings.beams : 1
    settings.doSample = request.count > 1
    return .texts(
      request.inParts(of: 64) { count, key in
        settings.numReturnSequences = count
        return written([texts.source(prompt)], generator, settings, key) { state.best.encoded($0) }
      })
  }

  public var tokenizer: String? {
    String(decoding: texts.tokenizer.tokenizerJSON(), as: UTF8.self)
  }
}

extension Method.Goal {
  /// What translations are judged by.
  static let translation = Method.Goal(
    "BLEU", unit: "BLEU", kind: .score, isBetterWhenLarger: true, group: "verses")
}
