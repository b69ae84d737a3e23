import Foundation
import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct PoolingTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let image: [Int]
    let size: [Int]
    var stride: [Int]?
    var padding = SpatialPadding.none
    var dilation = [1]
    var roundsUp = false
    var testDescription: String { "\(image) by \(size), \(padding), dilation \(dilation)" }
    var x: Tensor { normal([2] + image + [3], 5) }

    func max(_ x: Tensor) -> Tensor {
      maxPooling(
        x, size: size, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)
    }
    func mean(_ x: Tensor, countsPadding: Bool) -> Tensor {
      averagePooling(
        x, size: size, stride: stride, padding: padding, roundsUp: roundsUp,
        countsPadding: countsPadding)
    }
  }

  static let examples = [
    Example(image: [2], size: [3], stride: [2], roundsUp: true),
    Example(image: [7], size: [3], stride: [2], roundsUp: true),
    Example(image: [5, 4], size: [2, 3], padding: .symmetric([1]), roundsUp: true),
    Example(image: [5, 6], size: [3], stride: [1], padding: .same),
    Example(image: [3, 4, 3], size: [2], stride: [1, 2, 2], padding: .each(low: [0], high: [1])),
  ]
  static let dilated = Example(image: [7, 6], size: [3, 2], stride: [1, 2], dilation: [2, 3])

  @Test(arguments: examples + [dilated])
  func `Maxima have right gradients of both orders`(_ example: Example) {
    #expect(gradientProblems(at: [example.x], order: 2) { example.max($0[0]) } == [])
    #expect(precisionProblems(at: [example.x]) { example.max($0[0]) } == [])
  }

  @Test(arguments: examples, [true, false])
  func `Means have right gradients of both orders`(_ example: Example, countsPadding: Bool) {
    let points = [example.x]
    func f(_ x: [Tensor]) -> Tensor { example.mean(x[0], countsPadding: countsPadding) }
    #expect(gradientProblems(at: points, order: 2, f) == [])
    #expect(precisionProblems(at: points, f) == [])
  }

  /// The formulas behind the text are run here: places by comparison, gradients by slices.
  @Test(arguments: examples + [dilated])
  func `Poolings can be written as StableHLO`(_ example: Example) {
    let text = emitted([example.x.type.with(.float32)]) { x in
      let y = example.max(x[0])
      return [y, gradients(of: [y], seeds: [y], by: x)[0]!]
    }
    #expect(text.contains("stablehlo.reduce_window"))
    guard example.dilation == [1] else { return }
    let means = emitted([example.x.type.with(.float32)]) { x in
      let y = example.mean(x[0], countsPadding: false)
      return [y, gradients(of: [y], seeds: [y], by: x)[0]!]
    }
    #expect(means.components(separatedBy: "stablehlo.reduce_window").count == 3)
  }

  @Test func `NaN wins and padding never does`() {
    let x = Tensor([.nan, -3, -2, -5] as [Float], shape: [1, 4, 1])
    let y = maxPooling(x, size: [2], stride: [1], padding: .symmetric([1])).floats()
    #expect(y[0].isNaN && y[1].isNaN)
    #expect(Array(y[2...]) == [-2, -2, -5])
  }

  @Test func `Bins that do not divide an axis overlap`() {
    let x = Tensor([1, 2, 3, 4, 5] as [Double], shape: [1, 5, 1])
    #expect(adaptiveAveragePooling(x, to: [3]).doubles() == [1.5, 3, 4.5])
    #expect(adaptiveMaxPooling(x, to: [3]).doubles() == [2, 4, 5])
    #expect(globalAveragePooling(x).doubles() == [3])
    let points = [normal([2, 5, 4, 2])]
    #expect(gradientProblems(at: points, order: 2) { adaptiveAveragePooling($0[0], to: [3]) } == [])
    #expect(gradientProblems(at: points) { adaptiveMaxPooling($0[0], to: [3, 2]) } == [])
  }
}
