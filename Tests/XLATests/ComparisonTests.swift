import Layers
import StableHLO
import Tensors
import TestSupport
import Testing
import XLA

/// Two devices are compared operation by operation.
@Suite(.ifPluginIsInstalled) struct ComparisonTests {
  struct Network: Module {
    var first: Tensor
    var second: Tensor
    mutating func visit(_ visitor: inout Visitor) {
      visitor("first", &first)
      visitor("second", &second)
    }
  }

  /// The hyperbolic tangent on the CPU, and nearly it elsewhere.
  struct WrongTanh: SingleOutputPrimitive {
    let name = "wrong tanh"
    func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType { inputs[0] }
    func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
      [dy * (1 - y * y)]
    }
    func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
      Unary.tanh.lower(inputs, output)
    }
    func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
      -> Value
    {
      let exact = function.unary(.tanh, operands[0])
      return function.binary(.multiply, exact, function.constant(1.01, exact.type))
    }
  }

  private func step(_ f: @escaping @Sendable (Tensor) -> Tensor) -> CompiledStep<
    Network, Tensor, Tensor
  > {
    compiled { (state: inout Network, batch: Tensor) -> Tensor in
      let (loss, gradient) = valueAndGradient(at: state) { model in
        let hidden = matrixProduct(batch, model.first).relu()
        return f(matrixProduct(hidden, model.second)).square().mean()
      }
      state = state.zipTensors(gradient) { $0 - $1 * 0.1 }
      return loss
    }
  }
  private let state = Network(
    first: normal([5, 4]).cast(to: .float32), second: normal([4, 3], 2).cast(to: .float32))
  private let batch = normal([6, 5], 3).cast(to: .float32)

  @Test func `A step that is right on both differs nowhere`() throws {
    let xla = try Device.xla(plugin: "cpu")
    #expect(
      try step { $0.tanh() }.firstDifference(state, batch, between: .cpu, and: xla) == nil)
  }

  @Test func `The first wrong operation is named, with its place in the model`() throws {
    let xla = try Device.xla(plugin: "cpu")
    let step = step { Tensor(WrongTanh(), [$0]) }
    let found = try step.firstDifference(state, batch, between: .cpu, and: xla)
    let difference = try #require(found)
    #expect(difference.operation == "wrong tanh")
    #expect(difference.nearest == ["state.second"])
    #expect(abs(difference.distance - 0.01) < 1e-3)
    #expect(difference.operandDistance < 1e-5)
    #expect("\(difference)".contains("near state.second"))
  }
}
