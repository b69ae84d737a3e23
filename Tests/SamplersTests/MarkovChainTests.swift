import Layers
import Models
import Samplers
import Tensors
import Testing

/// ½ xᵀ P x: a normal distribution of known precision P, [width, width].
struct NormalEnergy: EnergyModel {
  var precision: Tensor

  init(_ precision: [Double]) {
    let width = Int(Double(precision.count).squareRoot())
    self.precision = Tensor(precision, shape: [width, width])
  }

  func energy(_ x: Tensor) -> Tensor { (matrixProduct(x, precision) * x).sum([1]) * 0.5 }
  mutating func visit(_ visitor: inout Visitor) { visitor("precision", &precision) }
}

/// Two narrow normal distributions far apart, at ±distance, the right one three times as likely.
private struct TwoHills: EnergyModel {
  var distance = 4.0

  func energy(_ x: Tensor) -> Tensor {
    let x = x.squeezed(1)
    let left = (x + distance).square() * -0.5
    let right = (x - distance).square() * -0.5 + 1.0986122886681098
    return -stack([left, right], axis: 1).logSumExp(1)
  }
  mutating func visit(_ visitor: inout Visitor) {}
}

/// Moments of one number over independent chains, with their standard errors.
private func variance<K: MarkovKernel>(
  _ kernel: K, _ model: K.Model, from start: Tensor, moves: Int
) -> (variance: Double, acceptance: Double) {
  var chains = kernel.chains(at: start, of: model)
  let report = kernel.run(&chains, of: model, moves: moves, RandomKey(seed: 3))
  return (
    chains.states.square().mean().scalar, report.acceptance.mean().scalar
  )
}

@Suite struct MarkovChainTests {
  private let normal = NormalEnergy([1])
  private let start = RandomKey(seed: 1).normal([20_000, 1], .float64)

  // Of a variance of 20,000 numbers the standard error is 0.01.

  @Test(arguments: [(0.5, 0.841), (1.0, 0.704), (2.4, 0.443)])
  func `a random walk keeps a normal distribution at the known acceptance`(
    step: Double, acceptance: Double
  ) {
    let kernel = Metropolis<NormalEnergy, RandomWalk>(RandomWalk(deviation: step))
    let result = variance(kernel, normal, from: start * 0.5, moves: 200)
    #expect(abs(result.variance - 1) < 0.04)
    #expect(abs(result.acceptance - acceptance) < 0.01)
  }

  @Test(arguments: [(0.25, 0.990), (1, 0.921), (2.25, 0.746)])
  func `adjusted Langevin steps are exact, the others have their known bias`(
    step: Double, acceptance: Double
  ) {
    let adjusted = variance(
      Langevin<NormalEnergy>(step: step, isAdjusted: true), normal, from: start * 0.5, moves: 60)
    #expect(abs(adjusted.variance - 1) < 0.04)
    #expect(abs(adjusted.acceptance - acceptance) < 0.006)
    let plain = variance(Langevin<NormalEnergy>(step: step), normal, from: start * 0.5, moves: 60)
    let known = 1 / (1 - step / 4)
    #expect(abs(plain.variance / known - 1) < 0.04)
    #expect(plain.acceptance == 1)
  }

  @Test(arguments: [(0.1, 10, 0.9993), (0.2, 10, 0.9971), (0.5, 4, 0.982), (1, 2, 0.921)])
  func `Hamiltonian moves are exact at the known acceptance`(
    step: Double, leaps: Int, acceptance: Double
  ) {
    let kernel = HamiltonianMonteCarlo<NormalEnergy>(step: step, leaps: leaps)
    let result = variance(kernel, normal, from: start * 0.5, moves: 40)
    #expect(abs(result.variance - 1) < 0.04)
    #expect(abs(result.acceptance - acceptance) < 0.004)
  }

  /// The covariance of two correlated numbers, [xx, xy, yy].
  private func covariance<K: MarkovKernel<NormalEnergy>>(_ kernel: K, moves: Int) -> [Double] {
    let model = NormalEnergy([1, -0.6, -0.6, 2])
    let start = RandomKey(seed: 8).normal([20_000, 2], .float64)
    let x = kernel.moved(start, of: model, moves: moves, RandomKey(seed: 9))
    let product = matrixProduct(x.transposed(), x) / 20_000
    return [0, 1, 3].map { product.doubles()[$0] }
  }

  @Test func `two correlated numbers get their covariance, with Langevin's bias where it has one`()
  {
    // Σ = P⁻¹; with steps ε it is Σ (I − ε/4 P)⁻¹.
    func inverse(_ a: Double, _ b: Double, _ d: Double) -> [Double] {
      let determinant = a * d - b * b
      return [d / determinant, -b / determinant, a / determinant]
    }
    let exact = inverse(1, -0.6, 2)
    // (P − ε/4 P²)⁻¹, which is Σ (I − ε/4 P)⁻¹, of P² = [1.36, −1.8; −1.8, 4.36].
    let step = 0.5
    let biased = inverse(1 - step / 4 * 1.36, -0.6 + step / 4 * 1.8, 2 - step / 4 * 4.36)
    let hamiltonian = covariance(HamiltonianMonteCarlo(step: 0.6, leaps: 3), moves: 40)
    let adjusted = covariance(Langevin(step: step, isAdjusted: true), moves: 80)
    let plain = covariance(Langevin(step: step), moves: 80)
    for i in 0..<3 {
      #expect(abs(hamiltonian[i] - exact[i]) < 0.05)
      #expect(abs(adjusted[i] - exact[i]) < 0.05)
      #expect(abs(plain[i] - biased[i]) < 0.05)
    }
    #expect(abs(biased[0] - exact[0]) > 0.1)
  }

  @Test func `a cooler Langevin chain draws from the sharpened density`() {
    let kernel = Langevin<NormalEnergy>(step: 0.1, temperature: 0.25)
    let result = variance(kernel, normal, from: start * 0.5, moves: 150)
    #expect(abs(result.variance - 0.25 * 1.0256) < 0.01)
  }

  @Test func `an adjusted Langevin candidate is accepted by the ratio of both its proposals`() {
    let (model, step) = (NormalEnergy([1, -0.6, -0.6, 2]), 0.7)
    let kernel = Langevin<NormalEnergy>(step: step, isAdjusted: true)
    let x = RandomKey(seed: 2).normal([50, 2], .float64)
    let z = RandomKey(seed: 4).fork(0).normal([50, 2], .float64)
    var chains = kernel.chains(at: x, of: model)
    let report = kernel.move(&chains, of: model, RandomKey(seed: 4))
    let candidate = x + model.score(x) * (step / 2) + z * step.squareRoot()
    func logProposal(_ to: Tensor, from: Tensor) -> Tensor {
      (to - from - model.score(from) * (step / 2)).square().sum([1]) * (-0.5 / step)
    }
    let ratio =
      model.energy(x) - model.energy(candidate) + logProposal(x, from: candidate)
      - logProposal(candidate, from: x)
    #expect((minimum(ratio, 0).exp() - report.acceptance).abs().max().scalar < 1e-12)
  }

  @Test func `leaps can be undone and keep volumes`() {
    let model = TwoHills(distance: 1)
    let kernel = HamiltonianMonteCarlo<TwoHills>(step: 0.3, leaps: 7)
    let x = RandomKey(seed: 2).normal([9, 1], .float64)
    let impulse = RandomKey(seed: 3).normal([9, 1], .float64)
    func rolled(_ x: Tensor, _ impulse: Tensor) -> (x: Tensor, impulse: Tensor) {
      let end = kernel.rolled(Pair(kernel.chains(at: x, of: model), impulse), of: model)
      return (end.first.states, end.second)
    }
    let there = rolled(x, impulse)
    let back = rolled(there.x, -there.impulse)
    #expect((back.x - x).abs().max().scalar < 1e-12)
    #expect((there.x - x).abs().max().scalar > 0.1)
    // The determinant of ∂(x′, p′)/∂(x, p), by central differences.
    let h = 1e-5
    let (right, left) = (rolled(x + h, impulse), rolled(x - h, impulse))
    let (faster, slower) = (rolled(x, impulse + h), rolled(x, impulse - h))
    let determinant =
      ((right.x - left.x) * (faster.impulse - slower.impulse)
        - (faster.x - slower.x) * (right.impulse - left.impulse)) / (4 * h * h)
    #expect((determinant - 1).abs().max().scalar < 1e-7)
  }

  @Test func `an energy that is no number is never gone to`() {
    struct Walled: EnergyModel {
      func energy(_ x: Tensor) -> Tensor { (x.log()).square().sum([1]) }
      mutating func visit(_ visitor: inout Visitor) {}
    }
    let start = Tensor.ones([100, 1], .float64)
    let walk = Metropolis<Walled, RandomWalk>(RandomWalk(deviation: 2))
    let x = walk.moved(start, of: Walled(), moves: 50, RandomKey(seed: 5))
    #expect(x.min().scalar > 0)
    let leap = HamiltonianMonteCarlo<Walled>(step: 1.5, leaps: 3)
    let y = leap.moved(start, of: Walled(), moves: 50, RandomKey(seed: 5))
    #expect(y.min().scalar > 0)
  }

  @Test func `a trace keeps every state on the way to where a run comes to`() {
    let kernel = HamiltonianMonteCarlo<NormalEnergy>(step: 0.5, leaps: 2)
    var chains = kernel.chains(at: start.sliced(0, 0..<10), of: normal)
    let result = kernel.trace(&chains, of: normal, moves: 6, thinning: 3, RandomKey(seed: 2))
    #expect(result.states.shape == [6, 10, 1])
    #expect(result.states.element(0, 5).doubles() == chains.states.doubles())
    #expect(result.states.element(0, 4).doubles() != chains.states.doubles())
  }
}

/// Numbers 0 ..< n on which energies and proposals are tables.
private struct TableEnergy: EnergyModel {
  var energies: Tensor
  func energy(_ x: Tensor) -> Tensor { energies.rows(x.cast(to: .int32)).squeezed(1) }
  mutating func visit(_ visitor: inout Visitor) { visitor("energies", &energies) }
}

private struct TableProposal: Proposal {
  /// log q(to | from), [n, n].
  let logs: Tensor

  func candidate(for x: Tensor, _ key: RandomKey) -> Tensor {
    key.categorical(logs.rows(x.cast(to: .int32).squeezed(1))).cast(to: x.dataType).expanded(1)
  }

  func logReturn(from x: Tensor, to candidate: Tensor) -> Tensor? {
    let (a, b) = (x.cast(to: .int32).squeezed(1), candidate.cast(to: .int32).squeezed(1))
    let flat = logs.reshaped([logs.count])
    let n = Tensor.fill(integer: Int64(logs.shape[0]), a.shape, .int32)
    return flat.rows(b * n + a) - flat.rows(a * n + b)
  }
}

@Suite struct DetailedBalanceTests {
  private let energies = [0.3, 1.1, -0.4, 0.9, 0.0]
  private let proposal = [
    0.1, 0.4, 0.2, 0.2, 0.1,
    0.3, 0.2, 0.3, 0.1, 0.1,
    0.1, 0.1, 0.5, 0.2, 0.1,
    0.25, 0.25, 0.25, 0.05, 0.2,
    0.4, 0.1, 0.1, 0.3, 0.1,
  ]

  /// The rule's transition matrix over all pairs of states, [5, 5].
  private func transitions() -> [[Double]] {
    let kernel = Metropolis<TableEnergy, TableProposal>(
      TableProposal(logs: Tensor(proposal, shape: [5, 5]).log()))
    let model = TableEnergy(energies: Tensor(energies))
    let from = Tensor((0..<25).map { Double($0 / 5) }, shape: [25, 1])
    let to = Tensor((0..<25).map { Double($0 % 5) }, shape: [25, 1])
    let ratios = kernel.logRatio(
      from: kernel.chains(at: from, of: model), to: kernel.chains(at: to, of: model))
    let acceptance = minimum(ratios, 0).exp().doubles()
    return (0..<5).map { a in
      var row = (0..<5).map { b in a == b ? 0 : proposal[5 * a + b] * acceptance[5 * a + b] }
      row[a] = 1 - row.reduce(0, +)
      return row
    }
  }

  @Test func `every pair of states exchanges as much one way as the other`() {
    let table = transitions()
    let weights = energies.map { (-Tensor([$0])).exp().doubles()[0] }
    for a in 0..<5 {
      for b in 0..<5 {
        #expect(abs(weights[a] * table[a][b] - weights[b] * table[b][a]) < 1e-15)
      }
    }
  }

  @Test func `moves happen as often as the transition matrix says`() {
    let table = transitions()
    let kernel = Metropolis<TableEnergy, TableProposal>(
      TableProposal(logs: Tensor(proposal, shape: [5, 5]).log()))
    let model = TableEnergy(energies: Tensor(energies))
    let each = 20_000
    let start = Tensor((0..<5 * each).map { Double($0 / each) }, shape: [5 * each, 1])
    var chains = kernel.chains(at: start, of: model)
    _ = kernel.move(&chains, of: model, RandomKey(seed: 6))
    let reached = chains.states.doubles().map { Int($0) }
    for a in 0..<5 {
      for b in 0..<5 {
        let share =
          Double(reached[a * each..<(a + 1) * each].count { $0 == b }) / Double(each)
        #expect(abs(share - table[a][b]) < 0.018)
      }
    }
  }

  @Test func `flipping units reaches the law of a binary model`() {
    // Four binary units with pulls between them; all 16 probabilities by enumeration.
    let model = NormalEnergy([
      -0.8, 1.0, 0.2, 0.0, 1.0, 0.4, -0.6, 0.3, 0.2, -0.6, 0.2, -1.1, 0.0, 0.3, -1.1, 0.6,
    ])
    let states = Tensor(
      (0..<16).flatMap { s in (0..<4).map { Double(s >> $0 & 1) } }, shape: [16, 4])
    let exact = (-model.energy(states)).softmax(0).doubles()
    let kernel = Metropolis<NormalEnergy, UnitFlip>(UnitFlip())
    let end = kernel.moved(
      .zeros([40_000, 4], .float64), of: model, moves: 100, RandomKey(seed: 7))
    let numbers = matrixProduct(end, Tensor([1.0, 2, 4, 8], shape: [4, 1])).doubles()
    for s in 0..<16 {
      let share = Double(numbers.count { Int($0) == s }) / 40_000
      #expect(abs(share - exact[s]) < 0.011)
    }
  }
}

@Suite struct ParallelTemperingTests {
  private typealias Path = EnergyPath<FlatEnergy, TwoHills>
  private let model = Path(from: FlatEnergy(), to: TwoHills())
  private let inner = Metropolis<EnergyPath<FlatEnergy, TwoHills>, RandomWalk>(
    RandomWalk(deviation: 1))

  @Test func `a ladder finds the far hill with its weight, one rung alone does not`() {
    let start = Tensor.fill(-4, [2000, 1], .float64)
    let ladder = ParallelTempering(inner, rungs: 6, lowest: 0.03)
    #expect(ladder.shares[0] == 1 && abs(ladder.shares[5] - 0.03) < 1e-12)
    var chains = ladder.chains(at: ladder.states(start), of: model)
    let report = ladder.run(&chains, of: model, moves: 500, RandomKey(seed: 1))
    let right = ladder.own(chains.states).greater(than: 0).cast(to: .float64).mean().scalar
    // Three quarters, with a standard error of 0.01.
    #expect(abs(right - 0.75) < 0.045)
    #expect(report.exchange!.mean().scalar > 0.1)
    let alone = inner.moved(start, of: model, moves: 500, RandomKey(seed: 1))
    #expect(alone.greater(than: 0).cast(to: .float64).mean().scalar < 0.2)
  }

  @Test func `exchanges permute each chain's rungs, with one answer for both partners`() {
    let ladder = ParallelTempering(inner, shares: [1, 0.6, 0.3, 0.1, 0])
    let states = RandomKey(seed: 3).normal([5 * 200, 1], deviation: 4, .float64)
    var path = model
    path.share = Tensor([1, 0.6, 0.3, 0.1, 0], shape: [5, 1]).broadcast(to: [5, 200])
      .reshaped([1000])
    let (after, probability) = ladder.exchanged(states, path, RandomKey(seed: 4))
    let (old, new) = (states.doubles(), after.doubles())
    var moved = 0
    for chain in 0..<200 {
      let rungs = (0..<5).map { $0 * 200 + chain }
      #expect(Set(rungs.map { old[$0] }) == Set(rungs.map { new[$0] }))
      moved += rungs.count { old[$0] != new[$0] }
    }
    #expect(moved > 100 && moved % 2 == 0)
    // exp(−(s_i − s_j)(U_j − U_i)) of the partner that the state came from, where it moved.
    let energy = TwoHills().energy(states).doubles()
    let shares = [1, 0.6, 0.3, 0.1, 0]
    let p = probability.doubles()
    for row in 0..<1000 where old[row] != new[row] {
      let (rung, chain) = (row / 200, row % 200)
      let other = (0..<5).first { old[$0 * 200 + chain] == new[row] }!
      #expect(abs(other - rung) == 1)
      let ratio =
        (shares[rung] - shares[other]) * (energy[row] - energy[other * 200 + chain])
      #expect(abs(p[row] - Tensor([min(ratio, 0)]).exp().doubles()[0]) < 1e-12)
    }
  }
}

@Suite struct ChainDiagnosticsTests {
  /// x ← φ x + √(1 − φ²) z, [moves, chains].
  private func autoregressive(_ correlation: Double, moves: Int, chains: Int) -> Tensor {
    let noise = RandomKey(seed: 11).normal([moves, chains], .float64)
    let start = RandomKey(seed: 12).normal([chains], .float64)
    return scan(start, over: noise) { x, z in
      x = x * correlation + z * (1 - correlation * correlation).squareRoot()
      return x
    }.outputs
  }

  @Test(arguments: [0.0, 0.5, 0.9, -0.4])
  func `the effective size of an autoregressive chain is the known one`(correlation: Double) {
    let trace = autoregressive(correlation, moves: 4000, chains: 8)
    let diagnostics = ChainDiagnostics(trace)
    let known = 32_000 * (1 - correlation) / (1 + correlation)
    #expect(abs(diagnostics.effectiveSize / known - 1) < 0.15)
    #expect(abs(diagnostics.rHat - 1) < 0.01)
    #expect(abs(diagnostics.mean) < 4 * diagnostics.standardError)
    #expect(abs(diagnostics.variance - 1) < 0.1)
  }

  @Test func `chains that disagree or drift are found`() {
    let trace = autoregressive(0.5, moves: 500, chains: 4)
    let apart = trace + Tensor([0.0, 0, 3, 0])
    #expect(ChainDiagnostics(apart).rHat > 1.3)
    #expect(ChainDiagnostics(apart).effectiveSize < 100)
    let drift = trace + Tensor.indices([500, 4], axis: 0).cast(to: .float64) * 0.01
    #expect(ChainDiagnostics(drift).rHat > 1.3)
  }
}
