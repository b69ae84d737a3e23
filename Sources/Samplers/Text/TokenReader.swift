internal import Layers
internal import Models
internal import Tensors

/// A model and what it remembers, which a step changes.
struct ReadingState<Model: TokenModel>: Module {
  var model: Model
  var memory: Model.Memory

  mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor.buffer("memory", &memory)
  }
}

/// What a step reads.
struct Reading: Module {
  /// [batch, length], int32.
  var ids: Tensor
  /// The texts that go on, where they are others than before: int32, [batch].
  var rows: Tensor?
  /// The last places whose logits are wanted.
  let count: Int

  mutating func visit(_ visitor: inout Visitor) {
    visitor("ids", &ids)
    visitor("rows", &rows)
    visitor.fixed("count", count)
  }
}

/// The program of a step.
typealias ReadingStep<Model: TokenModel> = CompiledStep<ReadingState<Model>, Reading, Tensor>

extension CompiledStep where Batch == Reading, Result == Tensor {
  /// Reads and gives logits [batch, count, vocabulary], float32.
  static func reading<Model: TokenModel>() -> CompiledStep where State == ReadingState<Model> {
    compiled { (state: inout ReadingState<Model>, reading: Reading) in
      if let rows = reading.rows { state.memory = state.memory.rows(rows) }
      return state.model.read(reading.ids, &state.memory, last: reading.count).cast(to: .float32)
    }
  }
}

/// Feeds a model with tokens, step by step, and makes room for them.
struct TokenReader<Model: TokenModel> {
  private let step: ReadingStep<Model>
  private var state: ReadingState<Model>
  private var capacity: Int
  /// The weight of the prompts against none: each text is read once more without its prompt's tokens but the last.
  private let guidance: Double?
  /// Tokens that the memory has.
  private(set) var count = 0

  /// A reader with an empty memory.
  init(_ generator: TokenGenerator<Model>, _ source: Model.Source, _ start: GenerationStart) {
    step = generator.step
    capacity = Self.leastCapacity
    guidance = start.settings.guidanceScale == 1 ? nil : start.settings.guidanceScale
    var prompts = start.texts.map { Int32($0.prompt) }
    var padding = start.padding.map(Int32.init)
    if guidance != nil {
      prompts += prompts
      padding += padding.map { _ in Int32(start.rows[0].count - 1) }
    }
    let rows = Tensor(prompts)
    let isPadded = padding.contains { $0 > 0 }
    let memory = generator.model.memory(
      of: source.mapTensors { $0.rows(rows) }, batch: prompts.count, capacity: capacity,
      padding: isPadded ? Tensor(padding) : nil)
    state = ReadingState(model: generator.model, memory: memory.evaluated())
  }

  /// Every capacity is another program, so there are only powers of two.
  private static var leastCapacity: Int { 64 }

  /// Reads tokens, as many of each text, and gives the logits behind the last `last` of them: [text][place][token].
  /// - Parameter rows: the texts that go on; all unless given.
  mutating func callAsFunction(_ ids: [[Int]], rows: [Int]? = nil, last: Int = 1) -> [[[Float]]] {
    let length = ids[0].count
    count += length
    if count > capacity {
      while count > capacity { capacity *= 2 }
      state.memory = state.memory.grown(to: capacity).evaluated()
    }
    let texts = ids.count
    var (ids, rows) = (ids, rows)
    if guidance != nil {
      ids += ids
      rows = rows.map { rows in rows + rows.map { $0 + texts } }
    }
    let reading = Reading(
      ids: Tensor(ids.flatMap { $0.map(Int32.init) }, shape: [ids.count, length]),
      rows: rows.map { Tensor($0.map(Int32.init)) }, count: last)
    let logits = step(&state, reading)
    let (vocabulary, all) = (logits.shape[2], logits.floats())
    func row(_ text: Int, _ place: Int) -> [Float] {
      let start = (text * last + place) * vocabulary
      return Array(all[start..<(start + vocabulary)])
    }
    return (0..<texts).map { text in
      (0..<last).map { place in
        guard let guidance else { return row(text, place) }
        return guidedLogits(
          row(text, place).logSoftmax, against: row(text + texts, place).logSoftmax,
          scale: guidance)
      }
    }
  }
}

extension TokenReader where Model.Memory: RewindableMemory {
  /// Forgets the last tokens.
  mutating func forget(_ tokens: Int) {
    guard tokens > 0 else { return }
    count -= tokens
    state.memory = state.memory.forgetting(.fill(integer: Int64(tokens), [], .int32))
  }
}
