import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing

private func glow(
  _ type: DataType = .float64, map: ElementwiseMap = .sigmoid, alpha: Double? = nil,
  channels: Int = 2
) -> Glow {
  let configuration = GlowConfiguration(
    size: 4, channels: channels, levels: 2, steps: 2, filters: 5, map: map, alpha: alpha)
  let examples = RandomKey(seed: 1).uniform([6, 4, 4, channels], in: 1..<255)
  return shaken(Glow(configuration, examples: examples, key: RandomKey(seed: 0)), 0.2, type)
}

private func pixels(_ count: Int, _ type: DataType = .float64, channels: Int = 2) -> Tensor {
  RandomKey(seed: 5).uniform([count, 4, 4, channels], in: 1..<255, type)
}

@Suite struct GlowTests {
  @Test(arguments: [ElementwiseMap.sigmoid, .affine(), .shift, .spline(bins: 4, limit: 3)])
  func `the inverse of an image is the picture, and volumes are those of the dense Jacobian`(
    _ map: ElementwiseMap
  ) {
    for alpha in [nil, 0.05] {
      let flow = glow(map: map, alpha: alpha)
      let x = pixels(3)
      let (z, volumes) = flow.forward(x)
      #expect(z.shape == [3, 32])
      #expect(((flow.inverse(z) - x).abs().max() / 255).scalar < 1e-11)
      let expected = denseLogDeterminant(flow, x.sliced(0, 0..<1), step: 1e-4)
      #expect(abs(volumes.doubles()[0] - expected) < 2e-6)
    }
    let (flow, x) = (glow(.float32, map: map, channels: 3), pixels(3, .float32, channels: 3))
    #expect(((flow.inverse(flow.forward(x).z) - x).abs().max() / 255).scalar < 1e-4)
  }

  @Test func `a sample scores what its origin and the volume say`() {
    let flow = glow()
    let z = RandomKey(seed: 4).normal([3, 32], .float64)
    let x = flow.inverse(z)
    let (back, volume) = flow.forward(x)
    #expect((back - z).abs().max().scalar < 1e-9)
    let expected = DiagonalGaussian.standardLogProbability(of: z) + volume
    #expect((flow.logProbability(of: x) - expected).abs().max().scalar < 1e-8)
  }

  @Test func `the first examples leave every ActNorm with mean 0 and deviation 1`() {
    let configuration = GlowConfiguration(size: 4, channels: 1, levels: 2, steps: 3, filters: 4)
    let examples = RandomKey(seed: 1).uniform([50, 4, 4, 1], in: 0..<256)
    let flow = Glow(configuration, examples: examples, key: RandomKey(seed: 0))
    var z = flow.input.forward(examples).z
    for level in flow.levels {
      z = z.squeezedCheckerboard()
      for step in level.steps {
        let scaled = step.norm.forward(z).z
        #expect(scaled.mean([0, 1, 2]).abs().max().scalar < 1e-4)
        #expect((scaled.variance([0, 1, 2]) - 1).abs().max().scalar < 1e-3)
        z = step.forward(z).z
      }
      z = z.split(-1, into: 2)[1]
    }
    #expect(forgottenTensors(in: flow).isEmpty)
    // Their scales are trained tensors: a checkpoint has them.
    #expect(
      flow.leaves.contains { $0.name == "levels.0.steps.0.actnorm.log_scale" && $0.isTrained })
  }

  @Test(arguments: [1, 2, 3, 12])
  func `an invertible convolution begins as a rotation and knows its determinant`(_ channels: Int) {
    let start = InvertibleConvolution(channels: channels, key: RandomKey(seed: 3))
    let square = matrixProduct(start.weight, start.weight.transposed())
    let unit = Tensor.range(channels).oneHot(channels)
    #expect((square - unit).abs().max().scalar < 1e-5)
    #expect(abs(start.logScale.sum().scalar) < 1e-5)
    // Its factors are another matrix after training, and what lies on their wrong sides does not count.
    let trained = shaken(start, 0.4)
    let expected = logDeterminant(trained.weight.doubles(), channels)
    let x = RandomKey(seed: 4).normal([2, 3, 5, channels], .float64)
    let (z, volume) = trained.forward(x)
    for value in volume.doubles() { #expect(abs(value - 15 * expected) < 1e-9) }
    #expect((trained.inverse(z) - x).abs().max().scalar < 1e-10)
    #expect(Set(trained.leaves.filter(\.isBuffer).map(\.name)) == ["P", "sign"])
  }
}
