import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct NormTests {
  private func values(_ shape: [Int], _ seed: UInt64) -> Tensor {
    RandomKey(seed: seed).normal(shape, .float64).evaluatedForTest()
  }

  @Test(arguments: [[1, 1], [3, 7], [2, 5, 33]])
  func `layer norm's gradients match differences, to second order`(shape: [Int]) {
    let width = shape.last!
    checkDifferences(at: [values(shape, 1), values([width], 2), values([width], 3)]) {
      layerNorm($0[0], weight: $0[1], bias: $0[2])
    }
    checkDifferences(at: [values(shape, 1)]) { layerNorm($0[0], epsilon: 0.1) }
  }

  @Test func `RMS norm's gradients match differences, to second order`() {
    checkDifferences(at: [values([4, 9], 1), values([9], 2)]) {
      rmsNorm($0[0], weight: $0[1])
    }
  }

  @Test(arguments: [NormActivation.none, .relu, .silu])
  func `group norm's gradients match differences with every activation`(activation: NormActivation)
  {
    checkDifferences(at: [values([2, 3, 2, 4], 1), values([4], 2), values([4], 3)]) {
      groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], activation: activation)
    }
    checkDifferences(at: [values([2, 3, 4], 5)]) { instanceNorm($0[0]) }
  }

  @Test func `batch norm's gradients match differences, statistics included`() {
    let points = [
      values([2, 3, 2, 4], 1), values([4], 2), values([4], 3), values([2, 3, 2, 4], 4),
    ]
    checkDifferences(at: points) {
      batchNorm($0[0], weight: $0[1], bias: $0[2], residual: $0[3], activation: .silu).y
    }
    checkDifferences(at: [points[0]], order: 1) {
      let norm = batchNorm($0[0])
      return norm.mean + norm.variance.square() + norm.y.sum([0, 1, 2]).tanh()
    }
  }

  @Test func `fused norms equal their definitions in float32`() {
    let x = RandomKey(seed: 4).normal([8, 5, 5, 32])
    let (weight, bias) = (RandomKey(seed: 5).normal([32]), RandomKey(seed: 6).normal([32]))
    let rows = x - x.mean([3], keepsAxes: true)
    let layer = rows * (rows.square().mean([3], keepsAxes: true) + 1e-5).rsqrt() * weight + bias
    #expect(distance(layerNorm(x, weight: weight, bias: bias), layer) < 2e-6)
    let centred = x - x.mean([0, 1, 2], keepsAxes: true)
    let variance = centred.square().mean([0, 1, 2], keepsAxes: true)
    let batch = (centred * (variance + 1e-5).rsqrt() * weight + bias).relu()
    let fused = batchNorm(x, weight: weight, bias: bias, activation: .relu)
    #expect(distance(fused.y, batch) < 2e-6)
    #expect(distance(fused.variance, variance.reshaped([32])) < 2e-6)
  }

  /// A far-off mean must not cost digits: the variance is not a difference of squares.
  @Test func `norms survive a mean that is large against the deviation`() {
    let small = RandomKey(seed: 9).normal([4, 256])
    let moved = layerNorm(small + 1000)
    #expect(distance(moved, layerNorm((small + 1000) - 1000)) < 2e-2)
    let pixels = (small + 1000).reshaped([1, 4, 256]).transposed([0, 2, 1])
    #expect(
      distance(
        batchNorm(pixels).y.reshaped([256, 4]).transposed(), layerNorm((small + 1000) - 1000))
        < 2e-2)
  }

  private func distance(_ a: Tensor, _ b: Tensor) -> Double {
    let difference = (a - b).abs().max().scalar
    return difference.isNaN ? .infinity : difference
  }
}

extension Tensor {
  fileprivate func evaluatedForTest() -> Tensor {
    _ = doubles()
    return self
  }
}
