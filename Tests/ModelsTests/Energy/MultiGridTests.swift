import Layers
import Models
import Objectives
import Samplers
import Tensors
import Testing

/// ½ (x − level)² / variance at every pixel.
private struct PixelNormal: EnergyModel {
  var level: Tensor
  var variance: Double

  func energy(_ x: Tensor) -> Tensor {
    (x - level).square().reshaped([x.shape[0], -1]).sum([1]) * (0.5 / variance)
  }
  mutating func visit(_ visitor: inout Visitor) { visitor("level", &level) }
}

@Suite struct MultiGridTests {
  private let variances = [1.0, 0.5, 0.25]

  private var model: MultiGrid<PixelNormal> {
    MultiGrid(
      sizes: [2, 4, 8],
      energies: variances.enumerated().map {
        PixelNormal(level: Tensor(Double($0.offset), .float64), variance: $0.element)
      })
  }

  @Test func `means of blocks undo the blocks`() {
    let x = RandomKey(seed: 1).normal([3, 4, 4, 2], .float64)
    #expect((x.blocks(to: 12).blockMeans(to: 4) - x).abs().max().scalar < 1e-15)
    let numbers = Tensor((0..<16).map { Double($0) }, shape: [1, 4, 4, 1])
    #expect(numbers.blockMeans(to: 2).doubles() == [2.5, 4.5, 10.5, 12.5])
    #expect(
      numbers.blockMeans(to: 2).blocks(to: 4).doubles().prefix(4).map { $0 } == [
        2.5, 2.5, 4.5, 4.5,
      ])
  }

  @Test func `without moves every grid's sample is the pixel that was drawn`() {
    let pixels = RandomKey(seed: 1).normal([5, 1, 1, 1], .float64)
    let samples = MultiGridSampling<PixelNormal>(Langevin(step: 0.1), moves: 0).samples(
      of: model, from: pixels, RandomKey(seed: 2))
    #expect(samples.map(\.shape) == [[5, 2, 2, 1], [5, 4, 4, 1], [5, 8, 8, 1]])
    for (sample, size) in zip(samples, [2, 4, 8]) {
      #expect(sample.doubles() == pixels.blocks(to: size).doubles())
    }
  }

  @Test func `every grid's sample follows its own energy, with Langevin's bias`() {
    let step = 0.2
    let samples = MultiGridSampling<PixelNormal>(Langevin(step: step), moves: 100).samples(
      of: model, from: .zeros([4000, 1, 1, 1], .float64), RandomKey(seed: 3))
    for (grid, sample) in samples.enumerated() {
      let known = variances[grid] / (1 - step / (4 * variances[grid]))
      #expect(abs(sample.mean().scalar - Double(grid)) < 0.04)
      #expect(abs((sample - Double(grid)).square().mean().scalar / known - 1) < 0.05)
    }
  }

  @Test func `each grid learns from its own samples alone`() {
    let data = RandomKey(seed: 4).normal([6, 8, 8, 1], .float64)
    let samples = [2, 4, 8].map { RandomKey(seed: 5).fork($0).normal([6, $0, $0, 1], .float64) }
    let gradient = valueAndGradient(at: model) {
      ContrastiveDivergence().loss($0, data: data, samples: samples)
    }.gradient
    for (grid, size) in [2, 4, 8].enumerated() {
      // ∂U/∂level is the sum of (level − x) / variance over the pixels.
      let known =
        (samples[grid].mean().scalar - data.blockMeans(to: size).mean().scalar)
        * Double(size * size) / variances[grid]
      #expect(abs(gradient.energies[grid].level.scalar - known) < 1e-10)
    }
  }
}
