import Foundation
import Layers
import Models
import Objectives
import Tensors
import Testing

/// ½ Σ λᵢ xᵢ²: a normal distribution with trained precisions.
private struct Parabola: EnergyModel {
  var precision: Tensor
  init(_ precision: [Double]) { self.precision = Tensor(precision) }
  func energy(_ x: Tensor) -> Tensor { (x.square() * precision).sum([1]) * 0.5 }
  mutating func visit(_ visitor: inout Visitor) { visitor("precision", &precision) }
}

/// x ↦ A x: a score that is no gradient unless A is symmetric.
private struct LinearScore: ScoreModel {
  var matrix: Tensor
  func score(_ x: Tensor) -> Tensor { matrixProduct(x, matrix.transposed()) }
  mutating func visit(_ visitor: inout Visitor) { visitor("matrix", &matrix) }
}

private func normal(_ deviation: Double, width: Int = 1) -> DiagonalGaussian {
  DiagonalGaussian(
    mean: .zeros([width], .float64),
    logVariance: .fill(2 * log(deviation), [width], .float64))
}

@Suite struct NoiseContrastTests {
  private typealias Model = NormalizedEnergy<Parabola>

  /// Newton's method on two parameters with second derivatives by differences of gradients.
  private func fitted(
    _ model: Model, _ loss: (Model) -> Tensor
  ) -> (precision: Double, logPartition: Double) {
    var parameters = [model.model.precision.doubles()[0], model.logPartition.scalar]
    func gradient(_ p: [Double]) -> [Double] {
      let at = Model(Parabola([p[0]]), logPartition: Tensor([p[1]], shape: []))
      let slope = valueAndGradient(at: at, loss).gradient
      return [slope.model.precision.doubles()[0], slope.logPartition.scalar]
    }
    for _ in 0..<8 {
      let g = gradient(parameters)
      let h = 1e-5
      let columns = (0..<2).map { i in
        var (up, down) = (parameters, parameters)
        up[i] += h
        down[i] -= h
        return zip(gradient(up), gradient(down)).map { ($0 - $1) / (2 * h) }
      }
      let determinant = columns[0][0] * columns[1][1] - columns[1][0] * columns[0][1]
      parameters[0] -= (g[0] * columns[1][1] - g[1] * columns[1][0]) / determinant
      parameters[1] -= (g[1] * columns[0][0] - g[0] * columns[0][1]) / determinant
    }
    return (parameters[0], parameters[1])
  }

  @Test(arguments: [1, 3])
  func `telling a normal distribution from noise finds its precision and its constant`(ratio: Int) {
    let count = 50_000
    let data = normal(1).sample(RandomKey(seed: 1), draws: count)
    let noise = normal(2)
    let draws = noise.sample(RandomKey(seed: 2), draws: ratio * count)
    let start = Model(Parabola([0.7]), logPartition: Tensor([0.6], shape: []))
    let (precision, logPartition) = fitted(start) {
      NoiseContrast().loss($0, noise: noise, data: data, draws: draws)
    }
    #expect(abs(precision - 1) < 0.04)
    #expect(abs(logPartition - 0.9189385332) < 0.02)
  }

  @Test func `the expected loss has zero slope at the truth, for any number of draws`() {
    // Expectations by quadrature: points weighted by both densities.
    let step = 0.01
    let points = Tensor((-2000..<2000).map { (Double($0) + 0.5) * step }, shape: [4000, 1])
    let truth = Model(Parabola([1]), logPartition: Tensor([0.5 * log(2 * Double.pi)], shape: []))
    let noise = normal(2)
    let (p, q) = (
      truth.logProbability(of: points).exp() * step, noise.logProbability(of: points).exp() * step
    )
    #expect(abs(p.sum().scalar - 1) < 1e-10)
    for ratio in [1.0, 4.0] {
      let slope = valueAndGradient(at: truth) { model in
        let advantage = -model.energy(points) - noise.logProbability(of: points) - log(ratio)
        return ((-advantage).softplus() * p + advantage.softplus() * q * ratio).sum()
      }.gradient
      #expect(abs(slope.model.precision.doubles()[0]) < 1e-9)
      #expect(abs(slope.logPartition.scalar) < 1e-9)
    }
    // And the objective is this one: rows that are the same points count alike.
    let (data, draws) = (points.sliced(0, 1900..<1904), points.sliced(0, 2000..<2008))
    let advantage = -truth.energy(data) - noise.logProbability(of: data) - log(2)
    let drawn = -truth.energy(draws) - noise.logProbability(of: draws) - log(2)
    let loss = NoiseContrast().loss(truth, noise: noise, data: data, draws: draws).scalar
    let byHand = (-advantage).softplus().sum().scalar / 4 + drawn.softplus().sum().scalar / 4
    #expect(abs(loss - byHand) < 1e-12)
  }

  @Test func `ranking does not see the constant, and finds the precision`() {
    let count = 20_000
    let data = normal(1).sample(RandomKey(seed: 1), draws: count)
    let noise = normal(2)
    let draws = noise.sample(RandomKey(seed: 2), draws: 5 * count)
    func loss(_ precision: Double, _ constant: Double = 0) -> Double {
      NoiseContrast(.ranking).loss(
        Model(Parabola([precision]), logPartition: Tensor([constant], shape: [])), noise: noise,
        data: data, draws: draws
      ).scalar
    }
    #expect(abs(loss(1) - loss(1, 7)) < 1e-12)
    #expect(loss(1) < loss(0.93) && loss(1) < loss(1.07))
    // A model that is the noise cannot tell: log 6.
    #expect(abs(loss(0.25) - log(6)) < 1e-12)
  }
}

@Suite struct ScoreMatchingTests {
  private let x = RandomKey(seed: 3).normal([500, 3], .float64) * Tensor([0.5, 1, 2])
  private let key = RandomKey(seed: 9)

  @Test func `the implicit loss of a parabola is its closed form, least at the exact precision`() {
    let squares = x.square().mean([0]).doubles()
    let precision = [0.8, 1.5, 0.3]
    let known = zip(precision, squares).map { $0 * $0 * $1 / 2 - $0 }.reduce(0, +)
    let loss = ScoreMatching(.implicit).loss(Parabola(precision), x, key).scalar
    #expect(abs(loss - known) < 1e-12)
    let slope = valueAndGradient(at: Parabola(squares.map { 1 / $0 })) {
      ScoreMatching(.implicit).loss($0, x, key)
    }.gradient.precision
    #expect(slope.abs().max().scalar < 1e-12)
  }

  @Test func `the implicit loss holds the trace of a score that is no gradient`() {
    let matrix = RandomKey(seed: 4).normal([3, 3], .float64)
    let model = LinearScore(matrix: matrix)
    let entries = matrix.doubles()
    let trace = entries[0] + entries[4] + entries[8]
    let known = trace + model.score(x).square().sum([1]).mean().scalar / 2
    #expect(abs(ScoreMatching(.implicit).loss(model, x, key).scalar - known) < 1e-12)
  }

  @Test func `slices along all signs average to the exact loss`() {
    // One row at a time, so that each draw is one of the eight directions; all of them weigh the same.
    let matrix = RandomKey(seed: 4).normal([3, 3], .float64)
    let model = LinearScore(matrix: matrix)
    let exact = ScoreMatching(.implicit).loss(model, x.sliced(0, 0..<1), key).scalar
    var byDirection: [String: Double] = [:]
    for seed in 0..<100 where byDirection.count < 8 {
      let key = RandomKey(seed: UInt64(seed))
      let name = "\(key.bernoulli(0.5, [1, 3]).cast(to: .float64).doubles())"
      byDirection[name] = ScoreMatching(.sliced).loss(model, x.sliced(0, 0..<1), key).scalar
    }
    #expect(byDirection.count == 8)
    #expect(abs(byDirection.values.reduce(0, +) / 8 - exact) < 1e-12)
    #expect(Set(byDirection.values.map { ($0 * 1e9).rounded() }).count > 1)
  }

  @Test func `denoising finds the precision of the blurred data`() {
    let blur = 0.5
    let data = normal(1, width: 2).sample(RandomKey(seed: 5), draws: 200_000)
    let objective = ScoreMatching(.denoising, deviation: blur)
    func slope(_ precision: Double) -> Double {
      valueAndGradient(at: Parabola([precision, precision])) {
        objective.loss($0, data, RandomKey(seed: 6))
      }.gradient.precision.sum().scalar
    }
    // The loss is a parabola in the precision: two slopes give its lowest point, 1 / (1 + σ²).
    let (a, b) = (slope(0.5), slope(1.5))
    #expect(abs((0.5 - a / (b - a)) - 1 / 1.25) < 0.02)
  }

  @Test func `denoising and exact matching of blurred data differ by a number`() {
    // Vincent's identity, in expectation: E denoising − E implicit of the blurred data does not depend on the model.
    let blur = 0.7
    let clean = RandomKey(seed: 7).normal([100_000, 1], .float64)
    let noisy = clean + key.normal(clean.shape, .float64) * blur
    func difference(_ precision: Double) -> Double {
      let model = Parabola([precision])
      return ScoreMatching(.denoising, deviation: blur).loss(model, clean, key).scalar
        - ScoreMatching(.implicit).loss(model, noisy, key).scalar
    }
    #expect(abs(difference(0.4) - difference(1.2)) < 0.02)
  }

  @Test func `a network's gradient of the implicit loss is that of differences`() {
    let configuration = VectorEnergyConfiguration(width: 2, hidden: [5], activation: .silu)
    let model = VectorEnergy(configuration, key: RandomKey(seed: 1)).mapTensors {
      $0.cast(to: .float64).evaluated()
    }
    let points = RandomKey(seed: 2).normal([7, 2], .float64)
    func loss(_ model: VectorEnergy) -> Tensor { ScoreMatching(.implicit).loss(model, points, key) }
    let slope = valueAndGradient(at: model, loss).gradient
    for (i, tensor) in model.tensors.enumerated() {
      var direction = RandomKey(seed: 30).fork(i).normal(tensor.shape, .float64)
      direction = direction.evaluated()
      func moved(_ h: Double) -> Double {
        var tensors = model.tensors
        tensors[i] = tensor + direction * h
        return loss(model.replacingTensors(tensors)).scalar
      }
      let known = (moved(1e-5) - moved(-1e-5)) / 2e-5
      let product = (slope.tensors[i] * direction).sum().scalar
      #expect(abs(product - known) < 1e-7 * max(1, abs(known)))
    }
  }
}
