public import Layers
public import Tensors

/// Many to one: a class of a whole sequence, read off the last valid states or off the mean of all.
///
///     let model = SequenceClassifier(
///       tokens: Embedding(count: 256, width: 32, key: key),
///       recurrent: GRU(inputs: 32, width: 64, isBidirectional: true, key: key), classes: 2, key: key)
///     let logits = model(ids, lengths: lengths)    // [batch, 2]
public struct SequenceClassifier<Cell: RecurrentCell>: Module {
  /// What a sequence is summed up in.
  public enum Summary: String, Codable, Hashable, Sendable {
    /// The state behind its last token, and in the other direction that behind its first.
    case last
    /// The mean of its states.
    case mean
  }

  public var tokens: Embedding
  public var recurrent: Recurrent<Cell>
  public var head: Linear
  public let summary: Summary

  public init(
    tokens: Embedding, recurrent: Recurrent<Cell>, classes: Int, summary: Summary = .last,
    key: RandomKey
  ) {
    (self.tokens, self.recurrent, self.summary) = (tokens, recurrent, summary)
    head = Linear(inputs: recurrent.outputs, outputs: classes, key: key)
  }

  /// Logits, [batch, classes].
  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - lengths: the tokens of every row, int32, [batch]; nil: all. What stands beyond changes nothing.
  public func callAsFunction(
    _ ids: Tensor, lengths: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    let (outputs, states) = recurrent(
      tokens(ids.transposed()), lengths: lengths, isTimeMajor: true, phase)
    switch summary {
    case .last:
      let top = states.suffix(states.count / recurrent.layers)
      return head(concatenate(top.map(\.hidden), axis: -1))
    case .mean:
      guard let lengths else { return head(outputs.mean([0])) }
      return head(outputs.sum([0]) / lengths.cast(to: outputs.dataType).expanded(1))
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("recurrent", &recurrent)
    visitor("head", &head)
    visitor.fixed("summary", summary)
  }
}

/// Many to many, aligned: a tag for every token of a sequence.
public struct SequenceTagger<Cell: RecurrentCell>: Module {
  public var tokens: Embedding
  public var recurrent: Recurrent<Cell>
  public var head: Linear

  public init(tokens: Embedding, recurrent: Recurrent<Cell>, tags: Int, key: RandomKey) {
    (self.tokens, self.recurrent) = (tokens, recurrent)
    head = Linear(inputs: recurrent.outputs, outputs: tags, key: key)
  }

  /// Logits, [batch, length, tags].
  /// - Parameters: as for `SequenceClassifier`.
  public func callAsFunction(
    _ ids: Tensor, lengths: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    let states = recurrent(tokens(ids.transposed()), lengths: lengths, isTimeMajor: true, phase)
    return head(states.outputs).swapped(0, 1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("recurrent", &recurrent)
    visitor("head", &head)
  }
}

/// One to many: a language model that begins with a vector instead of with nothing.
public struct ConditionedWriter<Cell: RecurrentCell>: Module {
  /// The first states of all layers are tanh of what it makes of the vector.
  public var condition: Linear
  public var tokens: Embedding
  public var recurrent: Recurrent<Cell>
  public var head: Linear

  /// - Parameter conditions: the numbers of the vector.
  public init(
    conditions: Int, tokens: Embedding, recurrent: Recurrent<Cell>, key: RandomKey
  ) {
    condition = Linear(
      inputs: conditions, outputs: recurrent.outputs * recurrent.layers, key: key.fork(0))
    (self.tokens, self.recurrent) = (tokens, recurrent)
    head = Linear(inputs: recurrent.outputs, outputs: tokens.count, key: key.fork(1))
  }

  /// The states before the first token, of vectors [batch, conditions].
  public func start(_ vector: Tensor) -> [RecurrentState] {
    let first = condition(vector).tanh().split(-1, into: recurrent.layers)
    var states = recurrent.start(batch: vector.shape[0], vector.dataType)
    for i in states.indices { states[i].hidden = first[i] }
    return states
  }

  /// Logits of the next token at every place: ids [batch, length] → [batch, length, vocabulary].
  public func callAsFunction(
    _ vector: Tensor, _ ids: Tensor, _ phase: Phase = .inference
  ) -> Tensor {
    let states = recurrent(
      tokens(ids.transposed()), state: start(vector), isTimeMajor: true, phase)
    return head(states.outputs).swapped(0, 1)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("condition", &condition)
    visitor("tokens", &tokens)
    visitor("recurrent", &recurrent)
    visitor("head", &head)
  }
}
