public import Tensors

/// Every window of an image as one token, as PyTorch's `unfold`: [batch, height, width, channels] → [batch, rows, columns,
/// channels · size²], channels before places. Windows overlap where the stride is less than their size; padding is zeros.
public func unfolded(_ x: Tensor, size: Int, stride: Int, padding: Int = 0) -> Tensor {
  let filled = x.padded([(0, 0), (padding, padding), (padding, padding), (0, 0)])
  let counts = filled.shape[1...2].map { ($0 - size) / stride + 1 }
  guard size > 0, stride > 0, counts.allSatisfy({ $0 > 0 }) else {
    fail("unfolded: \(x.shape) has no window of \(size) x \(size)")
  }
  func taken(_ x: Tensor, _ axis: Int, from start: Int) -> Tensor {
    let end = start + (counts[axis - 1] - 1) * stride + 1
    return x.sliced(axis, start..<end).strided(axis, by: stride)
  }
  let places = (0..<size).flatMap { y in
    let rows = taken(filled, 1, from: y)
    return (0..<size).map { taken(rows, 2, from: $0) }
  }
  return stack(places, axis: -1).reshaped([x.shape[0]] + counts + [x.shape[3] * size * size])
}
