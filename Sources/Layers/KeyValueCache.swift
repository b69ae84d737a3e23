public import Tensors

/// Keys and values of attention.
public struct KeyValues: Module {
  /// [batch, length, key heads, head width].
  public var keys: Tensor
  public var values: Tensor

  public init(keys: Tensor, values: Tensor) {
    self.keys = keys
    self.values = values
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("keys", &keys)
    visitor.buffer("values", &values)
  }
}

/// The keys and values of the tokens so far, so that generation computes each of them once.
///
/// The memory has room for `capacity` tokens and the count is a tensor: a compiled step serves every position. What is
/// written beyond the capacity is lost, so a generator grows the cache in time, best to the double, since every capacity is
/// another program.
public struct KeyValueCache: Module {
  /// Places from `count` on have no meaning.
  public var entries: KeyValues
  /// The number of tokens so far: int32, shape [].
  public var count: Tensor

  /// An empty cache.
  public init(
    batch: Int, capacity: Int, keyHeads: Int, headWidth: Int, _ dataType: DataType = .float32
  ) {
    let shape = [batch, capacity, keyHeads, headWidth]
    entries = KeyValues(keys: .zeros(shape, dataType), values: .zeros(shape, dataType))
    count = .fill(integer: 0, [], .int32)
  }

  public var capacity: Int { entries.keys.shape[1] }

  /// Puts the next tokens' keys and values behind the others: [batch, length, key heads, head width].
  public mutating func append(_ new: KeyValues) {
    let length = new.keys.shape[1]
    let places = Tensor.range(capacity) - count
    let isNew = places.greaterOrEqual(to: Tensor.fill(integer: 0, [], .int32))
      .and(places.less(than: Double(length))).reshaped([1, capacity, 1, 1])
    entries = entries.zipTensors(new) { old, new in
      // One token is repeated, several are taken from their places.
      select(isNew, length == 1 ? new : new.gathered(1, places), old)
    }
    count = count + Tensor.fill(integer: Int64(length), [], .int32)
  }

  /// Which places the last `length` tokens may look at: bool, [length, capacity].
  public func isVisible(to length: Int, window: Int? = nil) -> Tensor {
    let shape = [length, capacity]
    let place = Tensor.indices(shape, axis: 1)
    let own =
      Tensor.indices(shape, axis: 0) + (count - Tensor.fill(integer: Int64(length), [], .int32))
    let isPast = place.lessOrEqual(to: own)
    guard let window else { return isPast }
    return isPast.and((own - place).less(than: Double(window)))
  }

  /// The positions of the next `length` tokens: int32, [length].
  public func positions(of length: Int) -> Tensor { .range(length) + count }

  /// The same tokens with room for more.
  public func grown(to capacity: Int) -> KeyValueCache {
    guard capacity > self.capacity else { return self }
    var copy = self
    copy.entries = entries.mapTensors {
      $0.padded([(0, 0), (0, capacity - self.capacity), (0, 0), (0, 0)])
    }
    return copy
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&entries)
    visitor.buffer("count", &count)
  }
}
