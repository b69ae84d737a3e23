extension FunctionBuilder {
  /// Joins the elements of every window, beginning with the scalar `initial`, which also fills the
  /// padding.
  public mutating func reduceWindow(
    _ x: Value, initial: Value, _ combiner: Combiner, _ window: PoolingWindow
  ) -> Value {
    let type = ValueType(pooledShape("reduce_window", x, window), x.element)
    let body = region(joining: x.element, combiner)
    return append(
      [type],
      opening: "\"stablehlo.reduce_window\"(\(x.name), \(initial.name)) <{\(window.text)}> ({",
      regions: [body], closing: "}) : \(signature([x, initial], [type]))")[0]
  }

  /// The gradient of a maximum over windows: puts each element of `source` at the place of the
  /// greatest element of its window of `x`, the first of equal ones, and adds what meets; other
  /// places get the scalar `initial`.
  public mutating func selectAndScatter(
    _ x: Value, source: Value, initial: Value, _ window: PoolingWindow
  ) -> Value {
    require(
      pooledShape("select_and_scatter", x, window) == source.shape,
      "stablehlo.select_and_scatter: a \(source.type) is not what the windows make of \(x.type)")
    let scalar = ValueType.scalar(x.element)
    let choice = region([scalar, scalar]) { function, v in
      [function.compare(.greaterOrEqual, v[0], v[1])]
    }
    let sum = region(joining: x.element, .add)
    let operands = [x, source, initial]
    return append(
      [x.type],
      opening: "\"stablehlo.select_and_scatter\"(\(names(operands))) <{\(window.text)}> ({",
      regions: [choice, sum], closing: "}) : \(signature(operands, [x.type]))")[0]
  }

  /// A region that joins two scalars.
  mutating func region(joining element: ElementType, _ combiner: Combiner) -> Region {
    let scalar = ValueType.scalar(element)
    return region([scalar, scalar]) { function, v in
      // Every combiner is also a binary operation of the same name.
      let operation = BinaryOperation(rawValue: combiner.rawValue)!
      return [function.binary(operation, v[0], v[1])]
    }
  }

  private func pooledShape(_ operation: String, _ x: Value, _ window: PoolingWindow) -> [Int] {
    require(
      [window.sizes, window.strides, window.dilations].allSatisfy { $0.count == x.type.rank }
        && window.padding.count == x.type.rank,
      "stablehlo.\(operation): a window of \(window.sizes) has not the axes of \(x.type)")
    return window.outputShape(of: x.shape)
  }
}

extension PoolingWindow {
  fileprivate var text: String {
    var text = "window_dimensions = \(array(sizes)), window_strides = \(array(strides)), "
    if dilations.contains(where: { $0 != 1 }) {
      text += "window_dilations = \(array(dilations)), "
    }
    let isPadded = padding.contains { $0 != Padding(0, 0) }
    let values = isPadded ? paddings(padding) : "0"
    return text + "padding = dense<\(values)> : tensor<\(sizes.count)x2xi64>"
  }
}
