// Operators and elementwise functions. Shapes broadcast under NumPy's rule: axes are matched from the right and sizes
// agree or one of them is 1. Element types must agree; numbers of Swift take the tensor's type.

extension Tensor {
  /// Applies a row to two tensors that broadcast against each other.
  static func broadcasting(_ row: Binary, _ a: Tensor, _ b: Tensor) -> Tensor {
    if a.shape == b.shape { return Tensor(row, [a, b]) }
    do {
      let shape = try broadcastShape(a.shape, b.shape)
      return Tensor(row, [a.broadcast(to: shape), b.broadcast(to: shape)])
    } catch {
      fail("\(row.name): \(error); operands \(a.label) \(a.type), \(b.label) \(b.type)")
    }
  }

  /// A number of this tensor's type and shape.
  func filled(_ value: Double) -> Tensor { Tensor(Fill(.real(value), type), []) }

  public static func + (a: Tensor, b: Tensor) -> Tensor { broadcasting(.add, a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { broadcasting(.subtract, a, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { broadcasting(.multiply, a, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { broadcasting(.divide, a, b) }
  public static func + (a: Tensor, b: Double) -> Tensor { Tensor(Binary.add, [a, a.filled(b)]) }
  public static func - (a: Tensor, b: Double) -> Tensor {
    Tensor(Binary.subtract, [a, a.filled(b)])
  }
  public static func * (a: Tensor, b: Double) -> Tensor {
    Tensor(Binary.multiply, [a, a.filled(b)])
  }
  public static func / (a: Tensor, b: Double) -> Tensor { Tensor(Binary.divide, [a, a.filled(b)]) }
  public static func + (a: Double, b: Tensor) -> Tensor { Tensor(Binary.add, [b.filled(a), b]) }
  public static func - (a: Double, b: Tensor) -> Tensor {
    Tensor(Binary.subtract, [b.filled(a), b])
  }
  public static func * (a: Double, b: Tensor) -> Tensor {
    Tensor(Binary.multiply, [b.filled(a), b])
  }
  public static func / (a: Double, b: Tensor) -> Tensor { Tensor(Binary.divide, [b.filled(a), b]) }
  public static prefix func - (a: Tensor) -> Tensor { Tensor(Unary.negate, [a]) }
  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
  public static func += (a: inout Tensor, b: Double) { a = a + b }
  public static func -= (a: inout Tensor, b: Double) { a = a - b }
  public static func *= (a: inout Tensor, b: Double) { a = a * b }
  public static func /= (a: inout Tensor, b: Double) { a = a / b }

  public func abs() -> Tensor { Tensor(Unary.abs, [self]) }
  /// −1, 0 or 1.
  public func sign() -> Tensor { Tensor(Unary.sign, [self]) }
  public func floor() -> Tensor { Tensor(Unary.floor, [self]) }
  public func ceil() -> Tensor { Tensor(Unary.ceil, [self]) }
  /// To the nearest integer, halves to even.
  public func rounded() -> Tensor { Tensor(Unary.round, [self]) }
  public func square() -> Tensor { Tensor(Unary.square, [self]) }
  public func sqrt() -> Tensor { Tensor(Unary.sqrt, [self]) }
  /// 1 / √x.
  public func rsqrt() -> Tensor { Tensor(Unary.rsqrt, [self]) }
  public func reciprocal() -> Tensor { Tensor(Unary.reciprocal, [self]) }
  public func exp() -> Tensor { Tensor(Unary.exp, [self]) }
  /// exp(x) − 1, exact near 0.
  public func expm1() -> Tensor { Tensor(Unary.expm1, [self]) }
  /// The natural logarithm.
  public func log() -> Tensor { Tensor(Unary.log, [self]) }
  /// log(1 + x), exact near 0.
  public func log1p() -> Tensor { Tensor(Unary.log1p, [self]) }
  public func sin() -> Tensor { Tensor(Unary.sin, [self]) }
  public func cos() -> Tensor { Tensor(Unary.cos, [self]) }
  public func tan() -> Tensor { Tensor(Unary.tan, [self]) }
  public func tanh() -> Tensor { Tensor(Unary.tanh, [self]) }
  /// The error function.
  public func erf() -> Tensor { Tensor(Unary.erf, [self]) }
  public func power(_ exponent: Tensor) -> Tensor { .broadcasting(.power, self, exponent) }
  public func power(_ exponent: Double) -> Tensor {
    Tensor(Binary.power, [self, filled(exponent)])
  }
  /// What is left of a division, with the sign of the dividend.
  public func remainder(_ divisor: Tensor) -> Tensor { .broadcasting(.remainder, self, divisor) }

  public func equal(to other: Tensor) -> Tensor { .broadcasting(.equal, self, other) }
  public func notEqual(to other: Tensor) -> Tensor { .broadcasting(.notEqual, self, other) }
  public func less(than other: Tensor) -> Tensor { .broadcasting(.less, self, other) }
  public func lessOrEqual(to other: Tensor) -> Tensor { .broadcasting(.lessOrEqual, self, other) }
  public func greater(than other: Tensor) -> Tensor { .broadcasting(.less, other, self) }
  public func greaterOrEqual(to other: Tensor) -> Tensor {
    .broadcasting(.lessOrEqual, other, self)
  }
  public func equal(to other: Double) -> Tensor { Tensor(Binary.equal, [self, filled(other)]) }
  public func less(than other: Double) -> Tensor { Tensor(Binary.less, [self, filled(other)]) }
  public func greater(than other: Double) -> Tensor { Tensor(Binary.less, [filled(other), self]) }
  public func and(_ other: Tensor) -> Tensor { .broadcasting(.and, self, other) }
  public func or(_ other: Tensor) -> Tensor { .broadcasting(.or, self, other) }
  public func xor(_ other: Tensor) -> Tensor { .broadcasting(.xor, self, other) }
  public func not() -> Tensor { Tensor(Unary.not, [self]) }
  public func isFinite() -> Tensor { Tensor(Unary.isFinite, [self]) }
  public func isNaN() -> Tensor { Tensor(Unary.isNaN, [self]) }

  /// Converts the elements; nothing happens where they have the type already.
  public func cast(to dataType: DataType) -> Tensor {
    dataType == self.dataType ? self : Tensor(Cast(to: dataType), [self])
  }
  /// The same value, through which no gradient flows.
  public func stopped() -> Tensor { Tensor(Stop(), [self]) }

  public func zerosLike() -> Tensor { filled(0) }
  public func onesLike() -> Tensor { filled(1) }
  public static func zeros(_ shape: [Int], _ dataType: DataType = .float32) -> Tensor {
    fill(0.0, shape, dataType)
  }
  public static func ones(_ shape: [Int], _ dataType: DataType = .float32) -> Tensor {
    fill(1.0, shape, dataType)
  }
  /// `value` at every place.
  public static func fill(_ value: Double, _ shape: [Int], _ dataType: DataType = .float32)
    -> Tensor
  {
    Tensor(Fill(.real(value), TensorType(shape, dataType)), [])
  }
  /// An integer at every place, exact beyond 2⁵³.
  public static func fill(integer value: Int64, _ shape: [Int], _ dataType: DataType) -> Tensor {
    Tensor(Fill(.integer(value), TensorType(shape, dataType)), [])
  }
  /// A scalar.
  public init(_ value: Double, _ dataType: DataType = .float32) {
    self = Tensor(Fill(.real(value), TensorType([], dataType)), [])
  }
  /// 0, 1, … along `axis` of a tensor of the given shape.
  public static func indices(_ shape: [Int], axis: Int, _ dataType: DataType = .int32) -> Tensor {
    Tensor(Iota(axis: axis < 0 ? axis + shape.count : axis, TensorType(shape, dataType)), [])
  }
  /// 0, 1, …, count − 1.
  public static func range(_ count: Int, _ dataType: DataType = .int32) -> Tensor {
    indices([count], axis: 0, .int64).cast(to: dataType)
  }
}

/// The larger of two at every place; NaN where either is.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { .broadcasting(.maximum, a, b) }
public func maximum(_ a: Tensor, _ b: Double) -> Tensor {
  Tensor(Binary.maximum, [a, a.filled(b)])
}
/// The smaller of two at every place; NaN where either is.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { .broadcasting(.minimum, a, b) }
public func minimum(_ a: Tensor, _ b: Double) -> Tensor {
  Tensor(Binary.minimum, [a, a.filled(b)])
}
/// The angle of (x, y), in (−π, π].
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor { .broadcasting(.atan2, y, x) }

/// `condition ? a : b` at every place; the three broadcast against each other.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  do {
    let shape = try broadcastShape(condition.shape, try broadcastShape(a.shape, b.shape))
    return Tensor(
      Select(), [condition.broadcast(to: shape), a.broadcast(to: shape), b.broadcast(to: shape)])
  } catch {
    fail(
      "select: \(error); operands \(condition.label) \(condition.type), \(a.label) \(a.type), \(b.label) \(b.type)"
    )
  }
}
