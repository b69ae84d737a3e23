internal import CKernels
internal import COneDNN
public import StableHLO

/// Scaled dot-product attention without a matrix of scores in memory, in float32 (FlashAttention: Dao et al. 2022,
/// arXiv:2205.14135).
///
/// Operands: q [batch, queries, heads, width], k and v [batch, keys, keyHeads, width]; or all three in one, as a fused
/// projection leaves them: [batch, length, heads + 2 · keyHeads, width]. Then, where `hasMask`, numbers added to the scores:
/// [batch or 1, heads or 1, queries or 1, keys]. Results: o [batch, queries, heads, width] and the logarithm of every row's
/// sum of exponentials [batch, heads, queries]. Rows that see no key give zeros.
public struct Attention: Primitive {
  /// The number of key heads where the operands are packed, else nil.
  let packedKeyHeads: Int?
  let scale: Double
  /// The last query sees all keys, the one before it all but the last, and so on.
  let isCausal: Bool
  /// Of the keys up to a query's own position only that many last ones are seen; nil: all.
  let window: Int?
  let hasMask: Bool

  public init(
    packedKeyHeads: Int? = nil, scale: Double, causal: Bool, window: Int?, hasMask: Bool
  ) {
    self.packedKeyHeads = packedKeyHeads
    self.scale = scale
    isCausal = causal
    self.window = window
    self.hasMask = hasMask
  }

  public var name: String { "attention" }

  struct Sizes {
    var batch, queries, keys, heads, keyHeads, width: Int
    var output: [Int] { [batch, queries, heads, width] }
    var sums: [Int] { [batch, heads, queries] }
  }

  /// The operands besides the mask.
  var projectionCount: Int { packedKeyHeads == nil ? 3 : 1 }

  func sizes(_ inputs: [TensorType]) throws(ShapeError) -> Sizes {
    let sizes = try projectionSizes(inputs.map(\.shape))
    guard sizes.heads > 0, sizes.keyHeads > 0, sizes.heads % sizes.keyHeads == 0 else {
      throw ShapeError(
        "\(sizes.heads) query heads cannot share \(sizes.keyHeads) key heads equally")
    }
    guard sizes.width > 0, window ?? 1 > 0 else {
      throw ShapeError("width \(sizes.width) and window \(window ?? 1) must be positive")
    }
    for input in inputs where input.dataType != .float32 {
      throw ShapeError("\(input.dataType) elements; cast(to: .float32) first")
    }
    guard hasMask else { return sizes }
    let mask = inputs[projectionCount].shape
    let full = [sizes.batch, sizes.heads, sizes.queries, sizes.keys]
    guard mask.count == 4, mask[3] == full[3], zip(mask, full).allSatisfy({ $0 == $1 || $0 == 1 })
    else { throw ShapeError("the mask's shape \(mask) does not repeat to \(full)") }
    return sizes
  }

  private func projectionSizes(_ shapes: [[Int]]) throws(ShapeError) -> Sizes {
    for shape in shapes where shape.count != 4 {
      throw ShapeError("\(shape) is not [batch, length, heads, width]")
    }
    let q = shapes[0]
    if let keyHeads = packedKeyHeads {
      return Sizes(
        batch: q[0], queries: q[1], keys: q[1], heads: q[2] - 2 * keyHeads, keyHeads: keyHeads,
        width: q[3])
    }
    let (k, v) = (shapes[1], shapes[2])
    guard k == v, k[0] == q[0], k[3] == q[3] else {
      throw ShapeError("q \(q), k \(k) and v \(v): k and v agree, and with q in batch and width")
    }
    return Sizes(
      batch: q[0], queries: q[1], keys: k[1], heads: q[2], keyHeads: k[2], width: q[3])
  }

  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let sizes = try sizes(inputs)
    return [TensorType(sizes.output), TensorType(sizes.sums)]
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    guard let seed = dy[0], dy[1] == nil else {
      return formulaGradients(dy, inputs)
    }
    var result: [Tensor?] = Tensor.apply(
      AttentionGradient(self), [seed] + inputs + outputs)
    // Built without being computed: whoever trains the mask reads it.
    if hasMask { result.append(formulaGradients([seed, nil], inputs).last!) }
    return result
  }

  private func formulaGradients(_ dy: [Tensor?], _ inputs: [Tensor]) -> [Tensor?] {
    let inputs = inputs.map { Tensor(Alias($0.label), [$0]) }
    let results = formula(inputs)
    let used = dy.indices.filter { dy[$0] != nil }
    return gradients(of: used.map { results[$0] }, seeds: used.map { dy[$0]! }, by: inputs)
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    var description = description(inputs)
    let kernel = unsafe PreparedKernel(name) { unsafe apus_attention_prepare(&description, $0) }
    let rest = (projectionCount..<(inputs.count + 2)).map { OffsetKernel.Buffer($0) }
    return PreparedKernel(host: OffsetKernel(kernel, buffers(inputs, from: 0) + rest))
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    function.inline(formula, operands)
  }
}

// MARK: - The kernel's view of the operands

extension Attention {
  /// Where q, k and v begin when the projections are buffers `first`, ….
  func buffers(_ inputs: [TensorType], from first: Int) -> [OffsetKernel.Buffer] {
    guard packedKeyHeads != nil, let sizes = try? sizes(inputs) else {
      return (first..<(first + projectionCount)).map { OffsetKernel.Buffer($0) }
    }
    let head = sizes.width * MemoryLayout<Float>.size
    return [0, sizes.heads, sizes.heads + sizes.keyHeads].map {
      OffsetKernel.Buffer(first, offset: $0 * head)
    }
  }

  func description(_ inputs: [TensorType]) -> apus_attention {
    guard let sizes = try? sizes(inputs) else {
      fail("\(name): shapes changed after they were checked")
    }
    func heads(_ count: Int, _ length: Int) -> apus_heads {
      apus_heads(
        batch: Int64(length * count * sizes.width), position: Int64(count * sizes.width),
        head: Int64(sizes.width))
    }
    var description = apus_attention()
    description.batch = Int64(sizes.batch)
    description.queries = Int64(sizes.queries)
    description.keys = Int64(sizes.keys)
    description.heads = Int64(sizes.heads)
    description.kv_heads = Int64(sizes.keyHeads)
    description.width = Int64(sizes.width)
    let packed = packedKeyHeads.map { sizes.heads + 2 * $0 }
    description.q = heads(packed ?? sizes.heads, sizes.queries)
    description.k = heads(packed ?? sizes.keyHeads, sizes.keys)
    description.v = description.k
    description.o = heads(sizes.heads, sizes.queries)
    description.scale = Float(scale)
    description.causal = isCausal ? 1 : 0
    description.window = Int64(window ?? 0)
    if hasMask {
      let shape = inputs[projectionCount].shape
      let strides = zip(shape, shape.rowMajorStrides).map { Int64($0 == 1 ? 0 : $1) }
      description.has_mask = 1
      description.mask = apus_heads(batch: strides[0], position: strides[2], head: strides[1])
    }
    return description
  }
}

// MARK: - The definition

extension Attention {
  /// q, k and v of the operands.
  private func projections(_ inputs: [Tensor]) -> [Tensor] {
    guard let keyHeads = packedKeyHeads else { return Array(inputs.prefix(3)) }
    return inputs[0].split(2, sizes: [inputs[0].shape[2] - 2 * keyHeads, keyHeads, keyHeads])
  }

  /// o and the logarithms of sums, with the scores in memory.
  package func formula(_ inputs: [Tensor]) -> [Tensor] {
    let projections = projections(inputs)
    let heads = projections[0].shape[2]
    let (q, k, v) = (
      projections[0].transposed([0, 2, 1, 3]), repeated(projections[1], heads),
      repeated(projections[2], heads)
    )
    var scores = matrixProduct(q, k.transposed()) * scale
    if hasMask { scores = scores + inputs[projectionCount] }
    if let isSeen = visibility(scores.shape) {
      scores = select(isSeen, scores, scores.filled(-.infinity))
    }
    let o = matrixProduct(scores.softmax(), v).transposed([0, 2, 1, 3])
    return [o, scores.logSumExp()]
  }

  /// [batch, length, keyHeads, width] → [batch, heads, length, width]: neighbouring heads share keys.
  private func repeated(_ x: Tensor, _ heads: Int) -> Tensor {
    let moved = x.transposed([0, 2, 1, 3])
    let shape = moved.shape
    if shape[1] == heads { return moved }
    let groups = [shape[0], shape[1], heads / shape[1], shape[2], shape[3]]
    return moved.expanded(2).broadcast(to: groups).reshaped([shape[0], heads, shape[2], shape[3]])
  }

  /// Which keys each query sees, [1, 1, queries, keys]; nil: all.
  private func visibility(_ scores: [Int]) -> Tensor? {
    if !isCausal, window == nil { return nil }
    let shape = [1, 1, scores[2], scores[3]]
    let key = Tensor.indices(shape, axis: 3)
    let position = Tensor.indices(shape, axis: 2) + Double(scores[3] - scores[2])
    let isPast = isCausal ? key.lessOrEqual(to: position) : nil
    let isNear = window.map { key.greater(than: position - Double($0)) }
    if let isPast, let isNear { return isPast.and(isNear) }
    return isPast ?? isNear
  }
}

/// The gradient of `Attention` with respect to its projections, computed from scores that are made anew.
///
/// Operands: that of o, those of the attention, its two results. Results: gradients of q, k and v, or of the three in one.
public struct AttentionGradient: Primitive {
  let forward: Attention
  public init(_ forward: Attention) { self.forward = forward }
  public var name: String { "attention gradient" }

  private func operands<T>(_ inputs: [T]) -> [T] { Array(inputs.dropFirst().dropLast(2)) }

  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    let results = try forward.outputTypes(operands(inputs))
    guard inputs[0] == results[0], Array(inputs.suffix(2)) == results else {
      throw ShapeError("\(inputs[0]) and \(inputs.suffix(2)) are not the results \(results)")
    }
    return Array(operands(inputs).prefix(forward.projectionCount))
  }

  /// The same gradients by the definition, a function of do and the operands alone.
  private func formula(_ inputs: [Tensor]) -> [Tensor] {
    let aliases = operands(inputs).map { Tensor(Alias($0.label), [$0]) }
    let projections = Array(aliases.prefix(forward.projectionCount))
    return gradients(of: [forward.formula(aliases)[0]], seeds: [inputs[0]], by: projections)
      .map { $0! }
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    let aliases = inputs.map { Tensor(Alias($0.label), [$0]) }
    let results = formula(aliases)
    let used = dy.indices.filter { dy[$0] != nil }
    return gradients(of: used.map { results[$0] }, seeds: used.map { dy[$0]! }, by: aliases)
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    let operands = operands(inputs)
    var description = forward.description(operands)
    let kernel = unsafe PreparedKernel(name) {
      unsafe apus_attention_gradient_prepare(&description, $0)
    }
    let rest = ((1 + forward.projectionCount)..<inputs.count).map { OffsetKernel.Buffer($0) }
    let buffers =
      [OffsetKernel.Buffer(0)] + forward.buffers(operands, from: 1) + rest
      + forward.buffers(operands, from: inputs.count)
    return PreparedKernel(host: OffsetKernel(kernel, buffers))
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    function.inline(formula, operands)
  }
}
