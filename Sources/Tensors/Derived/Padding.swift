/// What padding holds.
public enum PaddingMode: Hashable, Sendable {
  case zeros
  /// The image mirrored at its border; the border itself is not repeated.
  case reflect
  /// The image again from its other side.
  case circular
  /// The border, repeated.
  case replicate
}

extension Tensor {
  /// Adds values before and behind each axis; a pair of counts an axis.
  ///
  /// `.reflect` can add at most the axis's size − 1 on a side, `.circular` at most its size.
  public func padded(_ padding: [(low: Int, high: Int)], mode: PaddingMode) -> Tensor {
    if mode == .zeros { return padded(padding) }
    guard padding.count == rank, padding.allSatisfy({ $0.low >= 0 && $0.high >= 0 }) else {
      fail(
        "padding \(padding) does not fit shape \(shape): one pair of counts an axis, none negative")
    }
    var result = self
    for (axis, (low, high)) in padding.enumerated() where low > 0 || high > 0 {
      result = result.padded(axis, low, high, mode)
    }
    return result
  }

  private func padded(_ axis: Int, _ low: Int, _ high: Int, _ mode: PaddingMode) -> Tensor {
    let size = shape[axis]
    let limit =
      switch mode {
      case .reflect: size - 1
      case .circular: size
      case .zeros, .replicate: size > 0 ? Int.max : 0
      }
    guard Swift.max(low, high) <= limit else {
      fail(
        "\(mode) padding of (\(low), \(high)) along axis \(axis) of shape \(shape): at most \(limit)"
      )
    }
    let before: Tensor
    let behind: Tensor
    switch mode {
    case .reflect:
      before = sliced(axis, 1..<(low + 1)).reversed(axis)
      behind = sliced(axis, (size - 1 - high)..<(size - 1)).reversed(axis)
    case .circular:
      before = sliced(axis, (size - low)..<size)
      behind = sliced(axis, 0..<high)
    case .zeros, .replicate:
      before = sliced(axis, 0..<1).repeated(axis, low)
      behind = sliced(axis, (size - 1)..<size).repeated(axis, high)
    }
    return concatenate(
      (low > 0 ? [before] : []) + [self] + (high > 0 ? [behind] : []), axis: axis)
  }

  /// An axis of size 1 with another size.
  private func repeated(_ axis: Int, _ count: Int) -> Tensor {
    var shape = shape
    shape[axis] = count
    return broadcast(to: shape)
  }
}
