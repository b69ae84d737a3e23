import Tensors
import TestSupport
import Testing

/// Resampled images and their gradients against those that PyTorch computed.
@Suite(.onEveryDevice) struct ResamplingFixturesTests {
  static let cases = Fixture.cases(["interpolate"])

  private func resized(_ example: Fixture.Case, _ x: Tensor) throws -> Tensor {
    let modes: [String: ResamplingMode] = [
      "nearest": .nearest, "nearest-exact": .nearestExact, "linear": .linear, "bilinear": .linear,
      "trilinear": .linear, "bicubic": .cubic, "area": .area,
    ]
    let name = example.string("mode") ?? "nearest"
    let mode = try #require(modes[name], "unknown mode \(name)")
    let alignsCorners = example.isTrue("align_corners") ?? false
    let antialias = example.isTrue("antialias") ?? false
    if let size = example.integers("size") {
      return x.resized(to: size, mode: mode, alignsCorners: alignsCorners, antialias: antialias)
    }
    let factors = try #require(example.doubles("scale_factor"))
    return x.resized(by: factors, mode: mode, alignsCorners: alignsCorners, antialias: antialias)
  }

  @Test(arguments: cases)
  func `Values and gradients are PyTorch's`(_ example: Fixture.Case) throws {
    let input = example.inputs[0]
    let x = Tensor(Alias("x"), [try example.input(input)])
    let y = try resized(example, x.channelsLast).channelsFirst
    let slope = gradients(of: [y], seeds: [try example.probe("output")], by: [x])[0]
    // Read after the gradient is taken: reading takes the graph apart.
    #expect(try distance(y, example.output("output")) < 1e-5)
    let expected = try #require(example.gradient(input))
    #expect(distance(try #require(slope), expected) < 1e-5)
  }

  @Test(.enabled(if: Fixture.areOwn)) func `The fixtures are there`() {
    #expect(Self.cases.count >= 40)
  }

  @Test func `Whole factors repeat and skip`() {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 2, 2, 1])
    let wide = x.resized(by: [2])
    #expect(wide.floats() == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
    #expect(wide.resized(by: [0.5]).floats() == x.floats())
    #expect(
      gradientProblems(at: [normal([1, 3, 2, 2])], order: 2) { $0[0].resized(by: [3]) } == [])
    #expect(x.cast(to: .float16).resized(to: [3], mode: .linear).dataType == .float16)
  }
}
