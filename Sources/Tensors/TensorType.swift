/// Shape and element type of a tensor: everything that is known before a value is computed.
public struct TensorType: Hashable, Sendable {
  /// Sizes of the axes, outermost first; empty for a scalar. Memory is contiguous and row-major.
  public var shape: [Int]
  public var dataType: DataType

  public init(_ shape: [Int], _ dataType: DataType = .float32) {
    self.shape = shape
    self.dataType = dataType
  }

  /// Number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// Number of axes.
  public var rank: Int { shape.count }
  /// Bytes of the value in memory.
  public var byteCount: Int { count * dataType.byteCount }

  /// The same shape with another element type.
  public func with(_ dataType: DataType) -> TensorType { TensorType(shape, dataType) }
  /// Another shape with the same element type.
  public func with(_ shape: [Int]) -> TensorType { TensorType(shape, dataType) }
}

extension TensorType: CustomStringConvertible {
  public var description: String {
    dataType == .float32 ? "\(shape)" : "\(shape) \(dataType)"
  }
}

/// A shape or element type that an operation cannot take. The message says which, where and what to do.
public struct ShapeError: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}

/// Ends the program with a sentence: the caller broke a rule of the interface.
///
/// `precondition` prints nothing in release builds, so every rule that a programmer can break ends here.
public func fail(_ message: String) -> Never {
  fatalError(message)
}

extension [Int] {
  /// Row-major strides, in elements, of a tensor of this shape.
  package var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * self[axis + 1] }
    return strides
  }

  /// The product of all elements.
  package var product: Int { reduce(1, *) }
}

/// The common shape of operands under NumPy's rule: axes are matched from the right; sizes agree or one of them is 1.
package func broadcastShape(_ a: [Int], _ b: [Int]) throws(ShapeError) -> [Int] {
  if a == b { return a }
  let rank = max(a.count, b.count)
  var result = [Int](repeating: 1, count: rank)
  for axis in 0..<rank {
    let x = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
    let y = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
    guard x == y || x == 1 || y == 1 else {
      throw ShapeError(
        "\(a) and \(b) do not broadcast: axis \(axis - rank) has \(x) on the left and \(y) on the right"
      )
    }
    result[axis] = x == 1 ? y : x
  }
  return result
}
