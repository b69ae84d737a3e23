extension FunctionBuilder {
  /// Repeats `body` while `condition` holds.
  ///
  /// - Parameters:
  ///   - initial: The values carried from one round to the next, before the first.
  ///   - condition: Makes a scalar `i1` from the carried values.
  ///   - body: Makes the carried values of the next round, of the same types.
  /// - Returns: The carried values after the last round.
  public mutating func whileLoop(
    _ initial: [Value], condition: (inout FunctionBuilder, [Value]) -> Value,
    body: (inout FunctionBuilder, [Value]) -> [Value]
  ) -> [Value] {
    let carriedTypes = initial.map(\.type)
    // Both regions see the carried values under the same names.
    let carried = carriedTypes.map { newValue($0) }
    let test = region(over: carried, labelled: false) { [condition(&$0, $1)] }
    let round = region(over: carried, labelled: false, body)
    require(
      test.results.map(\.type) == [.scalar(.i1)],
      "stablehlo.while: the condition is a \(types(test.results)), not a tensor<i1>")
    require(
      round.results.map(\.type) == carriedTypes,
      "stablehlo.while: the body makes (\(types(round.results))) of (\(types(initial)))")
    let bindings = zip(carried, initial).map { "\($0.name) = \($1.name)" }
    let results = carriedTypes.map { newValue($0) }
    line(
      "\(names(results)) = stablehlo.while(\(bindings.joined(separator: ", "))) : "
        + types(initial))
    write([(opening: "cond {", test), (opening: "} do {", round)])
    return results
  }

  /// One of two branches, chosen by a scalar `i1`; both return the same types.
  public mutating func ifElse(
    _ condition: Value, then: (inout FunctionBuilder) -> [Value],
    otherwise: (inout FunctionBuilder) -> [Value]
  ) -> [Value] {
    let regions = [region([]) { f, _ in then(&f) }, region([]) { f, _ in otherwise(&f) }]
    return branch("if", condition, regions)
  }

  /// One of several branches, chosen by a scalar `i32`; an index out of range takes the last.
  public mutating func switchCase(
    _ index: Value, branches: [(inout FunctionBuilder) -> [Value]]
  ) -> [Value] {
    require(!branches.isEmpty, "stablehlo.case has no branch")
    var regions: [Region] = []
    for build in branches { regions.append(region([]) { f, _ in build(&f) }) }
    return branch("case", index, regions)
  }

  /// The results of another function of the module.
  public mutating func call(_ function: FunctionText, _ operands: [Value]) -> [Value] {
    require(
      operands.map(\.type) == function.argumentTypes,
      "call of \(function.name): (\(types(operands))) are not its arguments")
    let results = function.resultTypes.map { newValue($0) }
    let assignment = results.isEmpty ? "" : names(results) + " = "
    let resultTypes = results.isEmpty ? "()" : resultList(function.resultTypes)
    line(
      "\(assignment)func.call @\(function.name)(\(names(operands))) : "
        + "(\(types(operands))) -> \(resultTypes)")
    return results
  }

  private mutating func branch(
    _ operation: String, _ selector: Value, _ regions: [Region]
  ) -> [Value] {
    let resultTypes = regions[0].results.map(\.type)
    for region in regions {
      require(
        region.results.map(\.type) == resultTypes,
        "stablehlo.\(operation): branches return (\(types(regions[0].results))) and "
          + "(\(types(region.results)))")
    }
    return append(
      resultTypes, opening: "\"stablehlo.\(operation)\"(\(selector.name)) ({", regions: regions,
      closing: "}) : \(signature([selector], resultTypes))")
  }
}
