import Foundation
import Layers
import Models
import Objectives
import Tensors
import TestSupport
import Testing

@Suite struct AdversarialLossTests {
  /// Quantiles of a Gaussian: equally likely points, whose plain mean is an expectation.
  private func points(_ mean: Double, _ deviation: Double) -> Tensor {
    let places = Tensor((0..<100_000).map { (Double($0) + 0.5) / 50_000 - 1 })
    return places.erfInverse() * (deviation * 2.0.squareRoot()) + mean
  }

  private func logDensity(_ x: Tensor, _ mean: Double, _ deviation: Double) -> Tensor {
    ((x - mean) / deviation).square() * -0.5 - log(deviation * (2 * .pi).squareRoot())
  }

  @Test(arguments: [(0.0, 1.0), (1.0, 1.0), (2.0, 0.5), (3.0, 2.0)])
  func `the best critic of two Gaussians is p / (p + q), and its value -2 ln 2 + 2 JS`(
    mean: Double, deviation: Double
  ) {
    let (real, fake) = (points(0, 1).evaluated(), points(mean, deviation).evaluated())
    func best(_ x: Tensor) -> Tensor { logDensity(x, 0, 1) - logDensity(x, mean, deviation) }
    func loss(_ score: (Tensor) -> Tensor) -> Double {
      let value = AdversarialLoss.minimax.critic(real: score(real), fake: score(fake)).scalar
      let other = AdversarialLoss.nonSaturating.critic(real: score(real), fake: score(fake))
      #expect(value == other.scalar)
      return value
    }
    // The divergence by a sum over a grid, from its definition.
    let grid = Tensor((0...40_000).map { -20 + Double($0) / 1000 })
    let (p, q) = (logDensity(grid, 0, 1), logDensity(grid, mean, deviation))
    let middle = ((p.exp() + q.exp()) * 0.5 + 1e-300).log()
    let js = ((p.exp() * (p - middle) + q.exp() * (q - middle)) * 0.5 / 1000).sum().scalar
    let least = loss(best)
    let expected: Double = 2 * log(2.0) - 2 * js
    #expect(abs(least - expected) < 1e-3)
    if mean == 0 { #expect(abs(least - expected) < 1e-12) }
    for change in [0.1, -0.1] {
      #expect(loss { best($0) + change } > least)
      if mean != 0 { #expect(loss { best($0) * (1 + change) } > least) }
    }
  }

  @Test func `generators' losses are what their formulas say, far out too`() {
    let scores = Tensor([-300.0, -1, 0, 2, 300])
    let sigmoid: [Double] = [-1.0, 0, 2].map { (x: Double) -> Double in 1 / (1 + exp(-x)) }
    let logs: [Double] = sigmoid.map { log(1 - $0) }
    let minimax: Double = (logs.reduce(0, +) - 300) / 5
    let one = AdversarialLoss.minimax.generator(fake: scores).scalar
    #expect(abs(one - minimax) < 1e-9)
    let heuristic: Double = (300 - sigmoid.map { log($0) }.reduce(0, +)) / 5
    let other = AdversarialLoss.nonSaturating.generator(fake: scores).scalar
    #expect(abs(other - heuristic) < 1e-9)
    for loss in [AdversarialLoss.hinge, .wgan, .wganGP] {
      let value = loss.generator(fake: scores).scalar
      #expect(abs(value + 0.2) < 1e-12)
    }
    let (real, fake) = (Tensor([-0.5, 3.0]), Tensor([0.25, -2.0]))
    // relu(1.5, −2) and relu(1.25, −1), each over two.
    let hinge = AdversarialLoss.hinge.critic(real: real, fake: fake).scalar
    #expect(hinge == 1.375)
    let gap = AdversarialLoss.wgan.critic(real: real, fake: fake).scalar
    #expect(gap == -2.125)
    #expect(AdversarialLoss(rawValue: "wgan_gp") == .wganGP)
  }
}

@Suite struct SlopePenaltyTests {
  private let key = RandomKey(seed: 2)

  @Test(arguments: [(2.0, 10.0, 1), (0.5, 1.0, 1), (3.0, 4.0, 3)])
  func `a linear critic of two shifted Gaussians has slope 1 + d / 2λ and value d + d² / 4λ`(
    distance d: Double, weight: Double, width: Int
  ) {
    let fake = normal([64, width])
    let shift = Tensor((0..<width).map { $0 == 0 ? d : 0 })
    let real = fake + shift
    var slope = Tensor([Double](repeating: 0.3, count: width))
    func loss(_ slope: Tensor) -> Tensor {
      func score(_ x: Tensor) -> Tensor { (x * slope).sum([1]) }
      let game = AdversarialLoss.wganGP.critic(real: score(real), fake: score(fake))
      return game + SlopePenalty.between(real, fake, key: key, score) * weight
    }
    for _ in 0..<800 {
      slope = (slope - valueAndGradient(at: slope, loss).gradient * (0.2 / weight)).evaluated()
    }
    let (norm, value) = (slope.square().sum().sqrt().scalar, -loss(slope).scalar)
    let known: (norm: Double, value: Double) = (1 + d / (2 * weight), d + d * d / (4 * weight))
    #expect(abs(norm - known.norm) < 1e-6)
    #expect(abs(value - known.value) < 1e-6)
  }

  @Test func `penalties' gradients by the critic's parameters are those of differences`() {
    let sizes = DCGANConfiguration(
      size: 8, channels: 1, latents: 2, filters: [3, 4], norm: .layer)
    let critic = DCGANDiscriminator(sizes, key: key).randomized()
    let (real, fake) = (normal([2, 8, 8, 1], 8), normal([2, 8, 8, 1], 9))
    checkGradient(of: critic, at: normal([2]), tolerance: 2e-5) { critic, factors in
      let fixed = critic
      func score(_ x: Tensor) -> Tensor {
        var copy = fixed
        return copy(x, .training(key))
      }
      // The score's own level, by which no slope changes, has a gradient of 0.
      let penalties = stack([
        SlopePenalty.between(real, fake, key: key, score), SlopePenalty.atData(real, score),
      ])
      return (penalties * factors).sum() + score(real).sum()
    }
  }

  @Test func `every example's slope is its own, as differences give it`() {
    let x = normal([3, 2])
    func score(_ x: Tensor) -> Tensor { (x.square() * Tensor([1.0, -0.5])).sum([1]).tanh() }
    let found = SlopePenalty.squaredSlopes(at: x, score).doubles()
    let values = x.doubles()
    for example in 0..<3 {
      var sum = 0.0
      for i in 0..<2 {
        let ends = [1e-5, -1e-5].map { step in
          var moved = values
          moved[2 * example + i] += step
          return score(Tensor(moved, shape: [3, 2])).doubles()[example]
        }
        sum += pow((ends[0] - ends[1]) / 2e-5, 2)
      }
      #expect(abs(found[example] - sum) < 1e-7)
    }
    let penalty = SlopePenalty.atData(x, score).scalar
    #expect(abs(penalty - found.reduce(0, +) / 6) < 1e-12)
  }

  @Test func `a flat critic has a finite penalty and gradient`() {
    let (value, gradient) = valueAndGradient(at: Tensor([0.0, 0.0])) { slope in
      SlopePenalty.between(normal([4, 2]), normal([4, 2], 3), key: key) { ($0 * slope).sum([1]) }
    }
    #expect(abs(value.scalar - 1) < 1e-5)
    #expect(gradient.doubles().allSatisfy { $0.isFinite })
  }

  @Test func `path lengths of a linear generator are the norms of its matrix`() {
    // Pictures of 2 x 3 pixels of one style of 4 numbers; E ‖Jᵀ y‖² = ‖J‖² / pixels.
    let matrix = normal([4, 6])
    let styles = Tensor.zeros([4000, 1, 4], .float64)
    let lengths = PathLength.lengths(styles, key) { styles in
      matrixProduct(styles.squeezed(1), matrix).reshaped([4000, 2, 3, 1])
    }
    let expected = matrix.square().sum().scalar / 6
    let ratio = lengths.square().mean().scalar / expected
    #expect(abs(ratio - 1) < 0.08)
    let result = PathLength(share: 0.5)(lengths: Tensor([1.0, 3.0]), mean: Tensor(1.0, .float64))
    #expect(result.mean.scalar == 1.5)
    #expect(result.penalty.scalar == 1.25)
  }
}

@Suite struct SetComparisonTests {
  @Test func `precision and recall of known sets`() {
    // Balls reach to the second neighbour: 2 at the ends, 1 inside.
    let real = Tensor((0..<5).map(Double.init), shape: [5, 1])
    let fake = Tensor([0.5, 1.5, 2.5, 100], shape: [4, 1])
    let found = PrecisionRecall(real: real, fake: fake, neighbors: 2)
    #expect(found.precision == 0.75)
    // Among the fakes the second neighbours are 2, 1, 2 and 98.5 away.
    #expect(found.recall == 1)
    let same = PrecisionRecall(real: real, fake: real)
    #expect(same == PrecisionRecall(real: real + 1000, fake: real + 1000))
    #expect(same.precision == 1 && same.recall == 1)
    let far = PrecisionRecall(real: real, fake: real + 1000)
    #expect(far.precision == 0 && far.recall == 0)
  }

  @Test func `a collapsed model is precise and forgets; more rows than one part are counted`() {
    let real = normal([1200, 2])
    let collapsed = PrecisionRecall(real: real, fake: normal([1200, 2], 5) * 0.01)
    #expect(collapsed.precision > 0.99)
    #expect(collapsed.recall < 0.02)
    let good = PrecisionRecall(real: real, fake: normal([1200, 2], 6))
    #expect(good.precision > 0.9 && good.recall > 0.9)
  }

  @Test func `the Fréchet distance of Gaussians is the closed form's`() {
    let one = FeatureMoments(mean: [1, 2], covariance: [4, 0, 0, 9])
    let two = FeatureMoments(mean: [0, 4], covariance: [1, 0, 0, 16])
    // 1 + 4 + (2 − 1)² + (3 − 4)².
    #expect(abs(one.frechetDistance(to: two) - 7) < 1e-9)
    #expect(abs(one.frechetDistance(to: one)) < 1e-9)
    // In two dimensions tr √M = √(tr M + 2 √det M).
    let (a, b) = ([2.0, 0.7, 0.7, 1.5], [1.0, -0.4, -0.4, 3.0])
    let trace: Double = zip(a, b).map { $0 * $1 }.reduce(0, +)
    let determinant: Double = (3 - 0.49) * (3 - 0.16)
    let root: Double = (trace + 2 * determinant.squareRoot()).squareRoot()
    let expected: Double = 7.5 - 2 * root
    let first = FeatureMoments(mean: [0, 0], covariance: a)
    let second = FeatureMoments(mean: [0, 0], covariance: b)
    #expect(abs(first.frechetDistance(to: second) - expected) < 1e-9)
    #expect(abs(second.frechetDistance(to: first) - expected) < 1e-9)
  }

  @Test func `moments are those of the rows, and fewer rows than numbers are no trouble`() {
    let rows = Tensor([1.0, 2, 3, 6, 5, 1], shape: [3, 2])
    let moments = FeatureMoments(of: rows)
    #expect(moments.mean == [3, 3])
    #expect(moments.covariance == [4, -1, -1, 7])
    let few = FeatureMoments(of: normal([5, 40]))
    #expect(abs(few.frechetDistance(to: few)) < 1e-6)
    // Turned and shifted together, nothing changes; scaled, the distance is scaled by the square.
    let (x, y) = (normal([200, 6]), normal([200, 6], 2) * 1.5 + 0.3)
    let distance = FeatureMoments(of: x).frechetDistance(to: FeatureMoments(of: y))
    let turn = Initializer.orthogonal()([6, 6], RandomKey(seed: 1), .float64)
    func turned(_ x: Tensor) -> FeatureMoments {
      FeatureMoments(of: matrixProduct(x, turn) * 3 + 7)
    }
    let ratio = turned(x).frechetDistance(to: turned(y)) / (9 * distance)
    #expect(abs(ratio - 1) < 1e-6)
  }

  @Test func `modes that are reached, missed and overrun are counted`() {
    let centers = [0.0, 0, 10, 0, 0, 10, 10, 10]
    let points = [0.0, 0.1, 0.2, 0, 10, 0.29, 10.1, 0, 0, 10, 5, 5, 10.5, 10, 0.0, 0]
    let found = ModeCoverage(of: points, centers: centers, deviation: 0.1, reach: 0.6)
    #expect(found.shares == [0.375, 0.25, 0.125, 0])
    #expect(found.reached == 3)
    #expect(found.precise == 0.75)
    #expect(found.near == 0.875)
    #expect(found.overlap == 0.625)
  }
}
