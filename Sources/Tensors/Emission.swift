package import StableHLO

extension DataType {
  /// The element type in StableHLO.
  package var hlo: ElementType {
    switch self {
    case .float32: .f32
    case .float16: .f16
    case .bfloat16: .bf16
    case .float64: .f64
    case .int32: .i32
    case .int64: .i64
    case .uint8: .ui8
    case .bool: .i1
    }
  }

  package init(_ element: ElementType) {
    guard let type = DataType.allCases.first(where: { $0.hlo == element }) else {
      fail("tensors have no elements of type \(element.rawValue)")
    }
    self = type
  }
}

extension TensorType {
  /// The type in StableHLO.
  package var hlo: ValueType { ValueType(shape, dataType.hlo) }
}

extension Program {
  /// Writes the instructions with `operands` as arguments and returns the results.
  package func emit(_ operands: [Value], into function: inout FunctionBuilder) -> [Value] {
    var values = operands
    for instruction in instructions {
      let inputs = instruction.operands.map { values[$0] }
      values += instruction.primitive.emit(inputs, resultTypes(instruction), into: &function)
    }
    return outputs.map { values[$0] }
  }
}

extension FunctionBuilder {
  /// Writes a formula in tensor operations.
  mutating func inline(_ formula: ([Tensor]) -> Tensor, _ operands: [Value]) -> Value {
    inline({ [formula($0)] }, operands)[0]
  }

  /// Writes a formula with several results.
  mutating func inline(_ formula: ([Tensor]) -> [Tensor], _ operands: [Value]) -> [Value] {
    let arguments = operands.map { operand in
      let type = TensorType(operand.shape, DataType(operand.element))
      return Tensor(Placeholder(type), [])
    }
    let trace = Program.trace(formula(arguments), arguments: arguments)
    guard trace.captured.isEmpty else {
      fail("a formula captured a tensor; it may use its arguments only")
    }
    return trace.program.emit(operands, into: &self)
  }
}
