internal import Layers
public import Models
public import Tensors

/// How the next token is chosen from its logits.
public struct TokenChoice: Hashable, Sendable {
  /// Logits are divided by this; 0 always takes the likeliest token.
  public var temperature: Double
  /// Only so many of the likeliest tokens are candidates; nil: all.
  public var topK: Int?

  public init(temperature: Double = 1, topK: Int? = nil) {
    self.temperature = temperature
    self.topK = topK
  }

  /// Token ids [batch], int32, for logits [batch, vocabulary].
  public func callAsFunction(_ logits: Tensor, _ key: RandomKey) -> Tensor {
    if temperature == 0 { return logits.argmax() }
    var logits = logits / temperature
    if let topK, topK < logits.shape[1] {
      let least = logits.topK(topK).values.sliced(1, (topK - 1)..<topK)
      logits = select(logits.less(than: least), Tensor(-.infinity, logits.dataType), logits)
    }
    return key.categorical(logits)
  }
}

/// Token by token, what a model writes after a prompt: a sequence of the next token of each text, without an end of its own.
///
///     for ids in TokenSampler(model, prompt: [[…]], capacity: 256, key: key).prefix(200) { … }
public struct TokenSampler<Model: TokenModel>: Sequence, IteratorProtocol {
  private var state: State
  private var pending: Tensor
  private let step: CompiledStep<State, Tensor, Tensor>

  private struct State: Module {
    var model: Model
    var memory: Model.Memory
    var key: RandomKey

    mutating func visit(_ visitor: inout Visitor) {
      visitor("model", &model)
      visitor("memory", &memory)
      visitor("key", &key)
    }
  }

  /// - Parameters:
  ///   - prompt: the tokens of each text so far: all of one length, at least one token.
  ///   - capacity: the most tokens that a text will have, prompt included.
  public init(
    _ model: Model, prompt: [[Int]], capacity: Int, choice: TokenChoice = TokenChoice(),
    key: RandomKey
  ) {
    guard let length = prompt.first?.count, length > 0, prompt.allSatisfy({ $0.count == length })
    else {
      fail("token sampler: prompts have one length and at least one token")
    }
    state = State(
      model: model, memory: model.memory(batch: prompt.count, capacity: capacity).evaluated(),
      key: key)
    pending = Tensor(prompt.flatMap { $0.map(Int32.init) }, shape: [prompt.count, length])
    step = compiled { (state: inout State, ids: Tensor) in
      let logits = state.model.read(ids, &state.memory)
      let chosen = choice(logits, state.key.fork(0))
      state.key = state.key.fork(1)
      return chosen.reshaped([chosen.count, 1])
    }
  }

  /// The next token of every text.
  public mutating func next() -> [Int]? {
    let chosen = step(&state, pending)
    pending = chosen
    return chosen.integers()
  }
}
