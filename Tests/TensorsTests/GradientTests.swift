import Tensors
import TestSupport
import Testing

@Suite struct GradientTests {
  /// The gradient of Σ y by x.
  private static func slope(_ y: Tensor, _ x: Tensor) -> Tensor? {
    gradients(of: [y], seeds: [y.onesLike()], by: [x])[0]
  }

  @Test func `A gradient through a value that was read is refused, with the way out`() async throws
  {
    let result = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let x = Tensor([1, 2, 3] as [Float])
      let y = x.square()
      _ = y.floats()
      _ = Self.slope(y.exp(), x)
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    for word in ["square", "read", "valueAndGradient", "stopped()"] {
      #expect(text.contains(word), "\(text)")
    }
  }

  /// One of two paths is gone: the gradient would be wrong, not absent.
  @Test func `A gradient of which a part was read is refused`() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor([1, 2, 3] as [Float])
      let y = x.square()
      _ = y.floats()
      _ = Self.slope(y * x, x)
    }
  }

  @Test func `A gradient that was read has no gradient of its own`() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor([1, 2, 3] as [Float])
      let first = Self.slope(x.power(3), x)!
      _ = first.floats()
      _ = Self.slope(first, x)
    }
  }

  @Test func `Reading after the gradient does no harm`() {
    let x = Tensor([1, 2, 3] as [Float])
    let y = x.square()
    let slope = Self.slope(y.exp(), x)!
    _ = y.floats()
    let expected = (x.square().exp() * x * 2).doubles()
    #expect(zip(slope.doubles(), expected).allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
  }

  @Test func `What was read is a constant where it is older, stopped, an input or whole`() {
    let constant = Tensor([1, 2] as [Float]).exp()
    _ = constant.floats()
    let x = Tensor([1, 2] as [Float])
    #expect(Self.slope(x * constant, x)!.floats() == constant.floats())

    let read = x.square()
    _ = read.floats()
    #expect(Self.slope(x * read.stopped(), x)!.floats() == [1, 4])
    #expect(Self.slope(Tensor([5, 5] as [Float]).square(), x) == nil)
    #expect(Self.slope(read * read, read)!.floats() == [2, 8])
    let place = x.argmax(0)
    _ = place.integers()
    #expect(Self.slope(x.takeAlong(0, place.reshaped([1])), x)!.floats() == [0, 1])
  }
}
