import Layers
import Models
import Optimizers
import Tensors
import TestSupport
import Testing

/// What holds for every recurrent encoder-decoder.
@Suite struct Seq2SeqTests {
  static let kinds: [AlignmentKind?] = [
    nil, .bahdanau(width: 5), .luong(.dot, feedsInput: false), .luong(.dot, feedsInput: true),
    .luong(.general, feedsInput: true), .luong(.concat(width: 4), feedsInput: false),
    .luong(.location(longest: 12), feedsInput: true),
  ]
  private static let key = RandomKey(seed: 5)

  private static func model(
    _ kind: AlignmentKind?, vocabulary: Int = 9, embedding: Int = 6, width: Int = 8
  ) -> RecurrentSeq2Seq<GRUCell> {
    var configuration = RecurrentSeq2SeqConfiguration(
      vocabulary: vocabulary, embedding: embedding, width: width)
    configuration.alignment = kind
    configuration.isBidirectional = true
    return RecurrentSeq2Seq(configuration, key: key) { GRUCell(inputs: $0, width: $1, key: $2) }
  }

  private static func ids(_ seed: UInt64, _ shape: [Int]) -> Tensor {
    RandomKey(seed: seed).integers(below: 9, shape)
  }

  @Test(arguments: kinds) func `more padding changes neither outputs nor gradients`(
    _ kind: AlignmentKind?
  ) {
    let lengths = Tensor([5, 3] as [Int32])
    let (source, target) = (Self.ids(1, [2, 5]), Self.ids(2, [2, 4]))
    let more = concatenate([source, Self.ids(3, [2, 6])], axis: 1)
    func run(_ source: Tensor) -> (logits: Tensor, gradient: [Tensor]) {
      let model = Self.model(kind).mapTensors { $0 * 2 }
      let gradient = valueAndGradient(at: model) {
        $0(source, target, lengths: lengths).square().sum()
      }.gradient
      return (model(source, target, lengths: lengths), gradient.tensors)
    }
    let (a, b) = (run(source), run(more))
    #expect(distance(a.logits, b.logits) < 1e-6)
    for (one, two) in zip(a.gradient, b.gradient) {
      // The rows of a table of places that no text reaches have no gradient either.
      #expect(distance(one, two, least: 1e-3) < 2e-6)
    }
  }

  @Test(arguments: kinds) func `a place of the target depends on none behind it`(
    _ kind: AlignmentKind?
  ) {
    let model = Self.model(kind)
    let (source, target) = (Self.ids(1, [2, 5]), Self.ids(2, [2, 6]))
    let whole = model(source, target)
    let changed = concatenate([target.sliced(1, 0..<3), Self.ids(9, [2, 3])], axis: 1)
    let other = model(source, changed)
    #expect(whole.sliced(1, 0..<3).floats() == other.sliced(1, 0..<3).floats())
    #expect(distance(whole, other) > 1e-4)
  }

  @Test(arguments: kinds.dropFirst()) func `alignments sum to 1 and are 0 beyond a source's end`(
    _ kind: AlignmentKind?
  ) throws {
    let weights = try #require(
      Self.model(kind).alignment(
        Self.ids(1, [2, 7]), Self.ids(2, [2, 4]), lengths: Tensor([7, 3] as [Int32])))
    #expect(weights.shape == [2, 4, 7])
    #expect(distance(weights.sum([-1]), .fill(1, [2, 4])) < 1e-6)
    #expect(weights.element(0, 1).sliced(1, 3..<7).floats().allSatisfy { $0 == 0 })
  }

  @Test(arguments: kinds) func `token by token the decoder gives what it gives at once`(
    _ kind: AlignmentKind?
  ) {
    let model = Self.model(kind)
    let (source, target) = (Self.ids(1, [2, 5]), Self.ids(2, [2, 6]))
    let encoded = model.encoded(source, lengths: Tensor([5, 2] as [Int32]))
    let whole = model(source, target, lengths: Tensor([5, 2] as [Int32]))
    var memory = model.memory(of: encoded, batch: 2, capacity: 8, padding: nil)
    var parts = [model.read(target.sliced(1, 0..<2), &memory, last: 2)]
    for i in 2..<6 { parts.append(model.read(target.sliced(1, i..<(i + 1)), &memory, last: 1)) }
    #expect(distance(concatenate(parts, axis: 1), whole) < 1e-5)

    // Padding before a text is unseen, and rows go on alone.
    memory = model.memory(of: encoded, batch: 2, capacity: 8, padding: Tensor([2, 0] as [Int32]))
    let first = model.read(target.sliced(1, 0..<5), &memory, last: 2).sliced(0, 0..<1)
    memory = memory.rows(Tensor([0] as [Int32]))
    let second = model.read(Self.ids(8, [1, 1]), &memory, last: 1)
    let own = concatenate(
      [target.sliced(0, 0..<1).sliced(1, 2..<5), Self.ids(8, [1, 1])], axis: 1)
    let alone = model(source.sliced(0, 0..<1), own)
    #expect(distance(first, alone.sliced(1, 1..<3)) < 1e-5)
    #expect(distance(second, alone.sliced(1, 3..<4)) < 1e-5)
  }

  @Test func `where all scores are alike the context is the mean`() {
    var alignment = Alignment(
      .bahdanau(width: 4), sourceWidth: 3, width: 5, key: Self.key)
    alignment.vector = alignment.vector!.zerosLike()
    let states = Self.key.fork(1).normal([2, 4, 3])
    let memory = alignment.memory(of: states, mask: nil)
    let weights = alignment.weights(Self.key.fork(2).normal([2, 6, 5]), memory)
    #expect(distance(weights, .fill(0.25, [2, 6, 4])) < 1e-6)
  }

  @Test func `the location score ignores what the source says`() {
    let model = Self.model(.luong(.location(longest: 6), feedsInput: false))
    let queries = Self.key.fork(2).normal([1, 2, 8])
    let slope = valueAndGradient(at: Self.key.fork(3).normal([1, 6, 8])) { states in
      let memory = model.alignment!.memory(of: states, mask: nil)
      return model.alignment!.weights(queries, memory).square().sum() + states.sum() * 0
    }.gradient
    #expect(slope.floats().allSatisfy { $0 == 0 })
  }

  /// Texts of the symbols 2 … 9 turned round; 0 pads, 1 begins.
  private static func reversal(_ step: Int) -> (source: Tensor, target: Tensor) {
    let source =
      RandomKey(seed: 77).fork(step).integers(below: 8, [32, 6]) + Tensor(2).cast(to: .int32)
    let begin = Tensor.fill(integer: 1, [32, 1], .int32)
    return (source, concatenate([begin, source.reversed(1)], axis: 1))
  }

  @Test(arguments: [AlignmentKind.bahdanau(width: 24), .luong(.general, feedsInput: true)])
  func `turning texts round is learnt without a mistake, on a diagonal`(_ kind: AlignmentKind)
    throws
  {
    var model = Self.model(kind, vocabulary: 10, embedding: 16, width: 48)
    var optimizer = Adam(for: model, learningRate: 8e-3)
    let step = compiled {
      (
        state: inout Pair<RecurrentSeq2Seq<GRUCell>, Adam<RecurrentSeq2Seq<GRUCell>>>,
        batch: Pair<Tensor, Tensor>
      ) in
      let (loss, gradient) = valueAndGradient(updating: &state.first) { model in
        crossEntropy(
          model(batch.first, batch.second.sliced(1, 0..<6)).reshaped([-1, 10]),
          batch.second.sliced(1, 1..<7).reshaped([-1]))
      }
      state.second.update(&state.first, along: gradient.clipped(toGlobalNorm: 1).0)
      return loss
    }
    var state = Pair(model, optimizer)
    for i in 0..<400 {
      let (source, target) = Self.reversal(i)
      _ = step(&state, Pair(source, target))
    }
    (model, optimizer) = (state.first, state.second)
    let (source, target) = Self.reversal(100_000)
    let answers = model(source, target.sliced(1, 0..<6)).argmax()
    #expect(answers.doubles() == target.sliced(1, 1..<7).doubles())
    let weights = try #require(model.alignment(source, target.sliced(1, 0..<6)))
    let places = weights.mean([0]).argmax().doubles()
    #expect(places == [5, 4, 3, 2, 1, 0])
  }
}
