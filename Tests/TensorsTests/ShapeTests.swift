import Foundation
import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct ShapeTests {
  let x = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])

  @Test func `Axes change places`() {
    #expect(x.transposed([2, 0, 1]).shape == [4, 2, 3])
    #expect(x.transposed([2, 0, 1]).sliced(0, 1..<2).floats() == [1, 5, 9, 13, 17, 21])
    #expect(x.transposed([1, 0, 2]).transposed([1, 0, 2]).floats() == x.floats())
    #expect(x.reshaped([4, -1]).shape == [4, 6])
    #expect(x.flattened(1..<3).shape == [2, 12])
    #expect(x.expanded([0, -1]).shape == [1, 2, 3, 4, 1])
    let column = Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(column.broadcast(to: [2, 2, 3]).floats() == [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2])
  }

  @Test func `Parts are where they say`() {
    #expect(x.sliced(-1, 1..<3).element(0, 1).floats() == [13, 14, 17, 18, 21, 22])
    #expect(x.strided(2, from: 1, by: 2).element(0, 0).floats() == [1, 3, 5, 7, 9, 11])
    #expect(x.element(1, -1).reversed(1).floats() == [11, 10, 9, 8, 23, 22, 21, 20])
    let parts = x.split(1, sizes: [1, 0, 2])
    #expect(parts.map(\.shape) == [[2, 1, 4], [2, 0, 4], [2, 2, 4]])
    #expect(concatenate(parts, axis: 1).floats() == x.floats())
    #expect(stack([x, x], axis: 1).shape == [2, 2, 3, 4])
    let padded = Tensor([1, 2] as [Float]).padded([(1, 2)], value: 7)
    #expect(padded.floats() == [7, 1, 2, 7, 7])
    #expect(x.sliced(0, 0..<0).floats().isEmpty)
  }

  @Test func `Shapes have right gradients of both orders`() {
    let points = [normal([2, 3, 4])]
    let functions: [([Tensor]) -> Tensor] = [
      { $0[0].exp().transposed([2, 0, 1]) }, { $0[0].exp().reshaped([6, 4]) },
      { $0[0].exp().expanded(0).broadcast(to: [3, 2, 3, 4]) },
      { $0[0].exp().sliced(1, 1..<3).sliced(2, 0..<1) },
      { $0[0].exp().strided(2, from: 1, by: 2).reversed(1) },
      { x in
        let parts = x[0].exp().split(2, sizes: [1, 3])
        return parts[0] * parts[1]
      },
      { concatenate([$0[0].exp(), $0[0].square(), $0[0].exp()], axis: 1) },
      { $0[0].exp().padded([(1, 0), (0, 2), (1, 1)], value: 3) },
      { $0[0].exp().padded([(0, 0), (2, 1), (3, 2)], mode: .reflect) },
      { $0[0].exp().padded([(0, 0), (2, 3), (1, 2)], mode: .circular) },
      { $0[0].exp().padded([(0, 0), (2, 3), (1, 2)], mode: .replicate) },
    ]
    for (number, f) in functions.enumerated() {
      #expect(gradientProblems(at: points, order: 2, f) == [], "function \(number)")
    }
  }

  @Test func `A part that nobody reads has a gradient of zero`() {
    let x = Tensor(Alias("x"), [normal([2, 4])])
    let parts = x.split(1, sizes: [1, 3])
    let slope = gradients(of: [parts[1].sum()], seeds: [Tensor(1, .float64)], by: [x])[0]!
    #expect(slope.doubles() == [0, 1, 1, 1, 0, 1, 1, 1])
  }
}

@Suite(.onEveryDevice) struct MatrixProductTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let left: [Int]
    let right: [Int]
    var testDescription: String { "\(left) × \(right)" }
  }
  static let examples = [
    Example(left: [3, 5], right: [5, 2]), Example(left: [2, 3, 5], right: [5, 4]),
    Example(left: [2, 3, 5], right: [2, 5, 4]), Example(left: [3, 5], right: [2, 5, 4]),
    Example(left: [2, 1, 3, 5], right: [3, 5, 2]), Example(left: [1, 1], right: [1, 1]),
    Example(left: [1, 7], right: [7, 1]), Example(left: [2, 2, 3, 4], right: [4, 3]),
  ]

  /// The product by broadcast and sum.
  private func definition(_ a: Tensor, _ b: Tensor) -> Tensor {
    (a.expanded(-1) * b.expanded(-3)).sum([-2])
  }

  @Test(arguments: examples)
  func `A product is its definition, with its flags`(_ example: Example) {
    let (a, b) = (normal(example.left), normal(example.right, 2))
    let expected = definition(a, b)
    #expect(distance(matrixProduct(a, b), expected) < 1e-13)
    let (turnedA, turnedB) = (
      Tensor(a.transposed().doubles(), shape: a.transposed().shape),
      Tensor(b.transposed().doubles(), shape: b.transposed().shape)
    )
    #expect(distance(matrixProduct(turnedA.transposed(), b), expected) < 1e-13)
    #expect(distance(matrixProduct(a, turnedB.transposed()), expected) < 1e-13)
    #expect(distance(matrixProduct(turnedA.transposed(), turnedB.transposed()), expected) < 1e-13)
    #expect(precisionProblems(at: [a, b]) { matrixProduct($0[0], $0[1]) } == [])
    #expect(
      precisionProblems(at: [turnedA, turnedB]) {
        matrixProduct($0[0].transposed(), $0[1].transposed())
      } == [])
  }

  @Test(arguments: examples)
  func `A product has right gradients of both orders`(_ example: Example) {
    let points = [normal(example.left), normal(example.right, 2)]
    #expect(gradientProblems(at: points, order: 2) { matrixProduct($0[0], $0[1]) } == [])
    let turned = [normal(example.left, 3).transposed(), normal(example.right, 4).transposed()]
      .map { Tensor($0.doubles(), shape: $0.shape) }
    #expect(
      gradientProblems(at: turned, order: 2) {
        matrixProduct($0[0].transposed(), $0[1].transposed())
      } == [])
  }

  @Test func `Empty matrices make zeros or nothing`() {
    #expect(
      matrixProduct(Tensor.ones([2, 0]), Tensor.ones([0, 3])).floats() == [0, 0, 0, 0, 0, 0])
    #expect(matrixProduct(Tensor.ones([0, 2]), Tensor.ones([2, 3])).shape == [0, 3])
  }

  @Test func `Shapes that do not fit are refused`() {
    #expect(throws: ShapeError.self) {
      try MatrixProduct().outputType([TensorType([2, 3]), TensorType([4, 2])])
    }
    #expect(throws: ShapeError.self) {
      try MatrixProduct().outputType([TensorType([2, 3]), TensorType([3, 2], .float64)])
    }
  }
}
