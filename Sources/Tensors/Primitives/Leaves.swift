internal import CKernels
package import StableHLO

/// A value that is there already. Never lowered: it enters a program as an argument.
package struct Constant: SingleOutputPrimitive {
  package var name: String { "constant" }
  package func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    fail("a constant has its type already")
  }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [] }
  package func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    fail("a constant is an argument of the program, not an instruction")
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    fail("a constant is an argument of the program, not an instruction")
  }
}

/// An argument of a program that is being traced.
package struct Placeholder: SingleOutputPrimitive {
  package let type: TensorType
  package init(_ type: TensorType) { self.type = type }

  package var name: String { "argument" }
  package func outputType(_ inputs: [TensorType]) -> TensorType { type }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [] }
  package func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    fail("an argument of the program is not an instruction")
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    fail("an argument of the program is not an instruction")
  }
}

/// The same value under a name: what `valueAndGradient` makes of every tensor of a module, so that errors can name it
/// and equal values stay distinct. Disappears when a program is made.
package struct Alias: SingleOutputPrimitive {
  package let path: String
  package init(_ path: String) { self.path = path }

  package var name: String { path }
  package func outputType(_ inputs: [TensorType]) -> TensorType { inputs[0] }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [dy] }
  package func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    fail("an alias disappears before lowering")
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  { operands[0] }
}

/// The same value without a gradient. Disappears when a program is made.
package struct Stop: SingleOutputPrimitive {
  package init() {}
  package var name: String { "stopped" }
  package func outputType(_ inputs: [TensorType]) -> TensorType { inputs[0] }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [nil] }
  package func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    fail("a stopped gradient disappears before lowering")
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  { operands[0] }
}

/// One number at every place. Written where it is read, never stored if it can be avoided.
package struct Fill: ElementwisePrimitive {
  package let number: Number
  package let type: TensorType

  /// An exact number of either kind.
  package enum Number: Hashable, Sendable {
    case real(Double)
    case integer(Int64)

    package var real: Double {
      switch self {
      case .real(let value): value
      case .integer(let value): Double(value)
      }
    }
    package var integer: Int64 {
      switch self {
      case .real(let value): Int64(saturating: value)
      case .integer(let value): value
      }
    }
  }

  package init(_ number: Number, _ type: TensorType) {
    self.number = type.dataType.isFloatingPoint ? .real(number.real) : .integer(number.integer)
    self.type = type
  }

  package var name: String { "fill" }
  package func outputType(_ inputs: [TensorType]) -> TensorType { type }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [] }
  package func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    tile.literal(number, output.dataType)
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    switch number {
    case .real(let value): function.constant(value, output.hlo)
    case .integer(let value): function.constant(Int(value), output.hlo)
    }
  }
}

extension Int64 {
  /// The nearest integer towards zero; saturates, NaN gives 0.
  init(saturating value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Int64(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : .min)
    }
  }
}

/// The index along one axis at every place: int32 or int64.
package struct Iota: SingleOutputPrimitive {
  package let axis: Int
  package let type: TensorType
  package init(axis: Int, _ type: TensorType) {
    self.axis = axis
    self.type = type
  }

  package var name: String { "iota" }
  package func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard type.dataType == .int32 || type.dataType == .int64 else {
      throw ShapeError("indices are int32 or int64, not \(type.dataType)")
    }
    return type
  }
  package func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] { [] }
  /// The places of the axis among all elements, as fusion sees them.
  package var pattern: BroadcastPattern {
    BroadcastPattern(keeping: axis..<(axis + 1), of: type.shape)
  }
  package func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    var tile = TileBuilder(count: output.count)
    let index = tile.index(pattern, output.dataType)
    tile.output(tile.append(APUS_TILE_COPY, index), output.dataType)
    return tile.kernel()
  }
  package func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  { function.iota(axis, output.hlo) }
}
