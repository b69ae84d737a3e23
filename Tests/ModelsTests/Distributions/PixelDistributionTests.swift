import Models
import Tensors
import Testing

@Suite struct PixelDistributionTests {
  /// All 256 values under each of these distributions: [distributions, 256] logarithms.
  private func logarithms(_ rows: [[Double]], components: Int) -> Tensor {
    let output = PixelDistribution.logistic(components: components)
    let parameters = Tensor(rows.flatMap { $0 }, shape: [rows.count, 1, 3 * components])
    let values = Tensor((0..<256).map(Double.init), shape: [1, 256])
    return output.logProbability(
      of: values.broadcast(to: [rows.count, 256]),
      parameters.broadcast(to: [rows.count, 256, 3 * components]))
  }

  @Test func `the probabilities of the 256 values of a pixel add up to 1`() {
    let rows: [[Double]] = [
      [0.3, 0, -2], [0, -1.2, -6], [0, 3, -7], [0, 0.1, 2], [0, -0.5, -20],
    ]
    for sum in logarithms(rows, components: 1).exp().sum([1]).doubles() {
      #expect(abs(sum - 1) < 1e-12)
    }
    let mixtures = [
      [1, -1, 0.5, -1, 0.2, 0.9, -3, -4, -1], [0, 0, 5, -2, 2, 0, -7, 0, -5.0],
    ]
    for sum in logarithms(mixtures, components: 3).exp().sum([1]).doubles() {
      #expect(abs(sum - 1) < 1e-12)
    }
  }

  @Test func `a sharp distribution far from a value still has a finite logarithm`() {
    let logs = logarithms([[0, -1, -7]], components: 1).doubles()
    // From the distribution function: 2/255 · 255 · e⁷ scales away.
    let scale = 1 / 1096.6331584284585
    let expected = -(2 - 1.0 / 255) / scale
    #expect(abs(logs[255] - expected) < 1e-9 * abs(expected))
    #expect(logs.allSatisfy { $0.isFinite })
  }

  @Test func `draws of a mixture have its frequencies`() {
    let output = PixelDistribution.logistic(components: 2)
    let row: [Float] = [0.5, -0.5, -0.9, 0.4, -4, -3]
    let count = 40_000
    let parameters = Tensor(row, shape: [1, 6]).broadcast(to: [count, 6])
    let draws = output.sample(parameters, RandomKey(seed: 3)).integers()
    let p = logarithms([row.map(Double.init)], components: 2).exp().doubles()
    var counts = [Double](repeating: 0, count: 256)
    for value in draws { counts[value] += 1 }
    // Pearson's statistic over the values that are expected at least 20 times: mean n, deviation √2n.
    let cells = (0..<256).filter { p[$0] * Double(count) >= 20 }
    let statistic = cells.map { i in
      let expected = p[i] * Double(count)
      return (counts[i] - expected) * (counts[i] - expected) / expected
    }.reduce(0, +)
    #expect(cells.count > 30)
    #expect(statistic < Double(cells.count) + 5 * (2 * Double(cells.count)).squareRoot())
  }

  @Test func `a Gaussian's divergence is the mean difference of its logarithm and the prior's`() {
    let q = DiagonalGaussian(
      mean: Tensor([0.4, -1.1], shape: [1, 2]), logVariance: Tensor([0.3, -0.8], shape: [1, 2]))
    let z = q.sample(RandomKey(seed: 1), draws: 200_000)
    let difference = q.logProbability(of: z) - DiagonalGaussian.standardLogProbability(of: z)
    #expect(abs(difference.mean().scalar - q.divergenceFromStandard.scalar) < 0.02)
    // Closed form by hand.
    let expected = 0.5 * (0.16 + 1.3498588075760032 - 1 - 0.3 + 1.21 + 0.4493289641172216 - 1 + 0.8)
    #expect(abs(q.divergenceFromStandard.scalar - expected) < 1e-12)
  }
}
