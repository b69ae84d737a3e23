import Documents
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// Encoder-decoders, classifiers, taggers and writers made of PyTorch's packed sequences: logits, alignments, gradients.
@Suite struct SequenceFixturesTests {
  private static let (vocabulary, embedding, width) = (11, 4, 6)
  private static let key = RandomKey(seed: 1)
  static let cases = Fixture.cases(["Seq2Seq", "Classifier", "Tagger", "Writer"])

  @Test(.enabled(if: Fixture.areOwn)) func thereAreCases() { #expect(Self.cases.count == 14) }

  @Test(arguments: cases) func agreesWithPyTorch(_ example: Fixture.Case) throws {
    let key = Self.key
    let tokens = Embedding(count: Self.vocabulary, width: Self.embedding, key: key)
    func gru() -> GRU {
      GRU(inputs: Self.embedding, width: Self.width, layers: 2, isBidirectional: true, key: key)
    }
    switch example.operation {
    case "Classifier":
      let summary = example.string("summary").flatMap(SequenceClassifier<GRUCell>.Summary.init)
      let form = SequenceClassifier(
        tokens: tokens, recurrent: gru(), classes: 3, summary: try #require(summary), key: key)
      try check(form, example) { $0($1.source, lengths: $1.lengths) }
    case "Tagger":
      let form = SequenceTagger(tokens: tokens, recurrent: gru(), tags: 3, key: key)
      try check(form, example) { $0($1.source, lengths: $1.lengths) }
    case "Writer":
      let lstm = LSTM(inputs: Self.embedding, width: Self.width, layers: 2, key: key)
      let form = ConditionedWriter(conditions: 2, tokens: tokens, recurrent: lstm, key: key)
      try check(form, example) {
        $0($1.source.sliced(1, 0..<2).cast(to: .float32) / Double(Self.vocabulary), $1.target)
      }
    default: try checkSeq2Seq(example)
    }
  }

  private func checkSeq2Seq(_ example: Fixture.Case) throws {
    var configuration = RecurrentSeq2SeqConfiguration(
      vocabulary: Self.vocabulary, embedding: Self.embedding, width: Self.width,
      layers: example.integer("layers") ?? 1)
    configuration.isBidirectional = example.isTrue("bidirectional") ?? false
    configuration.readsBackwards = example.isTrue("backwards") ?? false
    let scores: [String: AlignmentScore] = [
      "dot": .dot, "general": .general, "concat": .concat(width: 5),
      "location": .location(longest: 9),
    ]
    switch example.string("style") {
    case "bahdanau": configuration.alignment = .bahdanau(width: 5)
    case "luong":
      let score = try #require(scores[example.string("score") ?? ""])
      configuration.alignment = .luong(score, feedsInput: example.isTrue("feeds") ?? false)
    default: break
    }
    switch example.string("cell") {
    case "RNN":
      try checkSeq2Seq(
        RecurrentSeq2Seq(configuration, key: Self.key) {
          RNNCell(inputs: $0, width: $1, key: $2)
        }, example)
    case "LSTM":
      try checkSeq2Seq(
        RecurrentSeq2Seq(configuration, key: Self.key) {
          LSTMCell(inputs: $0, width: $1, key: $2)
        }, example)
    default:
      try checkSeq2Seq(
        RecurrentSeq2Seq(configuration, key: Self.key) {
          GRUCell(inputs: $0, width: $1, key: $2)
        }, example)
    }
  }

  private func checkSeq2Seq<Cell>(_ form: RecurrentSeq2Seq<Cell>, _ example: Fixture.Case) throws {
    try check(form, example) { $0($1.source, $1.target, lengths: $1.lengths) }
    let given = try Given(example)
    let model = try example.weights(into: form)
    let weights = model.alignment(given.source, given.target, lengths: given.lengths)
    #expect((weights == nil) == (form.alignment == nil))
    if let weights { #expect(try distance(weights, example.output("weights")) < 1e-5) }
  }

  private struct Given {
    let source, target, lengths: Tensor
    init(_ example: Fixture.Case) throws {
      source = try example.input("source")
      target = try example.input("target")
      lengths = try example.input("lengths")
    }
  }

  private func check<M: Module>(
    _ form: M, _ example: Fixture.Case, _ logits: (M, Given) -> Tensor
  ) throws {
    let given = try Given(example)
    let model = try example.weights(into: form)
    #expect(forgottenTensors(in: model) == [])
    let probe = try example.probe("logits")
    // Beyond a row's end a tag means nothing.
    let counts = probe.notEqual(to: probe.zerosLike()).cast(to: .float32)
    let error = try distance(logits(model, given) * counts, example.output("logits") * counts)
    #expect(error < 1e-5, "logits are \(error) away")
    let gradient = valueAndGradient(at: model) { (logits($0, given) * probe).sum() }.gradient
    #expect(example.gradients.count == gradient.leaves.count)
    for leaf in gradient.leaves {
      let expected = try #require(example.gradient(leaf.name), "\(leaf.name)")
      let error = distance(leaf.tensor, expected, least: 1e-3)
      #expect(error < 1e-4, "gradient by \(leaf.name) is \(error) away")
    }
  }
}
