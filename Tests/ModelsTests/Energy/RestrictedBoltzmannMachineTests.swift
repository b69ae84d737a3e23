import Layers
import Models
import Objectives
import Samplers
import Tensors
import Testing

/// The small machine of 10 visible and 6 hidden units whose sums are known.
private struct SmallMachine {
  let model: RestrictedBoltzmannMachine
  let data: Tensor

  /// The hash that fills tensors the same way in every language: [−1, 1).
  static func noise(_ k: Int, _ shape: [Int]) -> [Double] {
    (0..<shape.reduce(1, *)).map { i in
      let mask: UInt64 = 0xFFFF_FFFF
      var x = (UInt64(i + 1 + 7919 * k) &* 2_654_435_761) & mask
      x ^= x >> 16
      x = (x &* 2_246_822_519) & mask
      x ^= x >> 13
      x = (x &* 3_266_489_917) & mask
      x ^= x >> 16
      return Double(x) / 4_294_967_296 * 2 - 1
    }
  }

  init() {
    model = RestrictedBoltzmannMachine(
      weight: Tensor(Self.noise(0, [10, 6]).map { 1.4 * $0 }, shape: [10, 6]),
      visibleBias: Tensor(Self.noise(1, [10]).map { 0.5 * $0 }),
      hiddenBias: Tensor(Self.noise(2, [6]).map { 0.5 * $0 }))
    data = Tensor(Self.noise(3, [8, 10]).map { $0 > 0 ? 1.0 : 0.0 }, shape: [8, 10])
  }

  /// All 1,024 visible states, [1024, 10].
  var states: Tensor {
    let bits = (0..<1024).flatMap { state in (0..<10).map { Double(state >> $0 & 1) } }
    return Tensor(bits, shape: [1024, 10])
  }

  /// The exact gradient of −mean log p(data).
  var likelihoodGradient: (loss: Double, gradient: RestrictedBoltzmannMachine) {
    let (loss, gradient) = valueAndGradient(at: model) {
      $0.freeEnergy(data).mean() + $0.exactLogPartition()
    }
    return (loss.scalar, gradient)
  }
}

@Suite struct RestrictedBoltzmannMachineTests {
  private let small = SmallMachine()

  @Test func `enumeration gives the known partition function and likelihood`() {
    #expect(abs(small.model.exactLogPartition().scalar - 13.497916284) < 1e-8)
    let byVisible = (-small.model.freeEnergy(small.states)).logSumExp(0).scalar
    #expect(abs(byVisible - 13.497916284) < 1e-8)
    let (loss, gradient) = small.likelihoodGradient
    #expect(abs(loss - 6.976070328) < 1e-8)
    #expect(abs(gradient.weight.square().sum().sqrt().scalar - 1.077862034) < 1e-8)
    #expect(abs(abs(gradient.weight.doubles()[0]) - 0.025256671) < 1e-8)
  }

  /// Transition probabilities of one Gibbs sweep between visible states, [1024, 1024].
  private func transition() -> Tensor {
    let hidden = (0..<64).flatMap { state in (0..<6).map { Double(state >> $0 & 1) } }
    let h = Tensor(hidden, shape: [64, 6])
    func table(_ p: Tensor, _ states: Tensor) -> Tensor {  // [given, states]
      let on = matrixProduct(p.log(), states.transposed())
      let off = matrixProduct((1 - p).log(), (1 - states).transposed())
      return (on + off).exp()
    }
    let up = table(small.model.hiddenProbabilities(small.states), h)
    let down = table(small.model.visibleProbabilities(h), small.states)
    return matrixProduct(up, down).evaluated()
  }

  @Test func `a Gibbs sweep leaves the model's distribution as it is`() {
    let p = (-small.model.freeEnergy(small.states) - small.model.exactLogPartition()).exp()
    let moved = matrixProduct(p.expanded(0), transition()).squeezed(0)
    #expect((moved - p).abs().max().scalar < 1e-15)
  }

  @Test(arguments: [
    (1, 0.395352, 0.003721821), (2, 0.185373, 0.012017379), (5, 0.0204287, 0.023391341),
    (10, 5.38163e-4, 0.025203763),
  ])
  func `the expected CD-k gradient has the known bias`(k: Int, error: Double, entry: Double) {
    let table = transition()
    var chain = matrixProduct(Tensor(onesAtData(), shape: [1, 1024]), table)
    for _ in 1..<k { chain = matrixProduct(chain, table) }
    let weights = chain.squeezed(0).evaluated()
    let expected = valueAndGradient(at: small.model) {
      $0.freeEnergy(small.data).mean() - ($0.freeEnergy(small.states) * weights).sum()
    }.gradient.weight
    let exact = small.likelihoodGradient.gradient.weight
    let relative = ((expected - exact).square().sum() / exact.square().sum()).sqrt().scalar
    #expect(abs(relative - error) < 1e-5 * max(error, 0.1))
    #expect(abs(abs(expected.doubles()[0]) - entry) < 1e-8)
  }

  /// The data's distribution over all states.
  private func onesAtData() -> [Double] {
    var weights = [Double](repeating: 0, count: 1024)
    let bits = small.data.doubles()
    for row in 0..<8 {
      let state = (0..<10).map { Int(bits[row * 10 + $0]) << $0 }.reduce(0, +)
      weights[state] += 1.0 / 8
    }
    return weights
  }

  @Test func `persistent chains with frozen parameters average to the exact gradient`() {
    let objective = ContrastiveDivergence(sweeps: 1)
    var chains = Tensor([Double](repeating: 0.5, count: 1000), shape: [100, 10])
    chains = RandomKey(seed: 5).bernoulli(chains).cast(to: .float64)
    var sum = small.model.weight.zerosLike()
    let sweeps = 600
    for sweep in 0..<(sweeps + 100) {
      chains = objective.advanced(chains, small.model, RandomKey(seed: 7).fork(sweep)).evaluated()
      guard sweep >= 100 else { continue }
      let gradient = valueAndGradient(at: small.model) {
        objective.loss($0, data: small.data, chains: chains)
      }.gradient.weight
      sum = (sum + gradient).evaluated()
    }
    let exact = small.likelihoodGradient.gradient.weight
    let relative = ((sum / Double(sweeps) - exact).square().sum() / exact.square().sum()).sqrt()
      .scalar
    // CD-1 never gets below 0.395; what is left here is the noise of 60,000 correlated samples.
    #expect(relative < 0.06)
  }

  @Test(arguments: [100, 1000])
  func `annealing estimates log Z within its own error`(temperatures: Int) {
    let annealing = AnnealedImportance(chains: 1000, temperatures: temperatures)
    let estimate = annealing.estimate(small.model, RandomKey(seed: 11))
    #expect(estimate.standardError > 0 && estimate.standardError < 0.02)
    #expect(abs(estimate.logPartition - 13.497916284) < 4 * estimate.standardError)
  }

  @Test func `visit forgets nothing and names what is saved`() {
    let model = RestrictedBoltzmannMachine(
      .init(visible: 784, hidden: 500), key: RandomKey(seed: 1))
    #expect(model.leaves.map(\.name) == ["W", "b", "c"])
    #expect(model.parameterCount == 393_284)
  }
}

@Suite struct ContrastiveDivergenceTests {
  private let small = SmallMachine()

  private func gradient(_ form: ContrastiveDivergence.Form, sweeps: Int, rows: Int = 1) -> Tensor {
    let objective = ContrastiveDivergence(form, sweeps: sweeps)
    let data = small.data.expanded(0).broadcast(to: [rows, 8, 10]).reshaped([-1, 10])
    let samples = objective.samples(
      of: small.model, data: data, chains: data, RandomKey(seed: 2))
    return valueAndGradient(at: small.model) {
      objective.loss($0, data: small.data, chains: samples)
    }.gradient.weight
  }

  private func relativeError(_ gradient: Tensor) -> Double {
    let exact = small.likelihoodGradient.gradient.weight
    return ((gradient - exact).square().sum() / exact.square().sum()).sqrt().scalar
  }

  @Test(arguments: [
    (1, 0.543635, 0.069394024), (2, 0.466030, nil), (5, 0.444928, nil), (10, 0.445629, nil),
    (20, 0.445770, 0.050054486),
  ])
  func `mean-field divergence has its known bias, which no number of sweeps takes away`(
    sweeps: Int, error: Double, entry: Double?
  ) {
    let gradient = gradient(.meanField, sweeps: sweeps)
    #expect(abs(relativeError(gradient) - error) < 1e-6)
    if let entry { #expect(abs(abs(gradient.doubles()[0]) - entry) < 1e-8) }
  }

  @Test
  func `mean field settles where both of its equations hold, and without weights it is exact`() {
    let objective = ContrastiveDivergence(.meanField, sweeps: 500)
    var model = small.model
    let v = objective.samples(of: model, data: small.data, chains: small.data, RandomKey(seed: 1))
    let again = model.visibleProbabilities(model.hiddenProbabilities(v))
    #expect((again - v).abs().max().scalar < 1e-10)
    model.weight = model.weight.zerosLike()
    let one = ContrastiveDivergence(.meanField)
    let means = one.samples(of: model, data: small.data, chains: small.data, RandomKey(seed: 1))
    func gradient(_ loss: (RestrictedBoltzmannMachine) -> Tensor) -> [Double] {
      valueAndGradient(at: model, loss).gradient.weight.doubles()
    }
    let field = gradient { one.loss($0, data: small.data, chains: means) }
    let exact = gradient { $0.freeEnergy(small.data).mean() + $0.exactLogPartition() }
    for (a, b) in zip(field, exact) { #expect(abs(a - b) < 1e-12) }
  }

  @Test(arguments: [(1, 0.395352), (5, 0.0204287)])
  func `sampled chains from the data average to the known bias`(sweeps: Int, error: Double) {
    let gradient = gradient(.data, sweeps: sweeps, rows: 20_000)
    // The noise of 160,000 samples is about 0.004 of the gradient's length.
    #expect(abs(relativeError(gradient) - error) < 0.012)
  }
}
