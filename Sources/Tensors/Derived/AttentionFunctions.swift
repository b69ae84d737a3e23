/// softmax(scale · q kᵀ + mask) v for every batch and head, without a matrix of scores in memory.
///
/// - Parameters:
///   - q: [batch, queries, heads, width].
///   - k: [batch, keys, keyHeads, width]; `heads / keyHeads` neighbouring query heads share a key head.
///   - v: as `k`.
///   - mask: broadcasts to [batch, heads, queries, keys]. bool: true where a query may look; floats are added to the
///     scores, −∞ hides. A query that sees nothing gives zeros.
///   - scale: 1/√width unless given.
///   - causal: the last query sees all keys, the one before it all but the last, and so on.
///   - window: of the keys up to a query's own position only that many last ones are seen.
/// - Returns: [batch, queries, heads, width].
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, scale: Double? = nil,
  causal: Bool = false, window: Int? = nil
) -> Tensor {
  attend([q, k, v], nil, mask, scale, causal, window)
}

/// Attention of a sequence to itself, with q, k and v in one tensor as a fused projection leaves them, without copies.
///
/// - Parameters:
///   - qkv: [batch, length, heads + 2 · keyHeads, width]: the heads of q, then those of k, then those of v.
///   - keyHeads: as many as query heads unless given.
/// - Returns: [batch, length, heads, width].
public func attention(
  packed qkv: Tensor, keyHeads: Int? = nil, mask: Tensor? = nil, scale: Double? = nil,
  causal: Bool = false, window: Int? = nil
) -> Tensor {
  guard qkv.rank == 4, keyHeads != nil || qkv.shape[2] % 3 == 0 else {
    fail("attention: \(qkv.label) \(qkv.shape) is not [batch, length, heads + 2 keyHeads, width]")
  }
  return attend([qkv], keyHeads ?? qkv.shape[2] / 3, mask, scale, causal, window)
}

private func attend(
  _ projections: [Tensor], _ packedKeyHeads: Int?, _ mask: Tensor?, _ scale: Double?,
  _ causal: Bool, _ window: Int?
) -> Tensor {
  let dataType = projections[0].dataType
  let wide = projections[0].widenedType
  let width = projections[0].shape.last ?? 1
  let primitive = Attention(
    packedKeyHeads: packedKeyHeads, scale: scale ?? 1 / Double(max(width, 1)).squareRoot(),
    causal: causal, window: window, hasMask: mask != nil)
  var operands = projections.map { $0.cast(to: wide) }
  if let mask {
    operands.append(additive(mask, wide, keys: projections[packedKeyHeads == nil ? 1 : 0].shape[1]))
  }
  if wide == .float64 {
    // There is no float64 kernel: the definition, after the same checks.
    do {
      _ = try primitive.outputTypes(operands.map { $0.type.with(.float32) })
    } catch { fail("attention: \(error)") }
    return primitive.formula(operands)[0]
  }
  return Tensor.apply(primitive, operands)[0].cast(to: dataType)
}

/// A mask of four axes that is added to the scores.
private func additive(_ mask: Tensor, _ dataType: DataType, keys: Int) -> Tensor {
  var mask = mask
  if mask.dataType == .bool {
    let type = TensorType(mask.shape, dataType)
    mask = select(
      mask, Tensor(Fill(.real(0), type), []), Tensor(Fill(.real(-.infinity), type), []))
  }
  guard mask.rank <= 4 else { fail("attention: a mask has at most four axes, not \(mask.shape)") }
  let shape = [Int](repeating: 1, count: 4 - mask.rank) + mask.shape
  mask = mask.cast(to: dataType).reshaped(shape)
  return shape[3] == keys ? mask : mask.broadcast(to: shape.dropLast() + [keys])
}
