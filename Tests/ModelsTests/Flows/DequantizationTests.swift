import Foundation
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

/// Standard normal numbers as the noise that a dequantizer makes of them.
private struct Shaping: Flow {
  var dequantizer: VariationalDequantizer
  var squares: Tensor

  func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let squares = squares.broadcast(to: [x.shape[0]] + squares.shape.dropFirst())
    let (noise, logDensity) = dequantizer.shaped(x, squares)
    return (
      noise, DiagonalGaussian.standardLogProbability(of: x.flattened(1..<4)) - logDensity
    )
  }

  func inverse(_ z: Tensor) -> Tensor { z }

  mutating func visit(_ visitor: inout Visitor) {
    visitor("dequantizer", &dequantizer)
    visitor.buffer("squares", &squares)
  }
}

/// The same density everywhere in 0 … 256.
private struct Uniform: ProbabilityModel {
  func logProbability(of x: Tensor) -> Tensor {
    let inside = x.flattened(1..<4)
    return (inside.zerosLike() - log(256)).sum([1])
  }

  mutating func visit(_ visitor: inout Visitor) {}
}

@Suite struct DequantizationTests {
  private let dequantizer = shaken(
    VariationalDequantizer(channels: 1, couplings: 3, filters: 5, key: RandomKey(seed: 0)), 0.2)

  @Test func `learnt noise lies in the unit cube and has the density of its Jacobian`() {
    let pixels = RandomKey(seed: 1).integers(below: 256, [1, 4, 4, 1])
    let squares = (pixels.cast(to: .float64) / 127.5 - 1).squeezedCheckerboard()
    let shaping = Shaping(dequantizer: dequantizer, squares: squares)
    let x = RandomKey(seed: 2).normal([1, 2, 2, 4], .float64)
    let expected = denseLogDeterminant(shaping, x, step: 1e-5)
    #expect(abs(shaping.forward(x).logDeterminant.scalar - expected) < 1e-6)
    let noise = dequantizer.sample(pixels, RandomKey(seed: 3)).noise
    #expect(noise.shape == [1, 4, 4, 1])
    #expect(noise.min().scalar > 0 && noise.max().scalar < 1)
    #expect(forgottenTensors(in: dequantizer).isEmpty)
  }

  @Test func `a bound by noise is exact for uniform noise under a uniform density, else below`() {
    let pixels = RandomKey(seed: 1).integers(below: 256, [1, 2, 2, 1])
    let exact = -4 * log(256.0)
    let uniform = DequantizedBound.sample(
      Uniform(), pixels, dequantizer: nil, RandomKey(seed: 2))
    #expect(abs(uniform.scalar - exact) < 1e-5)
    let many = pixels.broadcast(to: [200_000, 2, 2, 1])
    let learnt = DequantizedBound.sample(
      Uniform(), many, dequantizer: dequantizer, RandomKey(seed: 2))
    #expect(learnt.mean().scalar < exact - 0.01)
  }

  @Test func `the normal density of a pixel integrates to 1 over its grey levels`() {
    let parameters = Tensor([0.3, -2.1], shape: [1, 2]).cast(to: .float64)
    let count = 100_000
    let step = 600.0 / Double(count)
    let places = (0..<count).map { (Double($0) + 0.5) * step - 150 }
    let logs = PixelDistribution.gaussian.logProbability(
      of: Tensor(places, shape: [count]), parameters.broadcast(to: [count, 2]))
    #expect(abs(logs.exp().sum().scalar * step - 1) < 1e-9)
    let draws = PixelDistribution.gaussian.sample(
      parameters.broadcast(to: [count, 2]), RandomKey(seed: 1))
    #expect(abs(draws.mean().scalar - 1.3 * 128) < 0.3)
    #expect(abs(draws.variance().scalar.squareRoot() - exp(-2.1) * 128) < 0.2)
    let mean = PixelDistribution.gaussian.mean(parameters).scalar
    #expect(abs(mean - (1.3 * 128 - 0.5) / 255) < 1e-9)
  }
}
