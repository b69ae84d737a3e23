public import Layers
public import Tensors

/// Sizes of a recurrent language model.
public struct RecurrentLanguageModelConfiguration: Codable, Hashable, Sendable {
  /// Entries of the token table: 256 for bytes.
  public var vocabulary: Int
  /// Width of the token vectors.
  public var embedding: Int
  /// Width of the recurrent state.
  public var width: Int
  public var layers: Int
  /// Between layers.
  public var dropout: Double

  public init(
    vocabulary: Int = 256, embedding: Int, width: Int, layers: Int = 1, dropout: Double = 0
  ) {
    self.vocabulary = vocabulary
    self.embedding = embedding
    self.width = width
    self.layers = layers
    self.dropout = dropout
  }
}

/// A language model of one LSTM (Hochreiter and Schmidhuber 1997; Graves, arXiv:1308.0850): the state carries all that was
/// read, and the next token is read off it.
public struct RecurrentLanguageModel: Module {
  public var tokens: Embedding
  public var recurrent: LSTM
  public var head: Linear

  public init(_ configuration: RecurrentLanguageModelConfiguration, key: RandomKey) {
    tokens = Embedding(
      count: configuration.vocabulary, width: configuration.embedding, key: key.fork(0))
    // A forget bias of 1 keeps the memory open until there is a reason to close it (Gers et al. 2000).
    recurrent = LSTM(
      inputs: configuration.embedding, width: configuration.width, layers: configuration.layers,
      forgetBias: 1, dropout: configuration.dropout, key: key.fork(1))
    head = Linear(
      inputs: configuration.width, outputs: configuration.vocabulary, key: key.fork(2))
  }

  /// Logits of the next token at every place: ids [batch, time] → [batch, time, vocabulary].
  public func callAsFunction(_ ids: Tensor, _ phase: Phase = .inference) -> Tensor {
    // Time leads inside: each step is a slice of memory.
    let states = recurrent(tokens(ids.transposed()), isTimeMajor: true, phase).outputs
    return head(states).swapped(0, 1)
  }

  /// The state before the first token.
  public func start(batch: Int) -> [RecurrentState] { recurrent.start(batch: batch) }

  /// Logits behind the next tokens [batch], [batch, vocabulary].
  public func step(_ ids: Tensor, _ state: inout [RecurrentState]) -> Tensor {
    head(recurrent.step(tokens(ids), &state))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &tokens)
    visitor("rnn", &recurrent)
    visitor("decoder", &head)
  }
}
