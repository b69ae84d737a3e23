import Foundation
import Layers
import Models
import Samplers
import Tensors
import Testing

/// 0.5 sin(3 x) + t / 2000: no denoiser, but arithmetic to compare.
private struct SineNetwork: Denoiser {
  typealias Condition = Nothing

  func callAsFunction(
    _ x: Tensor, at time: Tensor, condition: Nothing?, _ phase: Phase
  ) -> Tensor {
    (x * 3).sin() * 0.5 + time.cast(to: x.dataType).reshaped([-1, 1]) / 2000
  }

  mutating func visit(_ visitor: inout Visitor) {}
}

@Suite struct DiffusionSamplerTests {
  static let linear = DiffusionProcess(NoiseSchedule(.linear))
  static let latent = NoiseSchedule(.scaledLinear, range: 0.00085...0.012)

  /// 0.4 N(−1, 0.3²) + 0.6 N(1.5, 0.2²).
  static func mixture(_ process: DiffusionProcess) -> MixtureDenoiser {
    MixtureDenoiser(
      process, weights: Tensor([0.4, 0.6] as [Double]),
      means: Tensor([-1, 1.5] as [Double], shape: [2, 1]),
      deviations: Tensor([0.3, 0.2] as [Double]))
  }

  @Test func `Ten steps of DDIM give the published numbers`() {
    func run(_ sampler: DDIM, _ expected: [Double]) {
      let start = Tensor([1, -0.5, 0.25] as [Double], shape: [1, 3])
      let states = Array(
        sampler.samples(of: SineNetwork(), from: start, key: RandomKey(seed: 0)))
      #expect(states.count == 10)
      for (value, expected) in zip(states[9].x.doubles(), expected) {
        #expect(abs(value - expected) <= 1e-4 * abs(expected), "\(value), not \(expected)")
      }
    }
    run(DDIM(Self.linear, steps: 10), [1, -0.0290196, -0.00505015])
    run(
      DDIM(
        DiffusionProcess(Self.latent), steps: 10, offset: 1, bound: .none, endsClean: false),
      [5.82195, -5.0574, -0.313515])
    run(
      DDIM(
        DiffusionProcess(Self.latent.withZeroTerminalSignal, .velocity), steps: 10,
        spacing: .trailing, bound: .none),
      [0.0713464, -0.121229, -0.0510648])
  }

  @Test func `Times are spaced as published`() {
    #expect(TimeSpacing.leading.times(10, of: 1000) == (0..<10).map { 900 - 100 * $0 })
    #expect(TimeSpacing.leading.times(10, of: 1000, offset: 1).first == 901)
    #expect(TimeSpacing.trailing.times(10, of: 1000) == (0..<10).map { 999 - 100 * $0 })
    #expect(TimeSpacing.linspace.times(10, of: 1000) == (0..<10).map { 999 - 111 * $0 })
    #expect(TimeSpacing.linspace.times(1, of: 1000) == [0])
    #expect(TimeSpacing.leading.times(1000, of: 1000) == (0..<1000).reversed())
  }

  @Test(arguments: NoiseSchedule.Kind.allCases) func `DDIM with η = 1 steps as DDPM does`(
    kind: NoiseSchedule.Kind
  ) {
    let process = DiffusionProcess(NoiseSchedule(kind))
    let ancestral = DDPM(process).steps
    let implicit = DDIM(process, steps: 1000, eta: 1).steps
    for (a, b) in zip(ancestral, implicit) {
      // ε̂ = (x − a x̂₀) / s: what DDIM does with x and with x̂₀.
      let state = b.noise / b.deviation
      let clean = b.clean - state * b.signal
      #expect(a.time == b.time)
      #expect(abs(a.state - state) < 1e-9 && abs(a.clean - clean) < 1e-9, "step \(a.time)")
      #expect(abs(a.fresh - b.fresh) < 1e-12)
    }
  }

  @Test func `DDIM of a normal law is its closed form map`() {
    // N(0.5, 0.3²): every state keeps its distance from the mean, in deviations.
    let model = MixtureDenoiser(
      Self.linear, weights: Tensor([1] as [Double]),
      means: Tensor([0.5] as [Double], shape: [1, 1]),
      deviations: Tensor([0.3] as [Double]))
    let start = Tensor([-2, -0.3, 0, 1, 2.5] as [Double], shape: [5, 1])
    let power = Self.linear.schedule.signalPowers[999]
    let expected = start.doubles().map {
      0.5 + 0.3 * ($0 - 0.5 * power.squareRoot()) / (power * 0.09 + 1 - power).squareRoot()
    }
    func error(_ steps: Int) -> Double {
      let sampler = DDIM(Self.linear, steps: steps, spacing: .trailing, bound: .none)
      let x = sampler.samples(of: model, from: start, key: RandomKey(seed: 0)).last!.x.doubles()
      return zip(x, expected).map { abs($0 - $1) }.max()!
    }
    let (coarse, fine) = (error(100), error(200))
    #expect(fine < 0.03)
    #expect((1.7...2.3).contains(coarse / fine), "\(coarse), \(fine)")
  }

  @Test func `Inversion finds the noise that gives the images again`() {
    let model = Self.mixture(Self.linear)
    let images = Tensor([-1.3, -1, -0.7, 1.2, 1.5, 1.8] as [Double], shape: [6, 1])
    func error(_ steps: Int) -> Double {
      let sampler = DDIM(Self.linear, steps: steps, bound: .none)
      let key = RandomKey(seed: 0)
      let noise = sampler.inverse.samples(of: model, from: images, key: key).last!.x
      let again = sampler.samples(of: model, from: noise, key: key).last!.x
      return (again - images).abs().max().scalar
    }
    let errors = [50, 100, 200].map(error)
    #expect(errors[2] < 0.05)
    #expect(errors[0] / errors[1] > 1.5 && errors[1] / errors[2] > 1.5, "\(errors)")
  }

  @Test func `Ancestral sampling with the best network gives the data's moments`() {
    let count = 20_000
    let start = RandomKey(seed: 3).normal([count, 1])
    let sampler = DDPM(Self.linear, bound: .none)
    let last = sampler.samples(of: Self.mixture(Self.linear), from: start, key: RandomKey(seed: 4))
      .last!
    let x = last.x.doubles()
    let mean = x.reduce(0, +) / Double(count)
    let variance = x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(count)
    // Mean 0.5, variance 0.06 + 0.24 · 6.25.
    #expect(abs(mean - 0.5) < 3 * (1.56 / Double(count)).squareRoot())
    let fourth = x.map { pow($0 - mean, 4) }.reduce(0, +) / Double(count)
    let error = ((fourth - variance * variance) / Double(count)).squareRoot()
    #expect(abs(variance - 1.56) < 3 * error, "\(variance)")
    let lower = Double(x.count { $0 < 0.25 }) / Double(count)
    #expect(abs(lower - 0.4) < 3 * (0.24 / Double(count)).squareRoot())
  }

  @Test func `The same key gives the same samples, and stopping early is free`() {
    let sampler = DDPM(Self.linear, steps: 8)
    let start = RandomKey(seed: 1).normal([2, 3])
    let trajectory = sampler.samples(of: SineNetwork(), from: start, key: RandomKey(seed: 2))
    let first = trajectory.map { $0.x.bytes() }
    #expect(first == trajectory.map { $0.x.bytes() })
    let other = sampler.samples(of: SineNetwork(), from: start, key: RandomKey(seed: 3))
    #expect(first.last != other.last?.x.bytes())
    #expect(trajectory.prefix(3).map(\.time) == [875, 750, 625])
    #expect(trajectory.allSatisfy { $0.clean.abs().max().scalar <= 1 })
  }

  @Test func `Dynamic bounds scale by the quantile of each image`() {
    let images = Tensor([0, 1, 2, 4, 0, 0.1, 0.2, 2] as [Double], shape: [2, 4])
    // The quantile at 2/3 of four numbers is the third: 2, and 0.2, which counts as 1.
    let bounded = CleanBound.dynamic(ratio: 2.0 / 3, limit: 10)(images).doubles()
    let expected = [0, 0.5, 1, 1, 0, 0.1, 0.2, 1]
    #expect(zip(bounded, expected).allSatisfy { abs($0 - $1) < 1e-12 })
  }
}
