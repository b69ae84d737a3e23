import Tensors
import TestSupport
import Testing

/// Activations and their gradients against those that PyTorch computed.
@Suite struct ActivationFixturesTests {
  static let activations: [String: @Sendable (Fixture.Case, Tensor) -> Tensor] = [
    "ReLU": { $1.relu() }, "ReLU6": { $1.relu6() },
    "LeakyReLU": { $1.leakyReLU(slope: $0.doubles("negative_slope")?[0] ?? 0.01) },
    "ELU": { $1.elu(alpha: $0.doubles("alpha")?[0] ?? 1) }, "SELU": { $1.selu() },
    "CELU": { $1.celu(alpha: $0.doubles("alpha")?[0] ?? 1) },
    "GELU": { $0.string("approximate") == "tanh" ? $1.geluTanh() : $1.gelu() },
    "SiLU": { $1.silu() }, "Mish": { $1.mish() },
    "Softplus": {
      $1.softplus(
        beta: $0.doubles("beta")?[0] ?? 1, threshold: $0.doubles("threshold")?[0] ?? 20)
    },
    "Softsign": { $1.softsign() }, "Hardswish": { $1.hardSwish() },
    "Hardsigmoid": { $1.hardSigmoid() },
    "Hardtanh": {
      $1.clipped(to: ($0.doubles("min_val")?[0] ?? -1)...($0.doubles("max_val")?[0] ?? 1))
    },
    "Sigmoid": { $1.sigmoid() }, "LogSigmoid": { $1.logSigmoid() }, "Tanh": { $1.tanh() },
    "Softmax": { $1.softmax($0.integers("dim")?[0] ?? -1) },
    "LogSoftmax": { $1.logSoftmax($0.integers("dim")?[0] ?? -1) },
    "Softshrink": { $1.softShrink(threshold: $0.doubles("lambd")?[0] ?? 0.5) },
    "GLU": { $1.gatedLinearUnit($0.integers("dim")?[0] ?? -1) },
  ]
  static let cases = Fixture.cases(Set(activations.keys))

  @Test(arguments: cases)
  func `Values and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let input = example.fixture.names("input.\(example.name).").filter { !$0.hasPrefix("probe") }[0]
    let x = Tensor(Alias("x"), [example.input(input)])
    let activation = try #require(Self.activations[example.operation])
    let y = activation(example, x)
    let slope = gradients(of: [y], seeds: [example.probe("output")], by: [x])[0]
    // Read after the gradient is taken: reading takes the graph apart.
    #expect(distance(y, example.output("output")) < 1e-5)
    let expected = try #require(example.gradient(input))
    #expect(distance(try #require(slope), expected) < 1e-5)
  }

  @Test func `The fixtures are there`() { #expect(Self.cases.count >= 22) }
}
