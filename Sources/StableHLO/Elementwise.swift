extension FunctionBuilder {
  /// One operation on every element; the result has the operand's type.
  public mutating func unary(_ operation: UnaryOperation, _ x: Value) -> Value {
    if operation == .erf {
      return append(x.type, "chlo.erf \(x.name) : \(x.type) -> \(x.type)")
    }
    return append(x.type, "stablehlo.\(operation.rawValue) \(x.name) : \(x.type)")
  }

  /// One operation on every pair of elements; both operands and the result have one type.
  public mutating func binary(_ operation: BinaryOperation, _ a: Value, _ b: Value) -> Value {
    requireEqualTypes(operation.rawValue, a, b)
    return append(a.type, "stablehlo.\(operation.rawValue) \(a.name), \(b.name) : \(a.type)")
  }

  /// Whether each element is neither infinite nor NaN, as `i1`.
  public mutating func isFinite(_ x: Value) -> Value {
    let type = ValueType(x.shape, .i1)
    return append(type, "stablehlo.is_finite \(x.name) : (\(x.type)) -> \(type)")
  }

  /// Compares elements, giving `i1`. `kind` follows from the element type where it is nil.
  public mutating func compare(
    _ direction: ComparisonDirection, _ a: Value, _ b: Value, kind: ComparisonKind? = nil
  ) -> Value {
    requireEqualTypes("compare", a, b)
    let natural: ComparisonKind =
      a.element.isFloat ? .float : a.element.isSigned ? .signed : .unsigned
    let type = ValueType(a.shape, .i1)
    return append(
      type,
      "stablehlo.compare \(direction.rawValue), \(a.name), \(b.name), "
        + "\((kind ?? natural).rawValue) : \(signature([a, b], [type]))")
  }

  /// Elements of `a` where `condition` is true and of `b` elsewhere. The condition is `i1`, of the
  /// operands' shape or a scalar.
  public mutating func select(_ condition: Value, _ a: Value, _ b: Value) -> Value {
    requireEqualTypes("select", a, b)
    require(
      condition.element == .i1 && (condition.shape == a.shape || condition.shape.isEmpty),
      "stablehlo.select cannot choose between \(a.type)s by a \(condition.type)")
    return append(
      a.type,
      "stablehlo.select \(condition.name), \(a.name), \(b.name) : \(condition.type), \(a.type)")
  }

  /// Elements of `x` held between `low` and `high`, each of the shape of `x` or a scalar.
  public mutating func clamp(_ low: Value, _ x: Value, _ high: Value) -> Value {
    append(
      x.type,
      "stablehlo.clamp \(low.name), \(x.name), \(high.name) : \(signature([low, x, high], [x.type]))"
    )
  }

  /// Elements in another type. A float becomes `i1` by comparison with zero, an integer by
  /// truncation towards zero.
  public mutating func convert(_ x: Value, to element: ElementType) -> Value {
    let type = ValueType(x.shape, element)
    return append(type, "stablehlo.convert \(x.name) : \(signature([x], [type]))")
  }

  /// The same bits read as another type. A narrower type adds a last axis for the parts, a wider
  /// one consumes the last axis.
  public mutating func bitcastConvert(_ x: Value, to element: ElementType) -> Value {
    let from = x.element.byteCount
    let to = element.byteCount
    var shape = x.shape
    if from > to {
      shape.append(from / to)
    } else if from < to {
      require(
        shape.last == to / from,
        "stablehlo.bitcast_convert from \(x.type) to \(element.rawValue) needs a last axis of "
          + "size \(to / from)")
      shape.removeLast()
    }
    let type = ValueType(shape, element)
    return append(type, "stablehlo.bitcast_convert \(x.name) : \(signature([x], [type]))")
  }

  /// The operands unchanged, computed before anything that uses the results: keeps a compiler from
  /// moving or merging work across this point.
  public mutating func optimizationBarrier(_ values: [Value]) -> [Value] {
    let results = values.map { newValue($0.type) }
    line("\(names(results)) = stablehlo.optimization_barrier \(names(values)) : \(types(values))")
    return results
  }

  func requireEqualTypes(_ operation: String, _ a: Value, _ b: Value) {
    require(
      a.type == b.type,
      "stablehlo.\(operation) needs operands of one type, not \(a.type) and \(b.type): "
        + "broadcast or convert one of them first")
  }
}
