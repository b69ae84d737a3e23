import Documents
import Tensors
import TestSupport
import Testing

/// Poolings and their gradients against those that PyTorch computed.
@Suite(.onEveryDevice) struct PoolingFixturesTests {
  static let kinds = ["MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "LPPool"]
  static let cases = Fixture.cases(Set(kinds.flatMap { kind in (1...3).map { "\(kind)\($0)d" } }))

  private func pooled(_ example: Fixture.Case, _ x: Tensor) -> Tensor {
    let size = example.integers("kernel_size") ?? [1]
    let stride = example.integers("stride")
    let padding = SpatialPadding.symmetric(example.integers("padding") ?? [0])
    let roundsUp = example.isTrue("ceil_mode") ?? false
    // Null keeps the size of its axis.
    let output =
      example.arguments["output_size"]?.elements?.enumerated()
      .map { $1.integer ?? x.shape[$0 + 1] } ?? example.integers("output_size") ?? [1]
    switch example.operation.dropLast(2) {
    case "MaxPool":
      return maxPooling(
        x, size: size, stride: stride, padding: padding,
        dilation: example.integers("dilation") ?? [1], roundsUp: roundsUp)
    case "AvgPool":
      return averagePooling(
        x, size: size, stride: stride, padding: padding, roundsUp: roundsUp,
        countsPadding: example.isTrue("count_include_pad") ?? true)
    case "AdaptiveAvgPool": return adaptiveAveragePooling(x, to: output)
    case "AdaptiveMaxPool": return adaptiveMaxPooling(x, to: output)
    default:
      return normPooling(
        x, power: example.double("norm_type") ?? 2, size: size, stride: stride,
        roundsUp: roundsUp)
    }
  }

  @Test(arguments: cases)
  func `Values and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let input = example.inputs[0]
    let x = Tensor(Alias("x"), [try example.input(input)])
    let y = pooled(example, x.channelsLast).channelsFirst
    let slope = gradients(of: [y], seeds: [try example.probe("output")], by: [x])[0]
    // Read after the gradient is taken: reading takes the graph apart.
    #expect(try distance(y, example.output("output")) < 1e-5)
    let expected = try #require(example.gradient(input))
    #expect(distance(try #require(slope), expected) < 1e-5)
  }

  @Test(.enabled(if: Fixture.areOwn)) func `The fixtures are there`() {
    #expect(Self.cases.count >= 18)
  }
}
