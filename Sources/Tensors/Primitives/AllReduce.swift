internal import CKernels
public import StableHLO

/// The sum or mean of a tensor over all devices that run the program together, the same on each; on one device the tensor
/// itself.
///
/// Differentiated as the sum of all devices' losses: the gradient on each device is the sum (mean) of all devices' gradients.
public struct AllReduce: ElementwisePrimitive {
  public enum Operation: Sendable {
    case sum
    case mean
  }

  let operation: Operation
  public init(_ operation: Operation) { self.operation = operation }
  public var name: String { "\(operation) across devices" }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    let type = inputs[0].dataType
    guard type.isFloatingPoint || operation == .sum && (type == .int32 || type == .int64) else {
      throw ShapeError("\(type) elements have no \(operation); cast(to: .float32) first")
    }
    return inputs[0]
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    [Tensor(self, [dy])]
  }

  public func tile(
    _ operands: [TileOperand], _ inputs: [TensorType], _ output: TensorType,
    into tile: inout TileBuilder
  ) -> TileOperand {
    tile.append(APUS_TILE_COPY, operands[0])
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    let count = function.replicaCount
    guard count > 1 else { return operands[0] }
    let sum = function.allReduce(operands[0], .add)
    guard operation == .mean else { return sum }
    return function.binary(.divide, sum, function.constant(count, output.hlo))
  }
}

extension Tensor {
  /// The sum of this tensor over all devices that run the program together.
  public func sumAcrossDevices() -> Tensor { Tensor(AllReduce(.sum), [self]) }

  /// The mean of this tensor over all devices that run the program together: of losses and gradients of equal parts of a
  /// batch, those of the whole.
  public func meanAcrossDevices() -> Tensor { Tensor(AllReduce(.mean), [self]) }
}
