import Foundation
import Tensors
import TestSupport
import Testing

/// The helpers of the tests find what is wrong.
@Suite struct HelperTests {
  @Test func `A wrong gradient is found, element by element`() {
    // The gradient of x·stopped(x) is x where differences say 2x.
    let problems = gradientProblems(at: [normal([3])]) { $0[0] * $0[0].stopped() }
    #expect(problems.count == 3)
    #expect(gradientProblems(at: [normal([3])], order: 2) { $0[0] * $0[0] } == [])
  }

  @Test func `A wrong gradient of a gradient is found`() {
    // A value x³ whose first gradient, 3x², is right, but is a constant to the second.
    func cube(_ x: Tensor) -> Tensor {
      let slope = (x.square() * 3).stopped()
      return slope * x + (x.power(3) - slope * x).stopped()
    }
    let points = [normal([2])]
    #expect(gradientProblems(at: points, order: 2) { $0[0].power(3) } == [])
    let problems = gradientProblems(at: points, order: 2) { cube($0[0]) }
    #expect(problems.count == 2 && problems.allSatisfy { $0.hasPrefix("gradient of the gradient") })
  }

  @Test func `A gradient that is missing or not a number is found`() {
    #expect(gradientProblems(at: [normal([2])]) { $0[0].stopped() }.count == 2)
    #expect(gradientProblems(at: [Tensor([0.0])]) { $0[0].abs().sqrt() }.count == 1)
  }

  @Test func `Cancellation in float32 is found`() {
    let points = [Tensor([1e-3, 2e-3]), Tensor([1000.0, 2000])]
    #expect(precisionProblems(at: points) { ($0[0] + $0[1]) - $0[1] }.count == 1)
    #expect(precisionProblems(at: points) { $0[0] * 3 + $0[1] } == [])
  }

  @Test func `Distances see shapes, NaN and infinities`() {
    let a = Tensor([1, 2, 4] as [Float])
    #expect(distance(a, a) == 0)
    #expect(distance(Tensor([1, 2, 5] as [Float]), a) == 0.25)
    #expect(distance(a, Tensor([1, 2, 4] as [Float], shape: [3, 1])) == .infinity)
    #expect(distance(Tensor([1, .nan, 4] as [Float]), a) == .infinity)
    #expect(distance(a, Tensor([1, .infinity, 4] as [Float])) == .infinity)
    let infinite = Tensor([-.infinity, 1] as [Float])
    #expect(distance(infinite, infinite.cast(to: .float64)) == 0)
  }

  @Test func `Fixtures are found by what they hold`() {
    #expect(Fixture.problems == [])
    #expect(Fixture.cases(["Conv2d"]).allSatisfy { $0.operation == "Conv2d" })
    #expect(Fixture.cases(["no such operation"]).isEmpty)
    if Fixture.areOwn { #expect(!Fixture.cases(["Conv2d"]).isEmpty) }
  }
}
