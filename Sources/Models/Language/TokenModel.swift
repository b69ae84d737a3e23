public import Layers
public import Tensors

/// A model of the next token that remembers what it has read: what generation asks for.
public protocol TokenModel<Source>: Module {
  /// What was read so far: a recurrent state, or keys and values.
  associatedtype Memory: TokenMemory
  /// What an encoder has made of the text or picture that is answered; `Nothing` without one.
  associatedtype Source: Module = Nothing

  /// The most tokens that it can look back on; nil: any number.
  var context: Int? { get }
  /// An empty memory.
  /// - Parameters:
  ///   - batch: how many texts are read side by side.
  ///   - capacity: tokens that it has room for.
  ///   - padding: how many tokens at the beginning of each text are none: int32, [batch]; nil where all are.
  func memory(of source: Source, batch: Int, capacity: Int, padding: Tensor?) -> Memory
  /// Reads the next tokens [batch, length] and gives the logits behind the last `count` of them, [batch, count, vocabulary].
  func read(_ ids: Tensor, _ memory: inout Memory, last count: Int) -> Tensor
}

/// What a model remembers of the texts that it reads side by side.
public protocol TokenMemory: Module {
  /// These texts' memory, each as often as it is named: int32, [texts].
  func rows(_ ids: Tensor) -> Self
  /// The same with room for so many tokens.
  func grown(to capacity: Int) -> Self
}

/// A memory that can forget the last tokens: what speculative decoding asks for.
public protocol RewindableMemory: TokenMemory {
  /// - Parameter count: int32, shape [].
  func forgetting(_ count: Tensor) -> Self
}

extension TokenMemory {
  public func grown(to capacity: Int) -> Self { self }
}

extension Array: TokenMemory where Element: TokenMemory {
  public func rows(_ ids: Tensor) -> Self { map { $0.rows(ids) } }
  public func grown(to capacity: Int) -> Self { map { $0.grown(to: capacity) } }
}

extension Array: RewindableMemory where Element: RewindableMemory {
  public func forgetting(_ count: Tensor) -> Self { map { $0.forgetting(count) } }
}

/// A memory for models that look at nothing but the last token.
extension Nothing: RewindableMemory {
  public func rows(_ ids: Tensor) -> Nothing { self }
  public func forgetting(_ count: Tensor) -> Nothing { self }
}

extension KeyValueCache: RewindableMemory {
  public func rows(_ ids: Tensor) -> KeyValueCache {
    var copy = self
    copy.entries = entries.mapTensors { $0.rows(ids) }
    return copy
  }

  public func forgetting(_ count: Tensor) -> KeyValueCache {
    var copy = self
    copy.count = self.count - count
    return copy
  }
}

/// The memory of a Transformer's decoder: the keys and values of its own tokens and, with an encoder, of the source.
public struct DecoderMemory: RewindableMemory {
  /// One a layer.
  public var caches: [KeyValueCache]
  /// How many tokens at the beginning of each text are none: int32, [batch]; nil where all are.
  public var padding: Tensor?
  /// The keys and values of the source, one a layer; none without an encoder.
  public var source: [KeyValues]
  /// Which places of the source may be looked at: bool, [batch, 1, 1, length]; nil: all.
  public var sourceMask: Tensor?

  public init(
    caches: [KeyValueCache], padding: Tensor? = nil, source: [KeyValues] = [],
    sourceMask: Tensor? = nil
  ) {
    (self.caches, self.padding) = (caches, padding)
    (self.source, self.sourceMask) = (source, sourceMask)
  }

  /// Which places of the caches are tokens, to be the mask of attention: bool, [batch, 1, 1, capacity]; nil: all.
  public var mask: Tensor? {
    padding.map { padding in
      let places = Tensor.range(caches[0].capacity).reshaped([1, 1, 1, -1])
      return places.greaterOrEqual(to: padding.reshaped([-1, 1, 1, 1]))
    }
  }

  /// The positions of the next tokens, counted from the first one that is no padding: int32, [length] or [batch, length].
  public func positions(of length: Int) -> Tensor {
    let places = caches[0].positions(of: length)
    guard let padding else { return places }
    return maximum(places.expanded(0) - padding.expanded(1), Tensor.fill(integer: 0, [], .int32))
  }

  public func rows(_ ids: Tensor) -> DecoderMemory {
    DecoderMemory(
      caches: caches.rows(ids), padding: padding?.rows(ids),
      source: source.map { $0.mapTensors { $0.rows(ids) } }, sourceMask: sourceMask?.rows(ids))
  }

  public func grown(to capacity: Int) -> DecoderMemory {
    var copy = self
    copy.caches = caches.grown(to: capacity)
    return copy
  }

  public func forgetting(_ count: Tensor) -> DecoderMemory {
    var copy = self
    copy.caches = caches.forgetting(count)
    return copy
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("caches", &caches)
    visitor.buffer("padding", &padding)
    visitor("source", &source)
    visitor.buffer("sourceMask", &sourceMask)
  }
}

extension Tensor {
  /// The last `count` places of sequences [batch, length, …].
  public func lastPlaces(_ count: Int) -> Tensor {
    count == shape[1] ? self : sliced(1, (shape[1] - count)..<shape[1])
  }
}

extension GPT: TokenModel {
  public var context: Int? { positions?.weight.shape[0] }

  public func memory(of source: Nothing, batch: Int, capacity: Int, padding: Tensor?)
    -> DecoderMemory
  {
    DecoderMemory(caches: caches(batch: batch, capacity: capacity), padding: padding)
  }

  public func read(_ ids: Tensor, _ memory: inout DecoderMemory, last count: Int) -> Tensor {
    let (mask, positions) = (memory.mask, memory.positions(of: ids.shape[1]))
    let states = states(of: ids, caches: &memory.caches, mask: mask, positions: positions)
    return logits(of: states.lastPlaces(count))
  }
}

/// What an encoder has made of texts.
public struct EncodedSource: Module {
  /// The encoder's last states, [batch, length, width].
  public var states: Tensor
  /// Which places are tokens: bool, [batch, 1, 1, length]; nil: all.
  public var mask: Tensor?

  public init(states: Tensor, mask: Tensor? = nil) { (self.states, self.mask) = (states, mask) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("states", &states)
    visitor.buffer("mask", &mask)
  }
}

extension EncoderDecoder: TokenModel {
  public var context: Int? {
    if case .learned(let count, _) = decoder.configuration.positions { count } else { nil }
  }

  public func memory(of source: EncodedSource, batch: Int, capacity: Int, padding: Tensor?)
    -> DecoderMemory
  {
    DecoderMemory(
      caches: decoder.caches(batch: batch, capacity: capacity), padding: padding,
      source: keyValues(of: source.states), sourceMask: source.mask)
  }

  public func read(_ ids: Tensor, _ memory: inout DecoderMemory, last count: Int) -> Tensor {
    let (mask, positions) = (memory.mask, memory.positions(of: ids.shape[1]))
    return self(
      ids, caches: &memory.caches, memory: memory.source, memoryMask: memory.sourceMask,
      mask: mask, positions: positions
    ).lastPlaces(count)
  }
}

extension ProphetNet: TokenModel {
  /// Predicting streams stand one place further than the tokens.
  public var context: Int? {
    if case .learned(let count, _) = configuration.decoder.positions { count - 1 } else { nil }
  }

  public func memory(of source: EncodedSource, batch: Int, capacity: Int, padding: Tensor?)
    -> DecoderMemory
  {
    DecoderMemory(
      caches: caches(batch: batch, capacity: capacity), source: keyValues(of: source.states),
      sourceMask: source.mask)
  }

  public func read(_ ids: Tensor, _ memory: inout DecoderMemory, last count: Int) -> Tensor {
    self(
      ids, caches: &memory.caches, memory: memory.source, memoryMask: memory.sourceMask
    ).lastPlaces(count)
  }
}
