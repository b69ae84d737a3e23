import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// Searches over a recurrent encoder-decoder whose every text can be weighed.
@Suite struct SequenceSearchTests {
  private static let (vocabulary, end) = (4, 3)
  private static let model = {
    var configuration = RecurrentSeq2SeqConfiguration(
      vocabulary: vocabulary, embedding: 5, width: 6)
    configuration.isBidirectional = true
    configuration.alignment = .bahdanau(width: 4)
    return RecurrentSeq2Seq(configuration, key: RandomKey(seed: 4)) {
      GRUCell(inputs: $0, width: $1, key: $2)
    }.mapTensors { $0 * 4 }
  }()
  private static let sources = Tensor([1, 2, 2, 0, 3, 1] as [Int32], shape: [2, 3])

  /// The log-probability of tokens behind the begin token 0, teacher-forced.
  private func logProbability(_ tokens: [Int], source: Int) -> Double {
    let ids = [0] + tokens.prefix(tokens.count - 1).map { Int32($0) }
    let logits = Self.model(
      Self.sources.sliced(0, source..<(source + 1)), Tensor(ids, shape: [1, ids.count]))
    let rows = logits.logSoftmax().doubles()
    return zip(tokens.indices, tokens).map { rows[$0 * Self.vocabulary + $1] }.reduce(0, +)
  }

  private func settings(beams: Int, tokens: Int) -> GenerationSettings {
    var settings = GenerationSettings()
    settings.numBeams = beams
    settings.maxNewTokens = tokens
    settings.eosTokenId = [Self.end]
    settings.lengthPenalty = 0
    settings.earlyStopping = .never
    return settings
  }

  @Test func `a beam as wide as all texts finds the likeliest of them`() throws {
    let length = 4
    var texts: [[Int]] = []
    var open: [[Int]] = [[]]
    for _ in 0..<length {
      let longer = open.flatMap { text in (0..<Self.vocabulary).map { text + [$0] } }
      texts += longer.filter { $0.last == Self.end }
      open = longer.filter { $0.last != Self.end }
    }
    texts += open
    let generator = TokenGenerator(Self.model)
    let found = try generator(
      [[0], [0]], of: Self.model.encoded(Self.sources), settings(beams: 256, tokens: length))
    for (source, beam) in found.enumerated() {
      let all = texts.map { logProbability($0, source: source) }
      let best = try #require(all.indices.max { all[$0] < all[$1] })
      #expect(beam.tokens == texts[best])
      // The score of a beam is what the whole model says of the text at once.
      #expect(abs(try #require(beam.score) - all[best]) < 1e-5)
    }
  }

  @Test func `one beam is the greedy text`() throws {
    let generator = TokenGenerator(Self.model)
    let source = Self.model.encoded(Self.sources)
    let settings = settings(beams: 1, tokens: 9)
    var search = try generator.beams([[0], [0]], of: source, settings)
    while search.next() != nil {}
    let greedy = try generator([[0], [0]], of: source, settings)
    #expect(search.best.map(\.tokens) == greedy.map(\.tokens))
  }
}
