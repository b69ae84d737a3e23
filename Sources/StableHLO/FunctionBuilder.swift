/// An argument of a function and what may happen to its memory.
public struct FunctionArgument: Hashable, Sendable {
  /// Whether the caller gives the argument's memory away.
  public enum Donation: Hashable, Sendable {
    case none
    /// The memory becomes that of the output with this index, of equal type.
    case output(Int)
    /// The compiler chooses an output.
    case anyOutput
  }

  public var type: ValueType
  public var donation: Donation

  public init(_ type: ValueType, donation: Donation = .none) {
    self.type = type
    self.donation = donation
  }

  var attributes: String {
    switch donation {
    case .none: ""
    case .output(let index): " {tf.aliasing_output = \(index) : i32}"
    case .anyOutput: " {jax.buffer_donor = true}"
    }
  }
}

/// Writes the text of one StableHLO function, operation by operation.
///
/// Every method appends one operation and returns its results with their types. Names come from
/// one counter for the whole function, so that a region never hides a name from around it, and
/// closures that build regions may use every value made before.
///
/// Operands of wrong shapes or types stop the program with a sentence that names the operation.
public struct FunctionBuilder: Sendable {
  /// The function's name, without `@`.
  public let name: String
  /// The values of the arguments, in order.
  public let arguments: [Value]
  /// The devices that run the program together, each on data of its own.
  public let replicaCount: Int

  private let argumentList: [FunctionArgument]
  private var body = ""
  private var nextName: Int
  private var depth = 2

  /// Begins a function; the entry of a module is called `main`.
  public init(
    name: String = "main", arguments: [FunctionArgument] = [], replicaCount: Int = 1
  ) {
    self.name = name
    self.replicaCount = replicaCount
    argumentList = arguments
    self.arguments = arguments.enumerated().map { Value(name: "%v\($0)", type: $1.type) }
    nextName = arguments.count
  }

  /// Ends the function with its results.
  ///
  /// Mutating so that operations written in the argument list are part of the text.
  public mutating func finish(returning results: [Value]) -> FunctionText {
    for case (let index, .output(let output)) in argumentList.map(\.donation).enumerated() {
      require(
        results.indices.contains(output) && results[output].type == argumentList[index].type,
        "function \(name): argument \(index) is donated to output \(output), "
          + "which does not exist or has another type")
    }
    let parameters = zip(arguments, argumentList)
      .map { "\($0.name): \($0.type)\($1.attributes)" }.joined(separator: ", ")
    let types = results.map(\.type.description).joined(separator: ", ")
    let visibility = name == "main" ? "public" : "private"
    var text = "  func.func \(visibility) @\(name)(\(parameters)) -> (\(types)) {\n" + body
    text += results.isEmpty ? "    return\n" : "    return \(names(results)) : \(types)\n"
    return FunctionText(
      name: name, argumentTypes: argumentList.map(\.type), resultTypes: results.map(\.type),
      text: text + "  }\n")
  }

  // MARK: - For the operations

  mutating func newValue(_ type: ValueType) -> Value {
    defer { nextName += 1 }
    return Value(name: "%v\(nextName)", type: type)
  }

  mutating func line(_ text: String) {
    body += String(repeating: "  ", count: depth)
    body += text
    body += "\n"
  }

  /// Appends `%r = text` for an operation with one result.
  mutating func append(_ type: ValueType, _ text: String) -> Value {
    let result = newValue(type)
    line("\(result.name) = \(text)")
    return result
  }

  /// Appends an operation with regions: its first line up to the first region's brace, the regions
  /// with `separator` between them, then what follows the last brace.
  mutating func append(
    _ types: [ValueType], opening: String, regions: [Region], separator: String = "}, {",
    closing: String
  ) -> [Value] {
    let results = types.map { newValue($0) }
    line((results.isEmpty ? "" : names(results) + " = ") + opening)
    for (index, region) in regions.enumerated() {
      if index > 0 { line(separator) }
      if let header = region.header { line(header) }
      body += region.text
    }
    line(closing)
    return results
  }

  /// Appends regions of an operation in its own syntax, each after its opening line.
  mutating func write(_ regions: [(opening: String, Region)]) {
    for (opening, region) in regions {
      line(opening)
      body += region.text
    }
    line("}")
  }

  /// The body of a region, made before the operation it belongs to is written: what it returns
  /// decides the types of the operation's results.
  struct Region {
    var header: String?
    var text: String
    var results: [Value]
  }

  /// Builds a region whose block arguments have `types`; with `labelled`, the block names them.
  mutating func region(
    _ types: [ValueType], labelled: Bool = true,
    _ build: (inout FunctionBuilder, [Value]) -> [Value]
  ) -> Region {
    let values = types.map { newValue($0) }
    return region(over: values, labelled: labelled, build)
  }

  mutating func region(
    over values: [Value], labelled: Bool, _ build: (inout FunctionBuilder, [Value]) -> [Value]
  ) -> Region {
    let outer = body
    body = ""
    depth += 1
    let results = build(&self, values)
    line(
      results.isEmpty
        ? "stablehlo.return" : "stablehlo.return \(names(results)) : \(types(results))")
    depth -= 1
    let text = body
    body = outer
    let block = values.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
    return Region(
      header: labelled && !values.isEmpty ? "^bb0(\(block)):" : nil, text: text, results: results)
  }
}

/// The names of values, as they stand in an operand list.
func names(_ values: [Value]) -> String {
  values.map(\.name).joined(separator: ", ")
}

/// The types of values, as they stand after a colon.
func types(_ values: [Value]) -> String {
  values.map(\.type.description).joined(separator: ", ")
}

func list(_ numbers: [Int]) -> String {
  "[" + numbers.map(String.init).joined(separator: ", ") + "]"
}

/// MLIR's array attribute, such as `array<i64: 1, 2>`.
func array(_ numbers: [Int]) -> String {
  numbers.isEmpty
    ? "array<i64>" : "array<i64: " + numbers.map(String.init).joined(separator: ", ") + ">"
}

/// The result part of a function type: one type alone, several in brackets.
func resultList(_ types: [ValueType]) -> String {
  types.count == 1
    ? types[0].description : "(" + types.map(\.description).joined(separator: ", ") + ")"
}

func signature(_ operands: [Value], _ results: [ValueType]) -> String {
  "(\(types(operands))) -> \(resultList(results))"
}
