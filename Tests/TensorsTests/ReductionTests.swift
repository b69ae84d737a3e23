import Foundation
import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct ReductionTests {
  static let axes: [[Int]] = [[], [0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2], [-1]]

  /// Joins elements along axes, from the definition.
  private func reduced(_ x: Tensor, _ axes: [Int], _ join: ([Double]) -> Double) -> Tensor {
    let axes = axes.map { $0 < 0 ? $0 + x.rank : $0 }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let shape = kept.map { x.shape[$0] }
    var groups = [[Double]](repeating: [], count: shape.reduce(1, *))
    let (strides, target) = (x.shape.rowMajorStrides, shape.rowMajorStrides)
    for (i, value) in x.doubles().enumerated() {
      let place = zip(kept, target).map { i / strides[$0] % x.shape[$0] * $1 }.reduce(0, +)
      groups[place].append(value)
    }
    return Tensor(groups.map(join), shape: shape)
  }

  @Test func `The sum over no axes of a number's square is the square`() {
    #expect(Tensor([-3.0] as [Float], shape: []).square().sum().doubles() == [9])
  }

  @Test(arguments: axes)
  func `Reductions are their definitions along any axes`(_ axes: [Int]) {
    let x = normal([4, 3, 5])
    #expect(distance(x.sum(axes), reduced(x, axes) { $0.reduce(0, +) }) < 1e-14)
    #expect(distance(x.product(axes), reduced(x, axes) { $0.reduce(1, *) }) < 1e-14)
    #expect(distance(x.max(axes), reduced(x, axes) { $0.max()! }) == 0)
    #expect(distance(x.min(axes), reduced(x, axes) { $0.min()! }) == 0)
    #expect(distance(x.mean(axes), reduced(x, axes) { $0.reduce(0, +) / Double($0.count) }) < 1e-14)
    #expect(x.sum(axes, keepsAxes: true).rank == 3)
    let single = x.cast(to: .float32)
    #expect(distance(single.sum(axes), x.sum(axes)) < 1e-6)
    #expect(distance(single.square().sum(axes), x.square().sum(axes)) < 1e-6)
    let isBig = x.greater(than: 0.5)
    let bits = isBig.cast(to: .float64)
    #expect(distance(isBig.any(axes), reduced(bits, axes) { $0.max()! }) == 0)
    #expect(distance(isBig.all(axes), reduced(bits, axes) { $0.min()! }) == 0)
  }

  @Test(arguments: axes)
  func `Reductions have right gradients of both orders`(_ axes: [Int]) {
    let points = [normal([2, 3, 2], 8)]
    #expect(gradientProblems(at: points, order: 2) { $0[0].exp().sum(axes) } == [])
    #expect(gradientProblems(at: points, order: 2) { $0[0].product(axes) } == [])
    #expect(gradientProblems(at: points, order: 2) { $0[0].square().max(axes) } == [])
    #expect(gradientProblems(at: points, order: 2) { $0[0].square().min(axes) } == [])
    #expect(
      gradientProblems(at: points, order: 2) {
        $0[0].variance(axes, unbiased: axes.isEmpty == false)
      } == [])
    #expect(
      gradientProblems(at: points, order: 2) {
        Tensor(Reduce(.sumOfSquares, axes: [1, 2]), [$0[0]])
      } == [])
  }

  @Test func `A product with zeros has a gradient`() {
    let points = [Tensor([2.0, 0, 3, 0, 0, 4], shape: [2, 3])]
    #expect(gradientProblems(at: points, order: 2) { $0[0].product([1]) } == [])
  }

  @Test func `Equal extremes share the gradient`() {
    let x = Tensor(Alias("x"), [Tensor([3.0, 1, 3])])
    #expect(
      gradients(of: [x.max()], seeds: [Tensor(1, .float64)], by: [x])[0]!.doubles() == [
        0.5, 0, 0.5,
      ])
  }

  @Test func `Empty axes give neutral elements`() {
    let x = Tensor.zeros([3, 0])
    #expect(x.sum([1]).floats() == [0, 0, 0])
    #expect(x.product([1]).floats() == [1, 1, 1])
    #expect(x.max([1]).floats() == [-.infinity, -.infinity, -.infinity])
    #expect(x.min([1]).floats() == [.infinity, .infinity, .infinity])
    #expect(x.sum([0]).shape == [0])
    #expect(x.equal(to: x).all([1]).integers() == [1, 1, 1])
    #expect(x.equal(to: x).any([1]).integers() == [0, 0, 0])
  }

  @Test func `Positions are those of the first extreme`() {
    let x = Tensor([1, 5, 5, -2, -2, 0] as [Float], shape: [2, 3])
    #expect(x.argmax().integers() == [1, 2])
    #expect(x.argmin().integers() == [0, 0])
    #expect(x.argmax(0).integers() == [0, 0, 0])
  }

  @Test func `NaN is both largest and smallest`() {
    let x = Tensor([1, .nan, 3] as [Float])
    #expect(x.max().scalar.isNaN && x.min().scalar.isNaN && x.sum().scalar.isNaN)
  }

  @Test func `Whole numbers are added exactly`() {
    let x = Tensor([Int64(1) << 60, 3, -1])
    #expect(x.sum().integers() == [(1 << 60) + 2])
    #expect(Tensor([Int32.max, 1]).max().integers() == [Int(Int32.max)])
  }
}
