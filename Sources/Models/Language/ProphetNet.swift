public import Layers
public import Tensors

/// Sizes of a ProphetNet.
public struct ProphetNetConfiguration: Codable, Hashable, Sendable {
  public var vocabulary: Int
  public var encoder: TokenStackConfiguration
  public var decoder: TokenStackConfiguration
  /// Streams that predict: the first one the next token, the second one the token behind it, and so on.
  public var streams: Int
  /// Ranges of distances, each with scores of its own.
  public var buckets: Int
  /// Distances from here on share a range.
  public var longestDistance: Int
  /// The decoder has a token table of its own.
  public var hasOwnTable = false
  public var head = EncoderDecoderConfiguration.Head.tied
  /// A token whose vector lookups do not train.
  public var padding: Int?
  /// Rows of the predicting streams' relative scores are taken in another order, [place, stream, head], than that in
  /// which they are added, [stream, head, place]. The transformers library does so, and files were trained with it; in the
  /// paper every place has its own scores.
  public var mixesPlaces = false

  public init(
    vocabulary: Int, encoder: TokenStackConfiguration, decoder: TokenStackConfiguration,
    streams: Int = 2, buckets: Int = 32, longestDistance: Int = 128
  ) {
    self.vocabulary = vocabulary
    self.encoder = encoder
    self.decoder = decoder
    self.decoder.isCausal = true
    self.decoder.isDecoder = true
    self.streams = streams
    self.buckets = buckets
    self.longestDistance = longestDistance
  }
}

/// One layer of the decoder: the main stream reads the tokens so far, every predicting stream the main one and, at each
/// place, itself.
public struct ProphetNetBlock: Module {
  public var block: TransformerBlock<TokenNorm>
  /// Scores of every range of distances and head, made from the state of the query.
  public var relative: Linear
  let streams: Int
  let buckets: Int
  let mixesPlaces: Bool

  /// Which keys of the main stream each place sees, and how far away they are.
  struct Sight {
    /// Of the main stream: int32, [length, keys].
    var mainBuckets: Tensor
    /// Of the predicting streams, which stand one place further.
    var streamBuckets: Tensor
    /// Of the main stream: bool, broadcasts to [batch, heads, length, keys].
    var main: Tensor
    /// Of each predicting stream.
    var streams: [Tensor]
  }

  /// - Parameters:
  ///   - x: the main stream and behind it all predicting ones, [batch, (1 + streams) · length, width].
  ///   - keys: what the streams see of the main one, given what is new of it.
  func callAsFunction(
    _ x: Tensor, _ sight: Sight, memory: KeyValues?, memoryMask: Tensor?, _ phase: Phase,
    keys: (KeyValues) -> KeyValues
  ) -> Tensor {
    block(x, memory: memory, memoryMask: memoryMask, phase) { x in
      let attention = block.attention
      let all = attention.keyValues(of: x)
      let queries = attention.queries(of: x).split(1, into: 1 + streams)
      let (k, v) = (
        all.keys.split(1, into: 1 + streams), all.values.split(1, into: 1 + streams)
      )
      let main = keys(KeyValues(keys: k[0], values: v[0]))
      let scores = scores(x)
      var parts = [
        attention.attended(
          queries[0], main, taken(scores.main, sight.mainBuckets).masked(sight.main), phase.fork(0))
      ]
      let places = Tensor.indices([queries[0].shape[1], queries[0].shape[1]], axis: 0)
      let isOwn = places.equal(to: places.transposed())
      for i in 1...streams {
        let (own, both) = (
          scores.streams[i - 1],
          KeyValues(
            keys: concatenate([main.keys, k[i]], axis: 1),
            values: concatenate([main.values, v[i]], axis: 1))
        )
        let seen = taken(own, sight.streamBuckets).masked(sight.streams[i - 1])
        let itself = own.sliced(3, 0..<1).broadcast(
          to: own.shape.dropLast() + [places.shape[0]]
        ).masked(isOwn)
        parts.append(
          attention.attended(
            queries[i], both, concatenate([seen, itself], axis: -1), phase.fork(i)))
      }
      return attention.joined(concatenate(parts, axis: 1))
    }
  }

  /// Scores of every range of distances, [batch, heads, length, buckets], for the main stream and for each other one.
  private func scores(_ x: Tensor) -> (main: Tensor, streams: [Tensor]) {
    let (batch, length, heads) = (
      x.shape[0], x.shape[1] / (1 + streams), block.attention.heads
    )
    let all = relative(x).reshaped([batch, 1 + streams, length, buckets, heads])
    let main = all.element(1, 0).transposed([0, 3, 1, 2])
    let others = all.sliced(1, 1..<(1 + streams))
    let ordered =
      mixesPlaces
      ? others.transposed([0, 2, 1, 4, 3]).reshaped([batch, streams, heads, length, buckets])
      : others.transposed([0, 1, 4, 2, 3])
    return (main, (0..<streams).map { ordered.element(1, $0) })
  }

  /// The scores of each key's distance: [batch, heads, length, keys].
  private func taken(_ scores: Tensor, _ buckets: Tensor) -> Tensor {
    scores.takeAlong(3, buckets.broadcast(to: scores.shape.prefix(2) + buckets.shape))
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&block)
    visitor("relative", &relative)
    visitor.fixed("flags", [streams, buckets, mixesPlaces ? 1 : 0])
  }
}

/// ProphetNet (Qi et al., arXiv:2001.04063): an encoder-decoder that learns to predict several tokens ahead, by streams that
/// read the same main one.
public struct ProphetNet: Module {
  public var tokens: Embedding
  /// The decoder's own table; nil where both sides share one.
  public var decoderTokens: Embedding?
  public var encoder: TokenStack
  /// The decoder's positions and first norm; its blocks are apart.
  public var decoder: TokenStack
  public var blocks: [ProphetNetBlock]
  /// What tells the streams apart: [streams, width].
  public var streamEmbedding: Embedding
  public var head: Linear?
  public let configuration: ProphetNetConfiguration

  public init(_ configuration: ProphetNetConfiguration, key: RandomKey) {
    self.configuration = configuration
    let width = configuration.encoder.width
    let initializer = Initializer.normal(deviation: configuration.decoder.deviation ?? 0.02)
    func table(_ count: Int, _ key: RandomKey) -> Embedding {
      Embedding(
        count: count, width: width, padding: configuration.padding, initializer: initializer,
        key: key)
    }
    tokens = table(configuration.vocabulary, key.fork(0))
    decoderTokens = configuration.hasOwnTable ? table(configuration.vocabulary, key.fork(1)) : nil
    encoder = TokenStack(configuration.encoder, key: key.fork(2))
    decoder = TokenStack(configuration.decoder, key: key.fork(3))
    let outputs = configuration.buckets * configuration.decoder.heads
    blocks = decoder.blocks.layers.enumerated().map { i, block in
      ProphetNetBlock(
        block: block,
        relative: Linear(
          weight: initializer([outputs, width], key.fork(4).fork(i)), bias: .zeros([outputs])),
        streams: configuration.streams, buckets: configuration.buckets,
        mixesPlaces: configuration.mixesPlaces)
    }
    decoder.blocks.layers = []
    streamEmbedding = Embedding(
      count: configuration.streams, width: width, initializer: initializer, key: key.fork(5))
    if configuration.head == .own {
      head = Linear(weight: table(configuration.vocabulary, key.fork(6)).weight)
    }
  }

  // MARK: Use

  /// The encoder's states, the last one being what the decoder attends to.
  public func encoderStates(_ ids: Tensor, mask: Tensor? = nil, _ phase: Phase = .inference)
    -> [Tensor]
  {
    encoder.states(tokens(ids), mask: mask, phase)
  }

  /// The decoder's states: [batch, (1 + streams) · length, width], the main stream first.
  /// - Parameters:
  ///   - ids: [batch, length].
  ///   - mask: which places are tokens: bool, [batch, 1, 1, length]; all unless given.
  ///   - memory: the encoder's last states, and which places of them are tokens.
  public func decoderStates(
    _ ids: Tensor, mask: Tensor? = nil, memory: Tensor, memoryMask: Tensor? = nil,
    _ phase: Phase = .inference
  ) -> [Tensor] {
    let places = Tensor.range(ids.shape[1])
    let isPast = places.expanded(0).lessOrEqual(to: places.expanded(1))
    let sight = sight(of: places, keys: places, isPast, mask)
    var states = [
      Dropout(configuration.decoder.dropout)(embedded(ids, places), phase.fork(0))
    ]
    for (i, layer) in blocks.enumerated() {
      states.append(
        layer(
          states[i], sight, memory: layer.block.keyValues(of: memory), memoryMask: memoryMask,
          phase.fork(i + 1)
        ) { $0 })
    }
    return states
  }

  /// Logits of each stream at every place of the target: [batch, streams, length, vocabulary], of the next token first.
  public func logits(of states: Tensor) -> Tensor {
    let length = states.shape[1] / (1 + configuration.streams)
    let x = states.sliced(1, length..<states.shape[1])
      .reshaped([states.shape[0], configuration.streams, length, states.shape[2]])
    return switch configuration.head {
    case .none: x
    case .tied: (decoderTokens ?? tokens).attend(x)
    case .own: head!(x)
    }
  }

  /// Logits of the next token behind the new ones, [batch, length, vocabulary], of targets whose earlier tokens are in the
  /// caches of the main stream.
  /// - Parameter memory: `keyValues(of:)` the encoder's last states, made once.
  public func callAsFunction(
    _ ids: Tensor, caches: inout [KeyValueCache], memory: [KeyValues], memoryMask: Tensor? = nil
  ) -> Tensor {
    let length = ids.shape[1]
    let places = caches[0].positions(of: length)
    var x = embedded(ids, places)
    for (i, layer) in blocks.enumerated() {
      var cache = caches[i]
      let keys = Tensor.range(cache.capacity)
      let isPast = keys.expanded(0).lessOrEqual(to: places.expanded(1))
      x = layer(
        x, sight(of: places, keys: keys, isPast, nil), memory: memory[i], memoryMask: memoryMask,
        .inference
      ) { new in
        cache.append(new)
        return cache.entries
      }
      caches[i] = cache
    }
    return logits(of: x).element(1, 0)
  }

  /// Empty caches, one a layer, with room for `capacity` tokens.
  public func caches(batch: Int, capacity: Int) -> [KeyValueCache] {
    blocks.map { $0.block.attention.cache(batch: batch, capacity: capacity) }
  }

  /// What the decoder's layers read of the encoder's last states.
  public func keyValues(of memory: Tensor) -> [KeyValues] {
    blocks.compactMap { $0.block.keyValues(of: memory) }
  }

  // MARK: Parts

  /// All streams one behind the other. Predicting ones know no tokens, and stand one place further than the main one.
  private func embedded(_ ids: Tensor, _ places: Tensor) -> Tensor {
    guard case .learned(_, let offset) = configuration.decoder.positions else {
      fail("ProphetNet: the decoder's positions are learned ones")
    }
    let main = (decoderTokens ?? tokens)(ids)
    func vectors(_ shift: Int) -> Tensor {
      decoder.positions!.weight.rows(
        places + Tensor.fill(integer: Int64(offset + shift), [], .int32))
    }
    let ahead = vectors(1)
    let streams = (0..<configuration.streams).map { i in
      // The first stream has the last vector, as in the files.
      let row = (i + configuration.streams - 1) % configuration.streams
      return (streamEmbedding.weight.sliced(0, row..<(row + 1)) + ahead).expanded(0)
        .broadcast(to: main.shape)
    }
    let x = concatenate([main + vectors(0)] + streams, axis: 1)
    return decoder.embeddingNorm.map { $0(x) } ?? x
  }

  /// - Parameters:
  ///   - places: of the new tokens, [length].
  ///   - keys: the places of the main stream's keys, [keys].
  ///   - isPast: whether a place sees a key, [length, keys].
  private func sight(of places: Tensor, keys: Tensor, _ isPast: Tensor, _ mask: Tensor?)
    -> ProphetNetBlock.Sight
  {
    func number(_ value: Int) -> Tensor { .fill(integer: Int64(value), [], .int32) }
    func buckets(_ distance: Tensor) -> Tensor {
      relativeBuckets(
        distance, count: configuration.buckets, isBidirectional: false,
        longestDistance: configuration.longestDistance)
    }
    func masked(_ isSeen: Tensor) -> Tensor { mask.map { isSeen.and($0) } ?? isSeen }
    let distance = keys.expanded(0) - places.expanded(1)
    let isFirst = keys.equal(to: 0).expanded(0)
    return ProphetNetBlock.Sight(
      mainBuckets: buckets(distance), streamBuckets: buckets(distance - number(1)),
      main: masked(isPast),
      streams: (0..<configuration.streams).map { i in
        // Who predicts further ahead may not read what it will be asked for.
        masked(distance.lessOrEqual(to: number(-i)).or(isFirst))
      })
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("tokens", &tokens)
    visitor("decoder_tokens", &decoderTokens)
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
    visitor("blocks", &blocks)
    visitor("streams", &streamEmbedding)
    visitor("head", &head)
    visitor.fixed("configuration", configuration)
  }
}
