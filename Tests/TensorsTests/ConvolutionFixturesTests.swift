import Tensors
import TestSupport
import Testing

/// Convolutions and their gradients against those that PyTorch computed.
@Suite(.onEveryDevice) struct ConvolutionFixturesTests {
  static let operations = (1...3).flatMap { ["Conv\($0)d", "ConvTranspose\($0)d"] }
  static let cases = Fixture.cases(Set(operations))

  private func padding(_ example: Fixture.Case) -> SpatialPadding {
    example.string("padding") == "same" ? .same : .symmetric(example.integers("padding") ?? [0])
  }

  private func y(_ example: Fixture.Case, _ x: Tensor, _ weight: Tensor) -> Tensor {
    let stride = example.integers("stride") ?? [1]
    let dilation = example.integers("dilation") ?? [1]
    let groups = example.integer("groups") ?? 1
    let modes: [String: PaddingMode] = [
      "reflect": .reflect, "circular": .circular, "replicate": .replicate,
    ]
    if example.operation.hasPrefix("ConvTranspose") {
      return transposedConvolution(
        x, weight, stride: stride, padding: padding(example),
        outputPadding: example.integers("output_padding") ?? [0], dilation: dilation,
        groups: groups)
    }
    return convolution(
      x, weight, stride: stride, padding: padding(example), dilation: dilation, groups: groups,
      mode: example.string("padding_mode").flatMap { modes[$0] } ?? .zeros)
  }

  @Test(arguments: cases)
  func `Values and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let input = example.inputs[0]
    let x = Tensor(Alias("x"), [try example.input(input)])
    let weight = Tensor(Alias("weight"), [try #require(example.weight("weight"))])
    let bias = example.weight("bias").map { Tensor(Alias("bias"), [$0]) }
    let linear = y(example, x.channelsLast, weight)
    let result = (bias.map { linear + $0 } ?? linear).channelsFirst

    let slopes = gradients(
      of: [result], seeds: [try example.probe("output")],
      by: [x, weight] + (bias.map { [$0] } ?? []))
    // Read after the gradients are taken: reading takes the graph apart.
    #expect(try distance(result, example.output("output")) < 1e-5)
    for (name, slope) in zip([input, "weight", "bias"], slopes) {
      let expected = try #require(example.gradient(name), "no gradient by \(name)")
      #expect(distance(try #require(slope), expected) < 1e-5, "gradient by \(name)")
    }
  }

  @Test(.enabled(if: Fixture.areOwn)) func `The fixtures are there`() {
    #expect(Self.cases.count >= 20)
  }
}
