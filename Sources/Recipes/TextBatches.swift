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
    let windows = min((ids.count - 1) / length, limit ?? .max)
    self.ids = Array(ids[...(windows * length)])
    self.length = length
    self.byteCount = Int(
      (Double(byteCount) * Double(windows * length) / Double(ids.count)).rounded())
  }

  public var count: Int { (ids.count - 1) / length }

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

extension TokenModel {
  /// Texts that the model writes, as a figure.
  func written(
    prompt: String, texts: Int, tokens: Int, choice: TokenChoice, key: RandomKey,
    encode: (String) -> [Int], decode: ([Int]) -> [UInt8]
  ) -> Figure {
    let start = encode(prompt)
    var sampler = TokenSampler(
      self, prompt: [[Int]](repeating: start, count: texts), capacity: start.count + tokens,
      choice: choice, key: key)
    var written = [[Int]](repeating: [], count: texts)
    for _ in 0..<tokens {
      for (text, id) in (sampler.next() ?? []).enumerated() { written[text].append(id) }
    }
    return .texts(
      TextSamples(
        samples: written.map { TextSamples.Sample(given: prompt, bytes: decode($0)) },
        temperature: choice.temperature))
  }
}

/// Held-out windows that are measured: enough for two decimals, few enough for seconds.
private let measuredWindows = 1024

extension DataSplit where Data == TextBatches {
  /// The bytes of the user's text, or of WordNet's definitions, with the last 5 % held out.
  static func bytes(of path: String?, length: Int) throws -> DataSplit<TextBatches> {
    let parts = try corpus(path).split()
    func windows(_ bytes: some Collection<UInt8>, limit: Int?) -> TextBatches {
      TextBatches(bytes.map(Int32.init), length: length, byteCount: bytes.count, limit: limit)
    }
    return DataSplit(
      training: windows(parts.train.bytes, limit: nil),
      heldOut: windows(parts.test.bytes, limit: measuredWindows))
  }
}

private func corpus(_ path: String?) throws -> TextCorpus {
  try path.map { try TextCorpus(contentsOf: $0) } ?? WordNet.glosses()
}

/// A text in byte pairs that were learned from its training part.
struct LearnedPairs: Sendable {
  let tokenizer: BytePairTokenizer
  private let train: [Int32]
  private let test: [Int32]
  private let byteCounts: (train: Int, test: Int)

  init(text path: String?, vocabulary: Int) throws {
    let parts = try corpus(path).split()
    var trainer = try BytePairTrainer(vocabularySize: vocabulary)
    trainer.count(bytes: parts.train.bytes)
    let tokenizer = trainer.train()
    self.tokenizer = tokenizer
    train = tokenizer.encode(bytes: parts.train.bytes).map(Int32.init)
    test = tokenizer.encode(bytes: parts.test.bytes).map(Int32.init)
    byteCounts = (parts.train.bytes.count, parts.test.bytes.count)
  }

  func windows(length: Int) -> DataSplit<TextBatches> {
    DataSplit(
      training: TextBatches(train, length: length, byteCount: byteCounts.train),
      heldOut: TextBatches(test, length: length, byteCount: byteCounts.test, limit: measuredWindows)
    )
  }
}
