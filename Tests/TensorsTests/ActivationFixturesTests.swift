import Tensors
import TestSupport
import Testing

/// Activations and their gradients against those that PyTorch computed.
@Suite(.onEveryDevice) struct ActivationFixturesTests {
  static let activations: [String: @Sendable (Fixture.Case, Tensor) -> Tensor] = [
    "ReLU": { $1.relu() }, "ReLU6": { $1.relu6() },
    "LeakyReLU": { $1.leakyReLU(slope: $0.double("negative_slope") ?? 0.01) },
    "ELU": { $1.elu(alpha: $0.double("alpha") ?? 1) }, "SELU": { $1.selu() },
    "CELU": { $1.celu(alpha: $0.double("alpha") ?? 1) },
    "GELU": { $0.string("approximate") == "tanh" ? $1.geluTanh() : $1.gelu() },
    "SiLU": { $1.silu() }, "Mish": { $1.mish() },
    "Softplus": {
      $1.softplus(
        beta: $0.double("beta") ?? 1, threshold: $0.double("threshold") ?? 20)
    },
    "Softsign": { $1.softsign() }, "Hardswish": { $1.hardSwish() },
    "Hardsigmoid": { $1.hardSigmoid() },
    "Hardtanh": {
      $1.clipped(to: ($0.double("min_val") ?? -1)...($0.double("max_val") ?? 1))
    },
    "Sigmoid": { $1.sigmoid() }, "LogSigmoid": { $1.logSigmoid() }, "Tanh": { $1.tanh() },
    "Softmax": { $1.softmax($0.integer("dim") ?? -1) },
    "LogSoftmax": { $1.logSoftmax($0.integer("dim") ?? -1) },
    "Softshrink": { $1.softShrink(threshold: $0.double("lambd") ?? 0.5) },
    "GLU": { $1.gatedLinearUnit($0.integer("dim") ?? -1) },
  ]
  static let cases = Fixture.cases(Set(activations.keys))

  @Test(arguments: cases)
  func `Values and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let input = example.inputs[0]
    let x = Tensor(Alias("x"), [try example.input(input)])
    let activation = try #require(Self.activations[example.operation])
    let y = activation(example, x)
    let slope = gradients(of: [y], seeds: [try example.probe("output")], by: [x])[0]
    // Read after the gradient is taken: reading takes the graph apart.
    #expect(try distance(y, example.output("output")) < 1e-5)
    let expected = try #require(example.gradient(input))
    #expect(distance(try #require(slope), expected) < 1e-5)
  }

  @Test(.enabled(if: Fixture.areOwn)) func `The fixtures are there`() {
    #expect(Self.cases.count >= 22)
  }
}
