internal import Datasets
public import Layers
internal import Models
internal import Reports
internal import Samplers
public import Tensors
internal import Tokenizers
public import Training

/// Windows of consecutive tokens: each has one more than the model reads, since every token but the first is predicted.
public struct TextBatches: Dataset {
  let ids: [Int32]
  let length: Int
  /// Bytes of text behind the tokens.
  let byteCount: Int

  /// - Parameter limit: the most windows that are used; nil: all.
  init(_ ids: [Int32], length: Int, byteCount: Int, limit: Int? = nil) {
    let windows = min(max(0, ids.count - 1) / length, limit ?? .max)
    self.ids = Array(ids.prefix(windows * length + 1))
    self.length = length
    self.byteCount = Int(
      (Double(byteCount) * Double(windows * length) / Double(max(1, ids.count))).rounded())
  }

  public var count: Int { max(0, ids.count - 1) / length }

  /// [batch, length + 1], int32.
  public func batch(_ indices: [Int]) -> Tensor {
    Tensor(
      indices.flatMap { ids[($0 * length)...(($0 + 1) * length)] },
      shape: [indices.count, length + 1])
  }

  /// Bits per byte of a mean loss in nats per token.
  func bitsPerByte(nats: Double) -> Double {
    nats / 0.6931471805599453 * Double(count * length) / Double(byteCount)
  }
}

/// How a recipe lets its model write.
struct Writer: Sendable {
  /// Tokens of each text besides its prompt.
  var tokens: Int
  /// Tokens that the model can look back on; only so much of a prompt is read.
  var context = 1 << 20
  var settings: GenerationSettings
  var encode: @Sendable (String) -> [Int]
  var decode: @Sendable ([Int]) -> [UInt8]

  private static let prompt = "a small "

  func figure(_ model: some TokenModel<Nothing>, _ key: RandomKey) -> Figure {
    .texts(
      TextSamples(
        samples: texts(model, after: Self.prompt, count: 4, key).map {
          TextSamples.Sample(given: Self.prompt, bytes: $0)
        }, temperature: settings.temperature))
  }

  func samples(_ model: some TokenModel<Nothing>, _ request: SampleRequest) -> SampleBatch {
    let prompt = request.prompt ?? Self.prompt
    return .texts(
      request.inParts(of: 64) { count, key in
        texts(model, after: prompt, count: count, key).map {
          String(decoding: Array(prompt.utf8) + $0, as: UTF8.self)
        }
      })
  }

  /// Bytes that the model writes behind a prompt.
  private func texts(
    _ model: some TokenModel<Nothing>, after prompt: String, count: Int, _ key: RandomKey
  ) -> [[UInt8]] {
    let tokens = min(tokens, max(1, context / 2))
    // Where nothing is given a line begins.
    let start = encode(prompt.isEmpty ? "\n" : prompt).suffix(context - tokens)
    var settings = settings
    settings.maxNewTokens = tokens
    settings.numReturnSequences = count
    do {
      let written = try TokenGenerator(model)([Array(start)], settings, key: key)
      return written.map { decode($0.tokens) }
    } catch {
      preconditionFailure("a recipe's writer: \(error)")
    }
  }
}

/// Held-out windows that are measured: enough for two decimals, few enough for seconds.
let measuredWindows = 1024

extension DataSplit where Data == TextBatches {
  /// The bytes of the user's text, or of WordNet's definitions, with the last 5 % held out.
  static func bytes(of path: String?, length: Int) throws -> DataSplit<TextBatches> {
    let parts = try corpus(path).split()
    func windows(_ bytes: some Collection<UInt8>, limit: Int?) -> TextBatches {
      TextBatches(bytes.map(Int32.init), length: length, byteCount: bytes.count, limit: limit)
    }
    return try DataSplit(
      windows: windows(parts.train.bytes, limit: nil),
      heldOut: windows(parts.test.bytes, limit: measuredWindows))
  }

  /// - Throws: if the text is too short for a window in each part.
  init(windows training: TextBatches, heldOut: TextBatches) throws {
    guard training.count > 0, heldOut.count > 0 else { throw ShortText(length: training.length) }
    self.init(training: training, heldOut: heldOut, heldOutName: "held-out windows")
  }
}

/// A text that is too short to learn from.
struct ShortText: Error, CustomStringConvertible {
  /// Tokens of a window.
  let length: Int
  var description: String {
    "text: it is too short; its last twentieth needs more than length, \(length), tokens. "
      + "Take a longer text, or a smaller length."
  }
}

private func corpus(_ path: String?) throws -> TextCorpus {
  try path.map { try TextCorpus(contentsOf: $0) } ?? WordNet.glosses()
}

/// A text in byte pairs that were learned from its training part.
struct LearnedPairs: Sendable {
  let tokenizer: TokenizerPipeline
  private let train: [Int32]
  private let test: [Int32]
  private let byteCounts: (train: Int, test: Int)

  init(text path: String?, vocabulary: Int) throws {
    let parts = try corpus(path).split()
    var trainer = try TokenizerTrainer.byteLevel(vocabularySize: vocabulary)
    trainer.count(bytes: parts.train.bytes)
    let tokenizer = try trainer.train()
    self.tokenizer = tokenizer
    train = tokenizer.encode(bytes: parts.train.bytes).map(Int32.init)
    test = tokenizer.encode(bytes: parts.test.bytes).map(Int32.init)
    byteCounts = (parts.train.bytes.count, parts.test.bytes.count)
  }

  func windows(length: Int) throws -> DataSplit<TextBatches> {
    try DataSplit(
      windows: TextBatches(train, length: length, byteCount: byteCounts.train),
      heldOut: TextBatches(test, length: length, byteCount: byteCounts.test, limit: measuredWindows)
    )
  }
}
