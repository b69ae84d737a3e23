public import StableHLO

/// Everything the package knows about one primitive operation: shapes, gradient, CPU lowering and StableHLO text.
///
/// No facet has a default, so a primitive cannot exist without one of them. Gradients are written in tensor operations;
/// one rule serves every executor and higher derivatives.
public protocol Primitive: Sendable, Hashable {
  /// The name in messages and program listings.
  var name: String { get }

  /// Shapes and element types of the results, or what is wrong with those of the operands.
  func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType]

  /// The gradient with respect to each operand, given that of each result (nil: nothing depends on it). nil: the result
  /// does not depend on the operand in a differentiable way.
  func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?]

  /// A kernel for the CPU, chosen and created once, run many times.
  func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel

  /// The operation in StableHLO.
  func emit(_ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder)
    -> [Value]
}

/// A primitive that gains from knowing which operands stay the same over many runs, as a loop's weights do.
package protocol ReusingPrimitive: Primitive {
  /// - Parameter reused: the operands that stay the same.
  func lower(_ inputs: [TensorType], _ outputs: [TensorType], reusing reused: Set<Int>)
    -> PreparedKernel
}

/// A primitive with one result, in plain signatures.
public protocol SingleOutputPrimitive: Primitive {
  func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType
  func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?]
  func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel
  func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
}

extension SingleOutputPrimitive {
  public func outputTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    [try outputType(inputs)]
  }

  public func gradient(_ dy: [Tensor?], outputs: [Tensor], inputs: [Tensor]) -> [Tensor?] {
    dy[0].map { gradient($0, output: outputs[0], inputs: inputs) } ?? inputs.map { _ in nil }
  }

  public func lower(_ inputs: [TensorType], _ outputs: [TensorType]) -> PreparedKernel {
    lower(inputs, outputs[0])
  }

  public func emit(
    _ operands: [Value], _ outputs: [TensorType], into function: inout FunctionBuilder
  ) -> [Value] {
    [emit(operands, outputs[0], into: &function)]
  }
}

/// A primitive that computes each element from the elements at the same place. Clusters of them become one tile program.
public protocol ElementwisePrimitive: SingleOutputPrimitive {
  /// Appends the instructions that compute one tile.
  func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  )
    -> TileOperand
}

extension ElementwisePrimitive {
  /// A cluster of one.
  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    TileBuilder.kernel(of: self, inputs, output)
  }
}

extension Primitive {
  /// Equality across existentials.
  package func isEqual(to other: any Primitive) -> Bool { (other as? Self) == self }
}
