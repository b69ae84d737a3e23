internal import Datasets
public import Layers
internal import Synchronization
public import Tensors
internal import Tokenizers
public import Training

/// Verses in English and Spanish as tokens, the shortest first; batches are of neighbours, so that they need little
/// padding.
///
/// A batch is a pair of English ids [batch, length] and Spanish ids [batch, length + 1], int32: the English ones end with
/// the token 2, the Spanish ones begin with 1 and end with 2, and 0 fills both up to a multiple of 16.
public struct VersePairs: Dataset {
  /// The special tokens.
  static let (padding, begin, end) = (0, 1, 2)

  struct Item: Sendable {
    let verse: Verse
    let source: [Int32]
    let target: [Int32]
    /// Places that a batch needs for it.
    var length: Int { max(source.count, target.count - 1) }
  }

  let items: [Item]
  /// Texts that are followed at once when these are translated to be measured.
  let beams: Int

  init(_ items: [Item], beams: Int) {
    // Of equal lengths those stay in the order of the Bible.
    let order = items.indices.sorted { (items[$0].length, $0) < (items[$1].length, $1) }
    self.items = order.map { items[$0] }
    self.beams = beams
  }

  public var count: Int { items.count }
  public var keepsNeighbors: Bool { true }

  public func batch(_ indices: [Int]) -> Pair<Tensor, Tensor> {
    let items = indices.map { self.items[$0] }
    let length = Self.padded(items.map(\.length).max() ?? 0)
    return Pair(
      Self.table(items.map(\.source), length), Self.table(items.map(\.target), length + 1))
  }

  /// Few different lengths, since each is a program of its own.
  static func padded(_ length: Int) -> Int { max(1, (length + 15) / 16) * 16 }

  /// [rows, length], filled up with padding.
  static func table(_ rows: [[Int32]], _ length: Int) -> Tensor {
    Tensor(
      rows.flatMap { $0 + [Int32](repeating: Int32(padding), count: length - $0.count) },
      shape: [rows.count, length])
  }

  /// Bytes of the Spanish texts.
  var targetBytes: Int { items.reduce(0) { $0 + $1.verse.spanish.utf8.count } }
}

/// Verses in two languages, in byte pairs that were learned from the training part of both together.
public struct TranslationTexts: Sendable {
  let tokenizer: TokenizerPipeline
  private let verses: Verses
  /// Books that measurements during the training are made on.
  static let tuningBooks: Set<String> = ["Hab", "Joel", "Titus"]
  static let tuningName = "verses of Joel, Habakkuk and Titus"
  static let testName = "verses of Ruth, Jonah, Philippians and James"

  /// What was made last: a program makes its recipe more than once.
  private static let last = Mutex<(vocabulary: Int, texts: TranslationTexts)?>(nil)

  /// The texts with a vocabulary of so many tokens.
  static func sharing(vocabulary: Int) throws -> TranslationTexts {
    if let last = last.withLock({ $0 }), last.vocabulary == vocabulary { return last.texts }
    let texts = try TranslationTexts(vocabulary: vocabulary)
    last.withLock { $0 = (vocabulary, texts) }
    return texts
  }

  private init(vocabulary: Int) throws {
    verses = try Verses()
    var trainer = try TokenizerTrainer.byteLevel(
      vocabularySize: vocabulary, specialTokens: ["<pad>", "<s>", "</s>"])
    for verse in Self.training(verses) {
      trainer.count(verse.english)
      trainer.count(verse.spanish)
    }
    tokenizer = try trainer.train()
  }

  /// What is learned from: no verse of the books that are measured on, and none whose text stands there too.
  private static func training(_ verses: Verses) -> [Verse] {
    let kept = verses.pairs.filter { isKept($0) }
    let texts = Set(kept.flatMap { [$0.english, $0.spanish] })
    return verses.train.filter {
      !isKept($0) && !texts.contains($0.english) && !texts.contains($0.spanish)
    }
  }

  /// Whether it belongs to a book that is measured on.
  static func isKept(_ verse: Verse) -> Bool {
    verse.isHeldOut || tuningBooks.contains(verse.book)
  }

  /// - Parameters:
  ///   - longest: tokens of the longest verses that are learned from; all verses are measured on.
  ///   - beams: with which the test verses are translated; the others are greedily.
  func split(longest: Int, beams: Int) throws -> DataSplit<VersePairs> {
    func items(_ verses: [Verse]) -> [VersePairs.Item] {
      verses.map {
        .init(
          verse: $0, source: source($0.english),
          target: [Int32(VersePairs.begin)] + source($0.spanish))
      }
    }
    let training = items(Self.training(verses)).filter { $0.length <= longest }
    guard !training.isEmpty else { throw ShortVerses(longest: longest) }
    return DataSplit(
      training: VersePairs(training, beams: 1),
      heldOut: VersePairs(
        items(verses.train.filter { Self.tuningBooks.contains($0.book) }), beams: 1),
      heldOutName: Self.tuningName,
      test: VersePairs(items(verses.test), beams: beams),
      testName: Self.testName)
  }

  /// A text as an encoder reads it.
  func source(_ text: String) -> [Int32] {
    tokenizer.encode(text).map(Int32.init) + [Int32(VersePairs.end)]
  }

  /// What tokens say, without the special ones.
  func text(_ tokens: [Int]) -> String {
    tokenizer.decode(tokens, skippingSpecialTokens: true)
  }
}

/// No verse is short enough to learn from.
struct ShortVerses: Error, CustomStringConvertible {
  let longest: Int
  var description: String {
    "length: no verse has at most \(longest) tokens in both languages. Take a greater length."
  }
}
