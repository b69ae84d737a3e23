extension FunctionBuilder {
  /// Joins all elements along `axes`, beginning with the scalar `initial`, the combiner's neutral
  /// element. The axes disappear.
  public mutating func reduce(
    _ x: Value, initial: Value, axes: [Int], _ combiner: Combiner
  ) -> Value {
    let type = reducedType(x, axes)
    return append(
      type,
      "stablehlo.reduce(\(x.name) init: \(initial.name)) applies stablehlo.\(combiner.rawValue) "
        + "across dimensions = \(list(axes)) : \(signature([x, initial], [type]))")
  }

  /// Joins elements of several values at once along `axes`.
  ///
  /// - Parameters:
  ///   - initial: One neutral scalar for each value.
  ///   - join: Makes one element of each value from two: it gets the left ones, then the right
  ///     ones, as scalars.
  public mutating func reduce(
    _ values: [Value], initial: [Value], axes: [Int],
    join: (inout FunctionBuilder, _ left: [Value], _ right: [Value]) -> [Value]
  ) -> [Value] {
    let scalars = values.map { ValueType.scalar($0.element) }
    let body = region(scalars + scalars) { function, elements in
      join(&function, Array(elements.prefix(values.count)), Array(elements.suffix(values.count)))
    }
    let results = values.map { reducedType($0, axes) }
    let operands = values + initial
    return append(
      results,
      opening: "\"stablehlo.reduce\"(\(names(operands))) "
        + "<{dimensions = \(array(axes))}> ({",
      regions: [body], closing: "}) : \(signature(operands, results))")
  }

  /// The greatest (or least) element along `axis` and its position as `i32`; of equal elements the
  /// first. The axis disappears. NaN is never chosen before a number; a row of NaN alone gives the
  /// neutral value and position 0.
  public mutating func extremum(
    _ x: Value, axis: Int, _ direction: ComparisonDirection = .greater
  ) -> (value: Value, position: Value) {
    require(
      direction == .greater || direction == .less,
      "an extremum is .greater or .less, not \(direction)")
    let positions = iota(axis, ValueType(x.shape, .i32))
    let neutral = constant(bits: lowest(x.element, direction), .scalar(x.element))
    let zero = constant(0, .scalar(.i32))
    let results = reduce([x, positions], initial: [neutral, zero], axes: [axis]) { f, a, b in
      let better = f.compare(direction, a[0], b[0])
      let equal = f.compare(.equal, a[0], b[0])
      let earlier = f.compare(.less, a[1], b[1])
      let tied = f.binary(.and, equal, earlier)
      let chosen = f.binary(.or, better, tied)
      return [f.select(chosen, a[0], b[0]), f.select(chosen, a[1], b[1])]
    }
    return (results[0], results[1])
  }

  /// The elements along `axis` in order, and where each came from as `i32`. Equal elements keep
  /// their order; floats are in total order, NaN last when rising.
  public mutating func sort(
    _ x: Value, axis: Int, descending: Bool = false
  ) -> (values: Value, permutation: Value) {
    let positions = iota(axis, ValueType(x.shape, .i32))
    let scalars = [x.element, x.element, .i32, .i32].map { ValueType.scalar($0) }
    let comparator = region(scalars) { function, v in
      [
        function.compare(
          descending ? .greater : .less, v[0], v[1], kind: v[0].element.isFloat ? .totalOrder : nil)
      ]
    }
    let operands = [x, positions]
    let results = append(
      operands.map(\.type),
      opening: "\"stablehlo.sort\"(\(names(operands))) "
        + "<{dimension = \(axis) : i64, is_stable = true}> ({",
      regions: [comparator], closing: "}) : \(signature(operands, operands.map(\.type)))")
    return (results[0], results[1])
  }

  /// The `count` greatest elements along the last axis, falling, and their positions as `i32`.
  public mutating func topK(_ x: Value, count: Int) -> (values: Value, positions: Value) {
    require(
      (0...(x.shape.last ?? -1)).contains(count), "chlo.top_k: no \(count) elements in \(x.type)")
    let shape = x.shape.dropLast() + [count]
    let values = newValue(ValueType(Array(shape), x.element))
    let positions = newValue(ValueType(Array(shape), .i32))
    line(
      "\(values.name), \(positions.name) = chlo.top_k(\(x.name), k = \(count)) : "
        + "\(x.type) -> (\(values.type), \(positions.type))")
    return (values, positions)
  }

  private func reducedType(_ x: Value, _ axes: [Int]) -> ValueType {
    require(
      axes.allSatisfy(x.shape.indices.contains), "stablehlo.reduce: \(x.type) has not axes \(axes)")
    return ValueType(
      x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }, x.element)
  }

  /// The bits of the value that every other one beats.
  private func lowest(_ element: ElementType, _ direction: ComparisonDirection) -> UInt64 {
    let isGreatest = direction == .greater
    return switch element {
    case .f16: isGreatest ? 0xFC00 : 0x7C00
    case .bf16: isGreatest ? 0xFF80 : 0x7F80
    case .f32: isGreatest ? 0xFF80_0000 : 0x7F80_0000
    case .f64: isGreatest ? 0xFFF0_0000_0000_0000 : 0x7FF0_0000_0000_0000
    case .i32: UInt64(bitPattern: Int64(isGreatest ? Int32.min : Int32.max))
    case .i64: UInt64(bitPattern: isGreatest ? Int64.min : Int64.max)
    case .i1: isGreatest ? 0 : 1
    case .ui8: isGreatest ? 0 : UInt64(UInt8.max)
    case .ui32: isGreatest ? 0 : UInt64(UInt32.max)
    case .ui64: isGreatest ? 0 : UInt64.max
    }
  }
}
