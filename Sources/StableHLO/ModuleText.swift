/// A finished function: its text and what a call of it needs to know.
public struct FunctionText: Hashable, Sendable {
  public let name: String
  public let argumentTypes: [ValueType]
  public let resultTypes: [ValueType]
  let text: String
}

/// A program: functions in the form that XLA's plugins compile.
///
/// The function called `main` is the entry; the others are private to the module.
public struct ModuleText: Hashable, Sendable {
  public let name: String
  public let functions: [FunctionText]

  public init(name: String = "program", _ functions: [FunctionText]) {
    require(
      Set(functions.map(\.name)).count == functions.count,
      "module \(name): two functions have one name")
    self.name = name
    self.functions = functions
  }

  /// The StableHLO text, ending with a line feed.
  public var text: String {
    "module @\(name) {\n" + functions.map(\.text).joined() + "}\n"
  }
}
