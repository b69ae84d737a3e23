public import Layers
public import Tensors

/// Sizes and choices of a recurrent encoder-decoder.
public struct RecurrentSeq2SeqConfiguration: Codable, Hashable, Sendable {
  /// Entries of the token table that both sides share.
  public var vocabulary: Int
  /// Width of the token vectors.
  public var embedding: Int
  /// Width of the decoder's state; a cell of an encoder in two directions has half of it.
  public var width: Int
  /// Of each side.
  public var layers: Int
  public var isBidirectional = false
  /// The encoder reads from the end of the source, so that its last state is close to the first words (Sutskever et al.).
  public var readsBackwards = false
  /// nil: the decoder knows of the source what the encoder's last states say.
  public var alignment: AlignmentKind?
  /// Of the embedded tokens, between the encoder's layers, and of what the next token is read off.
  public var dropout = 0.0

  public init(vocabulary: Int, embedding: Int, width: Int, layers: Int = 1) {
    self.vocabulary = vocabulary
    self.embedding = embedding
    self.width = width
    self.layers = layers
  }
}

/// A recurrent encoder-decoder (Sutskever et al., arXiv:1409.3215; Cho et al., arXiv:1406.1078): the encoder's last states
/// are the decoder's first ones, and the decoder may look back at all of the encoder's states (`AlignmentKind`).
///
///     let model = RecurrentSeq2Seq(configuration, key: key) { GRUCell(inputs: $0, width: $1, key: $2) }
///     let logits = model(source, target, lengths: lengths)    // [batch, target, vocabulary]
public struct RecurrentSeq2Seq<Cell: RecurrentCell>: Module {
  public var tokens: Embedding
  public var encoder: Recurrent<Cell>
  public var decoder: Recurrent<Cell>
  public var alignment: Alignment?
  public var head: Linear
  public let configuration: RecurrentSeq2SeqConfiguration

  /// - Parameter cell: makes a cell for so many inputs, with so many outputs.
  public init(
    _ configuration: RecurrentSeq2SeqConfiguration, key: RandomKey,
    cell: (_ inputs: Int, _ width: Int, _ key: RandomKey) -> Cell
  ) {
    let (width, embedding) = (configuration.width, configuration.embedding)
    let directions = configuration.isBidirectional ? 2 : 1
    guard width % directions == 0 else { fail("seq2seq: a width of \(width) has no half") }
    self.configuration = configuration
    tokens = Embedding(
      count: configuration.vocabulary, width: embedding,
      initializer: .normal(deviation: 1 / Double(embedding).squareRoot()), key: key.fork(0))
    encoder = Recurrent(
      inputs: embedding, layers: configuration.layers,
      isBidirectional: configuration.isBidirectional, dropout: configuration.dropout,
      key: key.fork(1)
    ) { cell($0, width / directions, $1) }
    alignment = configuration.alignment.map {
      Alignment($0, sourceWidth: width, width: width, key: key.fork(2))
    }
    decoder = Recurrent(
      inputs: embedding + (alignment?.fed ?? 0), layers: configuration.layers, key: key.fork(3)
    ) { cell($0, width, $1) }
    head = Linear(inputs: width, outputs: configuration.vocabulary, key: key.fork(4))
  }

  // MARK: Use

  /// Logits of the next token at every place of the target: [batch, its length, vocabulary].
  /// - Parameters:
  ///   - source: ids, [batch, length].
  ///   - target: ids, [batch, its length].
  ///   - lengths: the tokens of every source, int32, [batch]; nil: all. What stands beyond changes nothing.
  public func callAsFunction(
    _ source: Tensor, _ target: Tensor, lengths: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    var memory = memory(of: encoded(source, lengths: lengths, phase.fork(0)))
    return head(decoded(target, &memory, phase.fork(1)).states)
  }

  /// How much each place of the target looks at each of the source: [batch, its length, length]; nil without attention.
  public func alignment(_ source: Tensor, _ target: Tensor, lengths: Tensor? = nil) -> Tensor? {
    var memory = memory(of: encoded(source, lengths: lengths))
    return decoded(target, &memory).weights
  }

  /// What the encoder makes of sources: ids, [batch, length].
  public func encoded(
    _ source: Tensor, lengths: Tensor? = nil, _ phase: Phase = .inference
  ) -> SequenceSource {
    let x = Dropout(configuration.dropout)(tokens(source.transposed()), phase.fork(0))
    let (states, last) = encoder(
      x, lengths: lengths, reversed: configuration.readsBackwards, isTimeMajor: true, phase.fork(1))
    let mask = lengths.map {
      Tensor.indices(source.shape, axis: 1, $0.dataType).less(than: $0.expanded(1))
    }
    // The directions of a layer side by side are the state of one cell of the decoder.
    let directions = encoder.cells.count / encoder.layers
    let joined = (0..<encoder.layers).map { layer in
      let parts = last[(layer * directions)..<((layer + 1) * directions)]
      let cells = parts.compactMap(\.cell)
      return RecurrentState(
        hidden: concatenate(parts.map(\.hidden), axis: -1),
        cell: cells.isEmpty ? nil : concatenate(cells, axis: -1))
    }
    return SequenceSource(states: states.swapped(0, 1), mask: mask, last: joined)
  }

  /// The decoder's memory before its first token.
  public func memory(of source: SequenceSource) -> SequenceMemory {
    let fed = alignment.flatMap { $0.feedsInput ? $0.mix.outputs : nil }
    return SequenceMemory(
      carry: .init(
        states: source.last,
        fed: fed.map { .zeros([source.states.shape[0], $0], source.states.dataType) }),
      source: alignment.map { $0.memory(of: source.states, mask: source.mask) })
  }

  /// The states that the next tokens are read off, [batch, length, width], and where each looked.
  /// - Parameters:
  ///   - ids: the next tokens, [batch, length].
  ///   - lengths: how many of each row are tokens, int32, [batch]; nil: all.
  func decoded(
    _ ids: Tensor, _ memory: inout SequenceMemory, lengths: Tensor? = nil,
    _ phase: Phase = .inference
  ) -> (states: Tensor, weights: Tensor?) {
    let dropout = Dropout(configuration.dropout)
    let x = dropout(tokens(ids.transposed()), phase.fork(0))
    var result: (states: Tensor, weights: Tensor?)
    if let alignment, alignment.fed > 0, let source = memory.source {
      let isToken = lengths.map { Tensor.range(ids.shape[1]).expanded(1).less(than: $0) }
      result = steps(x, isToken?.expanded(2), &memory.carry, alignment, source)
    } else {
      let (outputs, last) = decoder(
        x, state: memory.carry.states, lengths: lengths, isTimeMajor: true)
      memory.carry.states = last
      result = (outputs.swapped(0, 1), nil)
      // Nothing of the attention enters a step, so all steps look at once.
      if let alignment, let source = memory.source {
        let weights = alignment.weights(result.states, source)
        result = (alignment.mixed(matrixProduct(weights, source.values), result.states), weights)
      }
    }
    return (dropout(result.states, phase.fork(1)), result.weights)
  }

  /// Steps that attention enters.
  /// - Parameters:
  ///   - x: embedded tokens, [length, batch, embedding].
  ///   - isToken: bool, [length, batch, 1]; elsewhere nothing changes.
  private func steps(
    _ x: Tensor, _ isToken: Tensor?, _ carry: inout SequenceMemory.Carry, _ alignment: Alignment,
    _ source: AlignmentMemory
  ) -> (states: Tensor, weights: Tensor?) {
    // The tokens' part of the first product is one for all steps; what is fed has the weight's last columns.
    let embedding = configuration.embedding
    var words = decoder.cells[0]
    words.weights.input = words.weights.input.sliced(1, 0..<embedding)
    let fedWeight = decoder.cells[0].weights.input.sliced(1, embedding..<decoder.inputs)
      .transposed()
    /// - Returns: the last layer's state.
    func advance(_ states: inout [RecurrentState], _ x: Tensor, _ fed: Tensor) -> Tensor {
      decoder.cells[0].advance(&states[0], x + matrixProduct(fed, fedWeight))
      for i in states.indices.dropFirst() {
        _ = decoder.cells[i](states[i - 1].hidden, &states[i])
      }
      return states[states.count - 1].hidden
    }
    let result = scan(carry, over: Pair(words.projected(x), isToken)) { carry, input in
      let old = carry
      var output: Pair<Tensor, Tensor>
      if let fed = carry.fed {
        let state = advance(&carry.states, input.first, fed)
        let (context, weights) = alignment.read(state, source)
        carry.fed = alignment.mixed(context, state)
        output = Pair(carry.fed!, weights)
      } else {
        let (context, weights) = alignment.read(
          carry.states[carry.states.count - 1].hidden, source)
        let state = advance(&carry.states, input.first, context)
        output = Pair(concatenate([context, state], axis: -1), weights)
      }
      if let isToken = input.second {
        carry = carry.zipTensors(old) { select(isToken, $0, $1) }
      }
      return output
    }
    carry = result.carry
    let states = result.outputs.first.swapped(0, 1)
    // What enters no step is one product for all of them.
    return (
      carry.fed == nil ? alignment.mix(states).tanh() : states, result.outputs.second.swapped(0, 1)
    )
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor("alignment", &alignment)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
