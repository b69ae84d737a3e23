internal import CKernels
public import StableHLO

/// What an elementwise row asks of its operands.
package enum ElementDomain: Sendable {
  case floating
  case numeric
  case integer
  case logical
  case any

  func check(_ type: DataType) throws(ShapeError) {
    let allowed =
      switch self {
      case .floating: type.isFloatingPoint
      case .numeric: type != .bool
      case .integer: !type.isFloatingPoint
      case .logical: type == .bool
      case .any: true
      }
    if !allowed { throw ShapeError("\(type) elements; cast(to:) a \(self) type first") }
  }
}

/// How a row is written in StableHLO.
package enum Emission: Sendable {
  case unary(UnaryOperation)
  case binary(BinaryOperation)
  case comparison(ComparisonDirection)
  /// The operand with itself. Not a formula: tracing x · x gives the square again.
  case withItself(BinaryOperation)
  /// The definition in other tensor operations, traced and emitted; also what the row's second derivative comes from.
  case formula(@Sendable ([Tensor]) -> Tensor)

  func emit(_ operands: [Value], into function: inout FunctionBuilder) -> Value {
    switch self {
    // XLA has no absolute value and sign of unsigned numbers.
    case .unary(.abs) where operands[0].element == .ui8: operands[0]
    case .unary(.sign) where operands[0].element == .ui8:
      function.binary(.minimum, operands[0], function.constant(1, operands[0].type))
    case .unary(let operation): function.unary(operation, operands[0])
    case .binary(let operation): function.binary(operation, operands[0], operands[1])
    case .comparison(let direction): function.compare(direction, operands[0], operands[1])
    case .withItself(let operation): function.binary(operation, operands[0], operands[0])
    case .formula(let formula): function.inline(formula, operands)
    }
  }
}

/// An elementwise function of one tensor. Every function is a row: an instance whose equality is identity.
public final class Unary: ElementwisePrimitive {
  public let name: String
  let operation: apus_tile_operation
  let domain: ElementDomain
  let isPredicate: Bool
  let emission: Emission
  let derivative: @Sendable (_ x: Tensor, _ y: Tensor, _ dy: Tensor) -> Tensor?

  init(
    _ name: String, _ operation: apus_tile_operation, _ emission: Emission,
    on domain: ElementDomain = .floating, isPredicate: Bool = false,
    _ derivative: @escaping @Sendable (_ x: Tensor, _ y: Tensor, _ dy: Tensor) -> Tensor?
  ) {
    self.name = name
    self.operation = operation
    self.domain = domain
    self.isPredicate = isPredicate
    self.emission = emission
    self.derivative = derivative
  }

  public static func == (a: Unary, b: Unary) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try domain.check(inputs[0].dataType)
    return isPredicate ? inputs[0].with(.bool) : inputs[0]
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [derivative(inputs[0], y, dy)]
  }

  public func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    tile.wrapped(tile.append(operation, operands[0]), output.dataType)
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    emission.emit(operands, into: &function)
  }
}

/// An elementwise function of two tensors of one type; `Tensor`'s operators broadcast before they come here.
public final class Binary: ElementwisePrimitive {
  public let name: String
  let operation: apus_tile_operation
  let domain: ElementDomain
  let isPredicate: Bool
  let emission: Emission
  let derivative: @Sendable (_ inputs: [Tensor], _ y: Tensor, _ dy: Tensor) -> [Tensor?]

  init(
    _ name: String, _ operation: apus_tile_operation, _ emission: Emission,
    on domain: ElementDomain = .numeric, isPredicate: Bool = false,
    _ derivative: @escaping @Sendable (_ inputs: [Tensor], _ y: Tensor, _ dy: Tensor) -> [Tensor?]
  ) {
    self.name = name
    self.operation = operation
    self.domain = domain
    self.isPredicate = isPredicate
    self.emission = emission
    self.derivative = derivative
  }

  public static func == (a: Binary, b: Binary) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs[0].shape == inputs[1].shape else {
      throw ShapeError("shapes \(inputs[0].shape) and \(inputs[1].shape) differ")
    }
    guard inputs[0].dataType == inputs[1].dataType else {
      throw ShapeError(
        "element types \(inputs[0].dataType) and \(inputs[1].dataType) differ; cast(to:) one of them"
      )
    }
    try domain.check(inputs[0].dataType)
    return isPredicate ? inputs[0].with(.bool) : inputs[0]
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    derivative(inputs, y, dy)
  }

  public func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    tile.wrapped(tile.append(operation, operands[0], operands[1]), output.dataType)
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    emission.emit(operands, into: &function)
  }
}

/// `condition ? a : b` at every place; all shapes equal.
public struct Select: ElementwisePrimitive {
  public init() {}
  public var name: String { "select" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs[0].dataType == .bool else {
      throw ShapeError("the condition is \(inputs[0].dataType); compare something to get bool")
    }
    guard inputs[1] == inputs[2], inputs[0].shape == inputs[1].shape else {
      throw ShapeError("condition \(inputs[0].shape), \(inputs[1]) and \(inputs[2]) differ")
    }
    return inputs[1]
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let zero = dy.zerosLike()
    return [
      nil, Tensor(Select(), [inputs[0], dy, zero]), Tensor(Select(), [inputs[0], zero, dy]),
    ]
  }

  public func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    tile.append(APUS_TILE_SELECT, operands[0], operands[1], operands[2])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    function.select(operands[0], operands[1], operands[2])
  }
}

/// Conversion to another element type. Floats become integers by cutting the fraction (saturating, NaN gives 0), numbers
/// become bool by comparison with 0.
public struct Cast: ElementwisePrimitive {
  let target: DataType
  public init(to target: DataType) { self.target = target }
  public var name: String { "cast to \(target)" }

  public func outputType(_ inputs: [TensorType]) -> TensorType { inputs[0].with(target) }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let source = inputs[0].dataType
    return [source.isFloatingPoint && target.isFloatingPoint ? dy.cast(to: source) : nil]
  }

  public func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    let x = operands[0]
    switch target {
    case .bool: return inputs[0].dataType == .bool ? x : tile.append(APUS_TILE_TO_BOOL, x)
    case .float16: return tile.append(APUS_TILE_ROUND_F16, tile.converted(x, to: APUS_LANE_F32))
    case .bfloat16: return tile.append(APUS_TILE_ROUND_BF16, tile.converted(x, to: APUS_LANE_F32))
    default: return tile.wrapped(tile.converted(x, to: target.lane), target)
    }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    // Floats become bytes by way of whole numbers, as on the CPU: these saturate, bytes wrap around.
    let isWide = operands[0].element.isFloat && output.dataType == .uint8
    let value = isWide ? function.convert(operands[0], to: .i32) : operands[0]
    return function.convert(value, to: output.dataType.hlo)
  }
}
