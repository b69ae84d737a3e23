import Foundation
import Layers
import Models
import Tensors
import Testing

private func isNear(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
  abs(a - b) <= tolerance * max(abs(b), 1e-3)
}

@Suite struct DiffusionProcessTests {
  static let latent = NoiseSchedule(.scaledLinear, range: 0.00085...0.012)

  @Test func `Schedules have the published signal powers`() {
    let linear = NoiseSchedule(.linear)
    let cosine = NoiseSchedule(.cosine)
    #expect(isNear(linear.signalPowers[999], 4.0358e-5, 2e-5))
    #expect(isNear(Self.latent.signalPowers[999], 4.66010e-3, 2e-6))
    #expect(abs(cosine.signalPowers[999] - 2.4288e-9) < 1e-13)
    #expect(isNear(linear.signalPowers[499], 0.078587, 1e-5))
    #expect(isNear(cosine.signalPowers[499], 0.493844, 2e-6))
    let powers = Self.latent.signalPowers
    #expect(isNear(((1 - powers[999]) / powers[999]).squareRoot(), 14.61464, 1e-6))
    #expect(isNear(((1 - powers[0]) / powers[0]).squareRoot(), 0.0291672, 2e-6))
    #expect(cosine.betas.max() == 0.999)
    #expect(isNear(linear.betas[0], 1e-4) && isNear(linear.betas[999], 0.02))
  }

  @Test func `A stretched schedule ends in noise alone and begins as before`() {
    let schedule = Self.latent.withZeroTerminalSignal
    #expect(schedule.signalPowers[999] == 0 && schedule.betas[999] == 1)
    #expect(isNear(schedule.signalPowers[0], Self.latent.signalPowers[0]))
    var power = 1.0
    for (beta, expected) in zip(schedule.betas, schedule.signalPowers) {
      power *= 1 - beta
      #expect(abs(power - expected) < 1e-12)
    }
  }

  @Test(arguments: NoiseSchedule.Kind.allCases) func `Signal powers fall from step to step`(
    kind: NoiseSchedule.Kind
  ) {
    for steps in [1, 2, 50, 1000] {
      let powers = NoiseSchedule(kind, steps: steps).signalPowers
      #expect(zip(powers, powers.dropFirst()).allSatisfy { $0 > $1 })
      #expect(powers[0] < 1 && powers[steps - 1] > 0)
    }
  }

  /// Bayes: N(x_{t−1}; √ᾱ' x₀, 1 − ᾱ') · N(x_t; √α x_{t−1}, β) as a law of x_{t−1}.
  @Test(arguments: [(1, 0), (500, 499), (999, 998), (700, 300), (999, 0), (0, -1)])
  func `The posterior is that of Bayes on normal laws`(time: Int, earlier: Int) {
    for kind in NoiseSchedule.Kind.allCases {
      let schedule = NoiseSchedule(kind)
      let posterior = DiffusionProcess(schedule).posterior(from: time, to: earlier)
      let (here, before) = (schedule.signalPower(time), schedule.signalPower(earlier))
      let alpha = here / before
      guard before < 1 else {
        #expect(isNear(posterior.clean, 1) && posterior.state == 0 && posterior.variance == 0)
        continue
      }
      let precision = 1 / (1 - before) + alpha / (1 - alpha)
      let tolerance = 1e-9  // of 1 − α by subtraction
      #expect(isNear(posterior.variance, 1 / precision, tolerance))
      #expect(
        isNear(posterior.clean, before.squareRoot() / (1 - before) / precision, tolerance))
      #expect(isNear(posterior.state, alpha.squareRoot() / (1 - alpha) / precision, tolerance))
    }
  }

  @Test(arguments: NoiseSchedule.Kind.allCases) func `Steps one after another are the marginal`(
    kind: NoiseSchedule.Kind
  ) {
    let schedule = NoiseSchedule(kind)
    var (scale, variance) = (1.0, 0.0)
    for time in 0..<schedule.count {
      scale *= (1 - schedule.betas[time]).squareRoot()
      variance = variance * (1 - schedule.betas[time]) + schedule.betas[time]
      #expect(isNear(scale * scale, schedule.signalPowers[time], 1e-9))
      #expect(isNear(variance, 1 - schedule.signalPowers[time], 1e-9))
    }
  }

  @Test(arguments: Parameterisation.allCases) func `Image and noise come back from any prediction`(
    kind: Parameterisation
  ) {
    let process = DiffusionProcess(NoiseSchedule(.cosine), kind)
    let clean = RandomKey(seed: 1).normal([3, 2, 2], .float64)
    let noise = RandomKey(seed: 2).normal([3, 2, 2], .float64)
    let time = Tensor([0, 400, 900] as [Int32])
    let (a, s) = process.scales(at: time, like: clean)
    #expect(a.shape == [3, 1, 1])
    let x = process.noised(clean, with: noise, at: time)
    let output = kind.target(clean: clean, noise: noise, signal: a, deviation: s)
    let errors = [
      kind.clean(from: output, at: x, signal: a, deviation: s) - clean,
      kind.noise(from: output, at: x, signal: a, deviation: s) - noise,
    ]
    for error in errors { #expect(error.abs().max().scalar < 1e-12) }
  }
}
