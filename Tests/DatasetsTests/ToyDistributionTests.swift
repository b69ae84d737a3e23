import Datasets
import Foundation
import Testing

@Suite("Toy distributions")
struct ToyDistributionTests {
  @Test("SplitMix64 gives its published values")
  func splitMix() {
    var random = SplitMix64(seed: 1_234_567)
    let values = (0..<3).map { _ in random.next() }
    #expect(
      values == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
  }

  @Test(
    "The same seed gives the same points, another seed others", arguments: ToyDistribution.allCases)
  func deterministic(toy: ToyDistribution) {
    let points = toy.sample(100, seed: 3)
    #expect(points.count == 200 && points == toy.sample(100, seed: 3))
    #expect(Array(points[..<20]) == toy.sample(10, seed: 3))
    #expect(points != toy.sample(100, seed: 4))
    #expect(points.allSatisfy { abs($0) < 5.5 })
    #expect(toy.sample(0, seed: 1).isEmpty && toy.sample(-1, seed: 1).isEmpty)
  }

  @Test("The density integrates to one", arguments: ToyDistribution.allCases)
  func normalized(toy: ToyDistribution) {
    // Cells as fine as the narrowest blur asks; the midpoint rule is then all but exact.
    let step = toy == .eightPoints ? 0.02 : toy == .gaussianGrid ? 0.05 : 0.1
    let half = Int(6 / step)
    var sum = 0.0
    for i in -half..<half {
      for j in -half..<half {
        sum += exp(toy.logDensity(x: (Double(i) + 0.5) * step, y: (Double(j) + 0.5) * step))
      }
    }
    #expect(abs(sum * step * step - 1) < 1e-4, "\(sum * step * step)")
  }

  @Test("Samples fall where the density says", arguments: ToyDistribution.allCases)
  func samplesMatch(toy: ToyDistribution) {
    // Shares of 64 cells of edge 1, counted and integrated; chi-squared within five deviations.
    let count = 20_000
    let points = toy.sample(count, seed: 11)
    var found: [Int: Double] = [:]
    for i in 0..<count {
      found[cell(Double(points[2 * i]), Double(points[2 * i + 1])), default: 0] += 1
    }
    var expected: [Int: Double] = [:]
    let step = toy == .eightPoints ? 0.02 : toy == .gaussianGrid ? 0.05 : 0.1
    let half = Int(5 / step)
    for i in -half..<half {
      for j in -half..<half {
        let (x, y) = ((Double(i) + 0.5) * step, (Double(j) + 0.5) * step)
        expected[cell(x, y), default: 0] +=
          exp(toy.logDensity(x: x, y: y)) * step * step * Double(count)
      }
    }
    let cells = expected.filter { $0.value >= 8 }
    let chi = cells.reduce(0) { $0 + pow(found[$1.key, default: 0] - $1.value, 2) / $1.value }
    let freedom = Double(cells.count)
    #expect(freedom >= 8 && chi < freedom + 5 * (2 * freedom).squareRoot(), "\(chi) for \(freedom)")
  }

  private func cell(_ x: Double, _ y: Double) -> Int {
    Int((x + 8.5).rounded(.down)) * 32 + Int((y + 8.5).rounded(.down))
  }

  @Test(
    "Densities of blurred curves agree with a finer integration made elsewhere",
    arguments: [
      (ToyDistribution.twoSpirals, 2, -2, -9.164_147_410),
      (.twoMoons, 1, -0.6, -3.014_815_601),
      (.swissRoll, 1.1, 1.1, -2.593_012_192),
    ])
  func curves(toy: ToyDistribution, x: Double, y: Double, expected: Double) {
    #expect(abs(toy.logDensity(x: x, y: y) - expected) < 1e-6)
  }

  @Test("Known densities have their closed forms")
  func closedForms() {
    let board = ToyDistribution.checkerboard
    #expect(board.logDensity(x: -3.5, y: -3.5) == -log(32))
    #expect(board.logDensity(x: -1.5, y: -3.5) == -.infinity)
    #expect(
      board.logDensity(x: 9, y: 0) == -.infinity && board.logDensity(x: .nan, y: 0) == -.infinity)
    let peak = ToyDistribution.eightPoints.logDensity(x: 2, y: 0)
    #expect(abs(peak - log(1 / (8 * 2 * .pi * 0.02 * 0.02))) < 1e-9)
    // A blurred circle: the integral is a Bessel function; at the origin it is one.
    let atOrigin = [1.0, 2.0, 3.0].map { exp(-$0 * $0 / (2 * 0.01)) / (2 * .pi * 0.01) }
    let rings = ToyDistribution.rings.logDensity(x: 0, y: 0)
    #expect(abs(rings - log(atOrigin.reduce(0, +) / 3)) < 1e-9)
  }
}
