internal import Tensors

/// Pictures changed at random, each in its own way.
struct Augmentation: Sendable {
  /// Whether half of them are mirrored.
  let mirrors: Bool
  /// The most pixels that they are moved, in both directions; the edge fills what becomes free.
  let shift: Int

  /// Levels, [batch, height, width, channels].
  func callAsFunction(_ levels: Tensor, _ key: RandomKey) -> Tensor {
    var x = levels.cast(to: .float32)
    let batch = x.shape[0]
    if mirrors {
      let isMirrored = key.fork(0).uniform([batch, 1, 1, 1]).less(than: 0.5)
      x = select(isMirrored, x.reversed(2), x)
    }
    guard shift > 0 else { return x }
    // Rows, then columns in their place.
    for purpose in 1...2 { x = moved(x, key.fork(purpose)).transposed([0, 2, 1, 3]) }
    return x
  }

  /// Moves rows: a product with a matrix that says which row each place takes.
  private func moved(_ x: Tensor, _ key: RandomKey) -> Tensor {
    let (batch, rows) = (x.shape[0], x.shape[1])
    let places = Tensor((0..<rows).map { Float($0) })
    let offsets = key.integers(below: 2 * shift + 1, [batch, 1]).cast(to: .float32) - Double(shift)
    let taken = (places + offsets).clipped(to: 0...Double(rows - 1))
    let choice = taken.expanded(-1).equal(to: places).cast(to: .float32)
    return matrixProduct(choice, x.reshaped([batch, rows, -1])).reshaped(x.shape)
  }
}
