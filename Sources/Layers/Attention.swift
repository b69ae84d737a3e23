public import Tensors

/// Attention with several heads, of a sequence to itself or to another one (Vaswani et al., arXiv:1706.03762): the one
/// attention of all model families.
///
/// Projections are one product (`qkv`) or three. Fewer key heads than query heads make it grouped-query attention (Ainslie
/// et al., arXiv:2305.13245). Its tensors carry the names of PyTorch's `MultiheadAttention`; a model with other names visits
/// the parts itself:
///
///     visitor("attn.qkv", &attention.qkv)
///     visitor("attn.proj", &attention.output)
///
/// Masks broadcast to [batch, heads, queries, keys]; bool: true where a query may look; floats are added to the scores. A
/// query that sees nothing gives zeros before the output projection.
public struct MultiHeadAttention: Module {
  /// All projections in one: rows for the heads of q, then of k, then of v. Nil where they are apart.
  public var qkv: Linear?
  public var query: Linear?
  public var key: Linear?
  public var value: Linear?
  /// The biases of q, k and v in one, where the weights are apart but PyTorch joins the biases; else the projections' own.
  public var jointBias: Tensor?
  /// After the heads; nil where there is none.
  public var output: Linear?
  /// One more key and value for every sequence, [1, 1, key heads · head width] (`bias_k`, `bias_v`).
  public var extraKey: Tensor?
  public var extraValue: Tensor?
  /// One more key and value of zeros (`add_zero_attn`).
  public var hasZeroKey = false

  public let heads: Int
  public let keyHeads: Int
  public let headWidth: Int
  /// A token sees itself and those before it.
  public var isCausal: Bool
  /// Of those it sees only that many last ones.
  public var window: Int?
  /// What scores are multiplied by: 1/√(head width) unless given.
  public var scale: Double?
  /// Dropout of the probabilities in training, which needs the whole matrix of scores in memory.
  public var dropout: Double
  /// Turns queries and keys by their positions.
  public var rotary: RotaryPositions?

  /// Projections uniform after Glorot and Bengio, biases 0, as in PyTorch.
  /// - Parameters:
  ///   - width: of the queries' input and of the output.
  ///   - headWidth: width / heads unless given.
  ///   - keyWidth: of the keys' input, where it is another one; likewise `valueWidth`.
  ///   - isFused: one product for all projections.
  ///   - hasOutputBias: as `hasBias` unless given.
  public init(
    width: Int, heads: Int, keyHeads: Int? = nil, headWidth: Int? = nil, keyWidth: Int? = nil,
    valueWidth: Int? = nil, isFused: Bool = true, hasBias: Bool = true, hasOutputBias: Bool? = nil,
    isCausal: Bool = false, window: Int? = nil, scale: Double? = nil, dropout: Double = 0,
    rotary: RotaryPositions? = nil, key: RandomKey
  ) {
    let keyHeads = keyHeads ?? heads
    guard heads > 0, keyHeads > 0, heads % keyHeads == 0, headWidth != nil || width % heads == 0
    else {
      fail("attention: \(heads) heads of \(width) numbers cannot share \(keyHeads) key heads")
    }
    let headWidth = headWidth ?? width / heads
    self.heads = heads
    self.keyHeads = keyHeads
    self.headWidth = headWidth
    self.isCausal = isCausal
    self.window = window
    self.scale = scale
    self.dropout = dropout
    self.rotary = rotary
    func linear(_ inputs: Int, _ outputs: Int, _ place: Int) -> Linear {
      Linear(
        weight: Initializer.xavierUniform()([outputs, inputs], key.fork(place)),
        bias: hasBias ? .zeros([outputs]) : nil)
    }
    let (q, k) = (heads * headWidth, keyHeads * headWidth)
    if isFused && keyWidth ?? width == width && valueWidth ?? width == width {
      qkv = linear(width, q + 2 * k, 0)
    } else {
      query = linear(width, q, 0)
      self.key = linear(keyWidth ?? width, k, 1)
      value = linear(valueWidth ?? width, k, 2)
    }
    var output = Linear(
      inputs: q, outputs: width, hasBias: hasOutputBias ?? hasBias, key: key.fork(3))
    output.bias = output.bias?.zerosLike()
    self.output = output
  }

  /// Joins the biases of separate projections, as PyTorch does.
  public mutating func joinBiases() {
    guard let biases = [query?.bias, key?.bias, value?.bias] as? [Tensor] else { return }
    jointBias = concatenate(biases)
    query?.bias = nil
    key?.bias = nil
    value?.bias = nil
  }

  // MARK: Use

  /// A sequence's attention to itself: [batch, length, width].
  /// - Parameter positions: for rotary ones, [length] or [batch, length]; 0, 1, … unless given.
  public func callAsFunction(
    _ x: Tensor, mask: Tensor? = nil, positions: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    if let qkv, rotary == nil, extraKey == nil, !hasZeroKey, !dropsOut(phase) {
      let packed = qkv(x).reshaped([x.shape[0], x.shape[1], heads + 2 * keyHeads, headWidth])
      return joined(
        attention(
          packed: packed, keyHeads: keyHeads, mask: mask, scale: scale, causal: isCausal,
          window: window))
    }
    let (q, new) = projections(x, positions)
    return joined(attended(q, new, mask, causal: isCausal, window: window, phase))
  }

  /// Attention of the tokens of `x` to another sequence, whose keys and values `keyValues(of:)` makes.
  public func callAsFunction(
    _ x: Tensor, _ memory: KeyValues, mask: Tensor? = nil, _ phase: Phase = .inference
  ) -> Tensor {
    joined(attended(queries(of: x), memory, mask, phase))
  }

  /// Attention of the next tokens to themselves and all before them; they join the cache.
  /// - Parameters:
  ///   - mask: over the places of the cache, such as padding: [batch, 1, 1, capacity].
  ///   - positions: of the new tokens; those behind the cache's unless given.
  public func callAsFunction(
    _ x: Tensor, cache: inout KeyValueCache, mask: Tensor? = nil, positions: Tensor? = nil
  ) -> Tensor {
    let length = x.shape[1]
    let (q, new) = projections(x, positions ?? cache.positions(of: length))
    cache.append(new)
    var visible = cache.isVisible(to: length, window: window)
    if let mask {
      visible =
        mask.dataType == .bool
        ? visible.and(mask) : select(visible, mask, Tensor(-Double.infinity, mask.dataType))
    }
    return joined(attended(q, cache.entries, visible, .inference))
  }

  /// An empty cache for this attention.
  public func cache(batch: Int, capacity: Int, _ dataType: DataType = .float32) -> KeyValueCache {
    KeyValueCache(
      batch: batch, capacity: capacity, keyHeads: keyHeads, headWidth: headWidth, dataType)
  }

  /// The keys and values of a sequence that others attend to.
  /// - Parameters:
  ///   - memory: [batch, length, width].
  ///   - values: where values come from another sequence than keys.
  public func keyValues(of memory: Tensor, values: Tensor? = nil) -> KeyValues {
    if let qkv, values == nil {
      let (q, k) = (heads * headWidth, keyHeads * headWidth)
      let part = qkv.giving(q..<(q + 2 * k))
      let parts = split(part(memory), keyHeads * 2).split(2, into: 2)
      return KeyValues(keys: parts[0], values: parts[1])
    }
    return KeyValues(
      keys: split(projected(memory, 1), keyHeads),
      values: split(projected(values ?? memory, 2), keyHeads))
  }

  /// The output for `x` and the probabilities behind it: [batch, heads, queries, keys].
  /// - Parameter memory: keys and values of another sequence; those of `x` itself unless given.
  public func withWeights(
    _ x: Tensor, _ memory: KeyValues? = nil, mask: Tensor? = nil, positions: Tensor? = nil
  ) -> (output: Tensor, weights: Tensor) {
    let (q, own) = memory.map { (queries(of: x), $0) } ?? projections(x, positions)
    let (all, mask) = extended(own, mask)
    let weights = attentionWeights(
      q, all.keys, mask: mask, scale: scale, causal: isCausal && memory == nil,
      window: memory == nil ? window : nil)
    let output = joined(weighted(all.values, weights))
    // PyTorch counts the keys that belong to no token last.
    let (keys, extra) = (all.keys.shape[1], all.keys.shape[1] - own.keys.shape[1])
    let order = [extra..<keys, 0..<extra].map { weights.sliced(-1, $0) }
    return (output, extra == 0 ? weights : concatenate(order, axis: -1))
  }

  // MARK: Parts

  /// Applies one of the three projections: 0 of queries, 1 of keys, 2 of values.
  private func projected(_ x: Tensor, _ part: Int) -> Tensor {
    let (q, k) = (heads * headWidth, keyHeads * headWidth)
    let rows = [0..<q, q..<(q + k), (q + k)..<(q + 2 * k)][part]
    if let qkv { return qkv.giving(rows)(x) }
    guard let linear = [query, key, value][part] else {
      fail("attention: there is neither qkv nor a projection of its own for part \(part)")
    }
    let y = linear(x)
    return jointBias.map { y + $0.sliced(0, rows) } ?? y
  }

  /// [batch, length, heads · head width] → [batch, length, heads, head width].
  private func split(_ x: Tensor, _ heads: Int) -> Tensor {
    x.reshaped([x.shape[0], x.shape[1], heads, headWidth])
  }

  /// The queries of a sequence: [batch, length, heads, head width].
  public func queries(of x: Tensor) -> Tensor { split(projected(x, 0), heads) }

  /// Queries, keys and values of one sequence, turned by their positions.
  private func projections(_ x: Tensor, _ positions: Tensor?) -> (Tensor, KeyValues) {
    let parts: [Tensor]
    if let qkv {
      parts = split(qkv(x), heads + 2 * keyHeads).split(2, sizes: [heads, keyHeads, keyHeads])
    } else {
      parts = [
        queries(of: x), split(projected(x, 1), keyHeads), split(projected(x, 2), keyHeads),
      ]
    }
    guard let rotary else { return (parts[0], KeyValues(keys: parts[1], values: parts[2])) }
    return (
      rotary(parts[0], at: positions),
      KeyValues(keys: rotary(parts[1], at: positions), values: parts[2])
    )
  }

  private func dropsOut(_ phase: Phase) -> Bool { dropout > 0 && phase.isTraining }

  /// What the heads see, before `joined`: for attentions that mix sequences in their own way.
  public func attended(
    _ q: Tensor, _ memory: KeyValues, _ mask: Tensor?, causal: Bool = false,
    window: Int? = nil, _ phase: Phase
  ) -> Tensor {
    let (memory, mask) = extended(memory, mask)
    guard dropout > 0, case .training(let key) = phase else {
      return attention(
        q, memory.keys, memory.values, mask: mask, scale: scale, causal: causal, window: window)
    }
    let weights = attentionWeights(
      q, memory.keys, mask: mask, scale: scale, causal: causal, window: window)
    return weighted(memory.values, weights.dropout(dropout, key))
  }

  /// With the keys and values that belong to no token. They come first, so that every query sees them, causal or not.
  private func extended(_ memory: KeyValues, _ mask: Tensor?) -> (KeyValues, Tensor?) {
    var (memory, added) = (memory, 0)
    let shape = [memory.keys.shape[0], 1, keyHeads, headWidth]
    func add(_ key: Tensor, _ value: Tensor) {
      memory.keys = concatenate([key.broadcast(to: shape), memory.keys], axis: 1)
      memory.values = concatenate([value.broadcast(to: shape), memory.values], axis: 1)
      added += 1
    }
    if hasZeroKey {
      let zero = Tensor.zeros(shape, memory.keys.dataType)
      add(zero, zero)
    }
    if let extraKey, let extraValue {
      add(split(extraKey, keyHeads), split(extraValue, keyHeads))
    }
    guard added > 0, let mask, mask.shape.last != 1 else { return (memory, mask) }
    let open = Tensor.fill(
      mask.dataType == .bool ? 1 : 0, mask.shape.dropLast() + [added], mask.dataType)
    return (memory, concatenate([open, mask], axis: -1))
  }

  /// The heads [batch, length, heads, head width] side by side, behind the output projection.
  public func joined(_ heads: Tensor) -> Tensor {
    let x = heads.flattened(2..<4)
    return output.map { $0(x) } ?? x
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("in_proj_weight", &qkv.weight)
    visitor("q_proj_weight", &query.weight)
    visitor("k_proj_weight", &key.weight)
    visitor("v_proj_weight", &value.weight)
    visitor("in_proj_bias", &qkv.bias)
    visitor("in_proj_bias", &jointBias)
    visitor("q_proj_bias", &query.bias)
    visitor("k_proj_bias", &key.bias)
    visitor("v_proj_bias", &value.bias)
    visitor("bias_k", &extraKey)
    visitor("bias_v", &extraValue)
    visitor("out_proj", &output)
    visitSettings(&visitor)
  }

  /// Names the plain values that belong to the key of a compiled step: for models that name the tensors themselves.
  public func visitSettings(_ visitor: inout Visitor) {
    visitor.fixed("heads", [heads, keyHeads, headWidth, window ?? -1])
    visitor.fixed("flags", [hasZeroKey, isCausal])
    visitor.fixed("numbers", [scale ?? -1, dropout])
    visitor.fixed("rotary", rotary)
  }
}

extension Optional where Wrapped == Linear {
  /// The weight of a projection that may be absent.
  fileprivate var weight: Tensor? {
    get { self?.weight }
    set { if let newValue { self?.weight = newValue } }
  }

  /// The bias of a projection that may be absent.
  fileprivate var bias: Tensor? {
    get { self?.bias }
    set { self?.bias = newValue }
  }
}

/// softmax(scale · q kᵀ + mask): the probabilities with which queries look at keys, [batch, heads, queries, keys]. The
/// arguments are those of `attention`, which needs no such matrix in memory.
public func attentionWeights(
  _ q: Tensor, _ k: Tensor, mask: Tensor? = nil, scale: Double? = nil, causal: Bool = false,
  window: Int? = nil
) -> Tensor {
  guard q.rank == 4, k.rank == 4, k.shape[2] > 0, q.shape[2] % k.shape[2] == 0 else {
    fail("attention: q \(q.shape) and k \(k.shape) are not [batch, length, heads, width]")
  }
  let (batch, queries, heads, width) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3])
  let (keys, keyHeads) = (k.shape[1], k.shape[2])
  // The query heads that share a key head become rows of one product.
  let rows = q.transposed([0, 2, 1, 3]).reshaped([batch, keyHeads, -1, width])
  let factor = scale ?? 1 / Double(width).squareRoot()
  var scores = matrixProduct(rows, k.transposed([0, 2, 3, 1])) * factor
  scores = scores.reshaped([batch, heads, queries, keys])
  if let mask {
    scores =
      mask.dataType == .bool
      ? select(mask, scores, Tensor(-Double.infinity, scores.dataType))
      : scores + mask.cast(to: scores.dataType)
  }
  if causal || window != nil {
    let shape = [queries, keys]
    let own =
      Tensor.indices(shape, axis: 0) + Tensor.fill(integer: Int64(keys - queries), shape, .int32)
    let behind = own - Tensor.indices(shape, axis: 1)
    var isVisible = causal ? behind.greaterOrEqual(to: behind.zerosLike()) : nil
    if let window {
      let isNear = behind.less(than: Double(window))
      isVisible = isVisible.map { $0.and(isNear) } ?? isNear
    }
    if let isVisible {
      scores = select(isVisible, scores, Tensor(-Double.infinity, scores.dataType))
    }
  }
  return scores.softmax(-1)
}

/// Σ weights · v: [batch, queries, heads, width] from v [batch, keys, keyHeads, width].
private func weighted(_ v: Tensor, _ weights: Tensor) -> Tensor {
  let (batch, heads, queries) = (weights.shape[0], weights.shape[1], weights.shape[2])
  let rows = weights.reshaped([batch, v.shape[2], -1, weights.shape[3]])
  let sums = matrixProduct(rows, v.transposed([0, 2, 1, 3]))
  return sums.reshaped([batch, heads, queries, v.shape[3]]).transposed([0, 2, 1, 3])
}
