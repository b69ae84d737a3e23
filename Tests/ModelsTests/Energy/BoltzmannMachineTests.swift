import Foundation
import Layers
import Models
import Objectives
import Samplers
import Tensors
import Testing

/// Numbers −scale … scale that are the same at every run.
private func numbers(_ k: Int, _ shape: [Int], scale: Double) -> Tensor {
  RandomKey(seed: 77).fork(k).uniform(shape, in: -scale..<scale, .float64)
}

@Suite struct DeepBoltzmannMachineTests {
  private static let sizes = [6, 4, 3, 2]
  private let model = DeepBoltzmannMachine(
    weights: (0..<3).map { numbers($0, [sizes[$0], sizes[$0 + 1]], scale: 1.2) },
    biases: (0..<4).map { numbers(10 + $0, [sizes[$0]], scale: 0.5) })
  private let data = numbers(20, [8, 6], scale: 1).greater(than: 0).cast(to: .float64)

  /// −E of all 2¹⁵ joint states by the definition, and these states layer by layer.
  private func joint(_ model: DeepBoltzmannMachine) -> (score: Tensor, layers: [Tensor]) {
    let all = Tensor.binaryStates(15, .float64)
    let layers = all.split(1, sizes: Self.sizes)
    var score = Tensor.zeros([1 << 15], .float64)
    for (l, state) in layers.enumerated() {
      score = score + (state * model.biases[l]).sum([1])
      if l > 0 {
        score = score + (matrixProduct(layers[l - 1], model.weights[l - 1]) * state).sum([1])
      }
    }
    return (score, layers)
  }

  /// log p(v) of every row of data, by sums over all joint states.
  private func logLikelihood(_ model: DeepBoltzmannMachine) -> Tensor {
    let (score, layers) = joint(model)
    let places = Tensor((0..<6).map { Double(1 << $0) }, shape: [6, 1])
    let (number, wanted) = (
      matrixProduct(layers[0], places).squeezed(1), matrixProduct(data, places).squeezed(1)
    )
    let hit = number.expanded(0).equal(to: wanted.expanded(1))
    let scores = select(
      hit, score.expanded(0), Tensor.fill(-1e300, [1, 1], .float64))
    return scores.logSumExp(1) - score.logSumExp(0)
  }

  @Test func `both sides' sums give the log Z of all joint states`() {
    let exact = joint(model).score.logSumExp(0).scalar
    #expect(abs(model.exactLogPartition().scalar - exact) < 1e-10)
    let first = Tensor.binaryStates(9, .float64)
    #expect(abs((-model.freeEnergy(first)).logSumExp(0).scalar - exact) < 1e-10)
    var one = model
    (one.weights, one.biases) = ([model.weights[0]], Array(model.biases.prefix(2)))
    let shallow = RestrictedBoltzmannMachine(
      weight: one.weights[0], visibleBias: one.biases[0], hiddenBias: one.biases[1])
    #expect((one.freeEnergy(data) - shallow.freeEnergy(data)).abs().max().scalar < 1e-12)
  }

  @Test func `the gradient with exact means of the hidden layers is that of the likelihood`() {
    // ∇ log p(v) = ⟨−∇E⟩ given v − ⟨−∇E⟩: the model's half is that of the chains' energy over all first sides.
    let (score, _) = joint(model)
    let exact = valueAndGradient(at: model) { -self.logLikelihood($0).mean() }.gradient
    let first = Tensor.binaryStates(9, .float64)
    let share = (-model.freeEnergy(first)).softmax(0).stopped()
    let modelHalf = valueAndGradient(at: model) { -($0.energy(first) * share).sum() }.gradient
    let partition = valueAndGradient(at: model) { self.joint($0).score.logSumExp(0) }.gradient
    for (a, b) in zip(modelHalf.tensors, partition.tensors) {
      #expect((a - b).abs().max().scalar < 1e-10)
    }
    #expect(score.count == 1 << 15)
    // The data's half by mean field is close where couplings are weak, and exact where there are none above.
    var weak = model
    weak.weights = [model.weights[0], model.weights[1].zerosLike(), model.weights[2].zerosLike()]
    let weakExact = valueAndGradient(at: weak) { -self.logLikelihood($0).mean() }.gradient
    let weakShare = (-weak.freeEnergy(first)).softmax(0).stopped()
    let field = valueAndGradient(at: weak) { model in
      let means = model.meanField(data, sweeps: 3).map { $0.stopped() }
      return model.variationalFreeEnergy(data, means).mean()
        - (model.energy(first) * weakShare).sum()
    }.gradient
    for (a, b) in zip(field.tensors, weakExact.tensors) {
      #expect((a - b).abs().max().scalar < 1e-10)
    }
    // With couplings above it is biased, but points where the likelihood grows.
    let biased = valueAndGradient(at: model) { model in
      let means = model.meanField(data, sweeps: 30).map { $0.stopped() }
      return model.variationalFreeEnergy(data, means).mean() - (model.energy(first) * share).sum()
    }.gradient
    let product = zip(biased.tensors, exact.tensors).map { ($0 * $1).sum().scalar }.reduce(0, +)
    let lengths = [biased, exact].map { $0.globalLength }
    #expect(product / (lengths[0] * lengths[1]) > 0.95)
  }

  @Test
  func `mean field is a bound that every sweep makes tighter, and its slope is zero at the end`() {
    let exact = logLikelihood(model)
    let logZ = model.exactLogPartition()
    var last = Tensor.fill(-Double.infinity, [8], .float64)
    for sweeps in [0, 1, 2, 4, 8, 100] {
      let bound = -model.variationalFreeEnergy(data, model.meanField(data, sweeps: sweeps)) - logZ
      #expect((exact - bound).min().scalar > -1e-12)
      #expect((bound - last).min().scalar > -1e-12)
      last = bound.evaluated()
    }
    #expect((exact - last).max().scalar < 0.5)
    let means = model.meanField(data, sweeps: 500)
    let slope = valueAndGradient(at: means) { model.variationalFreeEnergy(data, $0).sum() }.gradient
    for layer in slope { #expect(layer.abs().max().scalar < 1e-8) }
  }

  @Test func `Gibbs chains reach the visible units' means`() {
    let (score, layers) = joint(model)
    let exact = (layers[0] * score.softmax(0).expanded(1)).sum([0])
    let chains = GibbsSampling<DeepBoltzmannMachine>().moved(
      .zeros([20_000, 9], .float64), of: model, moves: 100, RandomKey(seed: 5))
    let means = chains.sliced(1, 0..<6).mean([0])
    #expect((means - exact).abs().max().scalar < 0.018)
  }

  @Test func `annealing estimates log Z within its own error`() {
    let estimate = AnnealedImportance(chains: 1000, temperatures: 300).estimate(
      model, RandomKey(seed: 8))
    #expect(estimate.standardError > 0 && estimate.standardError < 0.02)
    #expect(
      abs(estimate.logPartition - model.exactLogPartition().scalar) < 4 * estimate.standardError)
  }
}

extension DeepBoltzmannMachine {
  fileprivate var globalLength: Double {
    tensors.map { $0.square().sum().scalar }.reduce(0, +).squareRoot()
  }
}

@Suite struct GaussianBoltzmannMachineTests {
  private let model = GaussianBoltzmannMachine(
    weight: numbers(1, [2, 3], scale: 1), visibleBias: numbers(2, [2], scale: 0.5),
    hiddenBias: numbers(3, [3], scale: 0.5), logVariance: numbers(4, [2], scale: 0.6))

  /// The midpoints of a grid over the plane, [side², 2], and the area of a cell.
  private func grid(side: Int, reach: Double) -> (points: Tensor, area: Double) {
    let step = 2 * reach / Double(side)
    let places = (0..<side).map { (Double($0) + 0.5) * step - reach }
    return (
      Tensor(places.flatMap { y in places.flatMap { [$0, y] } }, shape: [side * side, 2]),
      step * step
    )
  }

  @Test func `the density's integral over the plane is 1`() {
    let (points, area) = grid(side: 300, reach: 12)
    let density = (-model.freeEnergy(points) - model.exactLogPartition()).exp()
    #expect(abs(density.sum().scalar * area - 1) < 1e-9)
  }

  @Test func `the gradient of log Z is the mean of the energy's slope over the model`() {
    let (points, area) = grid(side: 300, reach: 12)
    let share = ((-model.freeEnergy(points) - model.exactLogPartition()).exp() * area).stopped()
    let mean = valueAndGradient(at: model) { -($0.freeEnergy(points) * share).sum() }.gradient
    let exact = valueAndGradient(at: model) { $0.exactLogPartition() }.gradient
    for (a, b) in zip(mean.tensors, exact.tensors) { #expect((a - b).abs().max().scalar < 1e-8) }
  }

  @Test func `Gibbs chains reach the means and the covariance of the density`() {
    let (points, area) = grid(side: 300, reach: 12)
    let share = (-model.freeEnergy(points) - model.exactLogPartition()).exp() * area
    func moments(_ x: Tensor, _ weight: Tensor) -> [Double] {
      let weighted = x * weight.expanded(1)
      return weighted.sum([0]).doubles() + matrixProduct(x.transposed(), weighted).doubles()
    }
    let exact = moments(points, share)
    let chains = GibbsSampling<GaussianBoltzmannMachine>().moved(
      .zeros([40_000, 2], .float64), of: model, moves: 60, RandomKey(seed: 5))
    let drawn = moments(chains, .fill(1 / 40_000, [40_000], .float64))
    for (a, b) in zip(drawn, exact) { #expect(abs(a - b) < 0.06) }
  }

  @Test func `annealing from a normal base by Langevin moves estimates log Z within its error`() {
    let base = DiagonalGaussian(
      mean: model.visibleBias, logVariance: model.logVariance + 1)
    let key = RandomKey(seed: 4)
    typealias Path = EnergyPath<DiagonalGaussian, GaussianBoltzmannMachine>
    let estimate = AnnealedImportance(temperatures: 200).estimate(
      Path(from: base, to: model), starts: base.sample(key.fork(0), draws: 2000),
      by: Langevin<Path>(step: 0.4, isAdjusted: true), key.fork(1))
    #expect(estimate.standardError > 0 && estimate.standardError < 0.03)
    #expect(
      abs(estimate.logPartition - model.exactLogPartition().scalar) < 4 * estimate.standardError)
    // The density of the base is known to be 1 in all: no way, no weight.
    typealias Same = EnergyPath<DiagonalGaussian, DiagonalGaussian>
    let nothing = AnnealedImportance(temperatures: 5).estimate(
      Same(from: base, to: base), starts: base.sample(key.fork(0), draws: 10),
      by: Langevin<Same>(step: 0.1), baseLogPartition: 2.5, key)
    #expect(nothing.logPartition == 2.5 && nothing.deviation == 0)
  }
}
