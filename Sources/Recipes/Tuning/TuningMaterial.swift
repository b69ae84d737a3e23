internal import Datasets
internal import Documents
internal import Foundation
public import Layers
internal import Published
public import Tensors
internal import Tokenizers
public import Training

/// A batch of what a published network is trained on.
public struct TuningBatch: Module {
  /// Levels of pictures, uint8 [batch, height, width, channels], or tokens, int32 [batch, length].
  public var items: Tensor
  /// Which tokens are some: int32 [batch, length].
  var mask: Tensor?
  /// Classes, int32 [batch].
  var labels: Tensor?

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("items", &items)
    visitor("mask", &mask)
    visitor("labels", &labels)
  }
}

/// Items of any kind, with their classes where they have some.
public struct TuningItems: Dataset {
  public let count: Int
  let labels: [Int]
  private let make: @Sendable ([Int]) -> TuningBatch

  fileprivate init(
    count: Int? = nil, labels: [Int] = [], make: @escaping @Sendable ([Int]) -> TuningBatch
  ) {
    (self.count, self.labels, self.make) = (count ?? labels.count, labels, make)
  }

  public func batch(_ indices: [Int]) -> TuningBatch { make(indices) }
}

/// What a published network is trained on, and what it learns from it.
enum TuningMaterial: Sendable {
  case pictures(DataSplit<ClassPictures>)
  case classes(DataSplit<TokenizedTexts>)
  case text(DataSplit<TextBatches>)

  /// - Parameters:
  ///   - data: a name of data, a folder of pictures, a table of labelled texts, or a text.
  ///   - size: the edge of pictures; the folder's own unless given.
  ///   - length: tokens of a text or window.
  init(_ data: String, _ folder: ModelFolder, size: Int?, length: Int?) throws {
    let isWriter = folder.architecture is any PublishedGenerator.Type
    switch data {
    case "fashion", "fashion-mnist", "emoji":
      self = .pictures(try ClassPictures.split(data, try Self.preparation(folder, size)))
    case "wordnet", "wordnet-glosses":
      self = try Self.windows(try WordNet.glosses(), folder, length)
    case "verses" where isWriter:
      self = try Self.windows(try Verses().english, folder, length)
    case "verses":
      // Which language is it? Whole books are held out.
      let verses = try Verses()
      func texts(_ verses: [Verse]) -> LabeledTexts {
        LabeledTexts(verses.flatMap { [($0.english, "English"), ($0.spanish, "Spanish")] })
      }
      self = try Self.classes(texts(verses.train), texts(verses.test), folder, length)
    case _ where [".jsonl", ".csv"].contains(where: data.lowercased().hasSuffix):
      let all = try LabeledTexts(contentsOf: data)
      self = try Self.classes(
        all.tenth(isHeldOut: false), all.tenth(isHeldOut: true), folder, length)
    case _ where [".txt", ".md", ".gz"].contains(where: data.lowercased().hasSuffix):
      self = try Self.windows(TextCorpus(contentsOf: data), folder, length)
    default:
      if isWriter, (try? TextCorpus(contentsOf: data)) != nil {
        self = try Self.windows(TextCorpus(contentsOf: data), folder, length)
      } else {
        self = .pictures(try ClassPictures.split(data, try Self.preparation(folder, size)))
      }
    }
  }

  private static func preparation(_ folder: ModelFolder, _ size: Int?) throws -> PicturePreparation
  {
    let preparation = try PicturePreparation(of: folder)
    return size.map { preparation.resized(to: $0) } ?? preparation
  }

  /// As many tokens as the network can read, at most 128, unless the user says otherwise.
  private static func length(_ given: Int?, _ folder: ModelFolder) -> Int {
    given ?? min(128, folder.longestText ?? 128)
  }

  private static func classes(
    _ training: LabeledTexts, _ heldOut: LabeledTexts, _ folder: ModelFolder, _ length: Int?
  ) throws -> TuningMaterial {
    let tokenizer = try folder.tokenizer()
    let length = Self.length(length, folder)
    return .classes(
      DataSplit(
        training: try TokenizedTexts(training, tokenizer, length, folder),
        heldOut: try TokenizedTexts(heldOut, tokenizer, length, folder),
        heldOutName: "held-out texts"))
  }

  private static func windows(_ corpus: TextCorpus, _ folder: ModelFolder, _ length: Int?) throws
    -> TuningMaterial
  {
    let tokenizer = try folder.tokenizer()
    // A window has one token more than are predicted.
    let length = Self.length(length, folder) - 1
    let parts = corpus.split()
    func windows(_ part: TextCorpus, limit: Int?) throws -> TextBatches {
      let ids = tokenizer.encode(bytes: part.bytes, addingSpecialTokens: false)
      try folder.check(ids)
      return TextBatches(
        ids.map(Int32.init), length: length, byteCount: part.bytes.count, limit: limit)
    }
    return .text(
      try DataSplit(
        windows: try windows(parts.train, limit: nil),
        heldOut: try windows(parts.test, limit: measuredWindows)))
  }

  /// The names of the classes; nil for a language model.
  var classNames: [String]? {
    switch self {
    case .pictures(let split): split.training.classNames
    case .classes(let split): split.training.classNames
    case .text: nil
    }
  }

  /// What a network says of held-out items, whose classes are known.
  static func scores(
    of model: TunedNetwork, on items: TuningItems, _ material: TuningMaterial, size: Int
  ) -> ClassScores {
    let logits = compiled { (model: TunedNetwork, batch: TuningBatch) in
      do { return try model.logits(of: material.inputs(batch)) } catch {
        preconditionFailure("inputs that the network took before: \(error)")
      }
    }
    return ClassScores(labels: items.labels, size: size) { logits(model, items.batch($0)) }
  }

  /// The batches of all kinds as those of one.
  var split: DataSplit<TuningItems> {
    switch self {
    case .pictures(let split):
      split.mapped { part in
        TuningItems(labels: part.labels) {
          TuningBatch(items: part.levels($0), labels: part.labels($0))
        }
      }
    case .classes(let split):
      split.mapped { part in TuningItems(labels: part.labels, make: part.batch) }
    case .text(let split):

      split.mapped { part in
        TuningItems(count: part.count) { TuningBatch(items: part.batch($0)) }
      }
    }
  }

  /// What goes into the network, under every name that libraries have for it.
  func inputs(_ batch: TuningBatch, levels: Tensor? = nil) -> ModelInputs {
    var tensors: [String: Tensor] = [:]
    if case .pictures(let split) = self {
      let pictures = split.training.preparation.normalized(levels ?? batch.items)
        .transposed([0, 3, 1, 2])
      (tensors["x"], tensors["pixel_values"]) = (pictures, pictures)
    } else {
      (tensors["input_ids"], tensors["attention_mask"]) = (batch.items, batch.mask)
    }
    tensors["labels"] = batch.labels
    return ModelInputs(tensors)
  }
}

extension DataSplit {
  fileprivate func mapped<Other: Dataset>(_ transform: (Data) -> Other) -> DataSplit<Other> {
    DataSplit<Other>(
      training: transform(training), heldOut: transform(heldOut), heldOutName: heldOutName,
      test: test.map(transform), testName: testName)
  }
}

/// Texts of classes as tokens, all cut or filled up to one length.
struct TokenizedTexts: Dataset {
  let classNames: [String]
  let labels: [Int]
  private let ids: [[Int32]]
  private let length: Int

  var count: Int { labels.count }

  init(_ texts: LabeledTexts, _ tokenizer: TokenizerPipeline, _ length: Int, _ folder: ModelFolder)
    throws
  {
    (classNames, labels) = (texts.classNames, texts.labels)
    let all = texts.texts.map { tokenizer.encode($0) }
    try folder.check(all.joined())
    // Texts that are cut keep their last token, which tells the end.
    ids = all.map { text in
      (text.count <= length ? text : text.prefix(length - 1) + text.suffix(1)).map(Int32.init)
    }
    self.length = max(1, min(length, ids.map(\.count).max() ?? 1))
  }

  func batch(_ indices: [Int]) -> TuningBatch {
    func rows(_ value: (_ text: [Int32], _ place: Int) -> Int32) -> Tensor {
      Tensor(
        indices.flatMap { index in (0..<length).map { value(ids[index], $0) } },
        shape: [indices.count, length])
    }
    return TuningBatch(
      items: rows { $1 < $0.count ? $0[$1] : 0 }, mask: rows { $1 < $0.count ? 1 : 0 },
      labels: Tensor(indices.map { Int32(labels[$0]) }))
  }
}

extension LabeledTexts {
  /// Every tenth text, or the others.
  fileprivate func tenth(isHeldOut: Bool) -> LabeledTexts {
    self[(0..<count).filter { ($0 % 10 == 9) == isHeldOut }]
  }
}

extension ModelFolder {
  /// The most tokens that the network can read, as libraries call it.
  fileprivate var longestText: Int? {
    ["max_position_embeddings", "n_positions", "n_ctx"].compactMap {
      configuration.values[$0]?.integer
    }.first
  }

  /// Refuses a tokenizer that belongs to another network.
  fileprivate func check(_ ids: some Sequence<Int>) throws {
    guard let size = configuration.values["vocab_size"]?.integer, let largest = ids.max(),
      largest >= size
    else { return }
    throw RecipeProblem(
      "\(url.path): its tokenizer.json has the token \(largest), but its config.json a vocab_size of "
        + "\(size). Take the tokenizer that belongs to the network.")
  }
}
