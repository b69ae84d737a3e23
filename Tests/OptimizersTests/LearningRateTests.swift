import Documents
import Foundation
import Optimizers
import Tensors
import TestSupport
import Testing

@Suite struct LearningRateFixturesTests {
  static let cases = Fixture.cases { $0["base_lr"] != nil }

  @Test(arguments: cases) func `A schedule gives the rates that PyTorch and transformers give`(
    example: Fixture.Case
  ) throws {
    let rates = try example.output().doubles()
    let base = try #require(example.fixture.config["base_lr"]?.double)
    let rate = try #require(schedule(example, base), "no schedule for \(example)")
    for (step, expected) in rates.enumerated() {
      let value = rate(step, of: rates.count)
      #expect(abs(value - expected) <= 1e-7 * base + 1e-6 * abs(expected), "step \(step): \(value)")
    }
  }

  @Test(.enabled(if: Fixture.areOwn)) func `All schedules of the reference are known`() {
    #expect(Self.cases.count >= 17)
  }

  private func schedule(_ example: Fixture.Case, _ base: Double) -> LearningRate? {
    func number(_ name: String) -> Double { example.double(name) ?? 0 }
    func whole(_ name: String, _ standard: Int = 0) -> Int { example.integer(name) ?? standard }
    let warmup = whole("num_warmup_steps")
    switch example.operation {
    case "StepLR":
      return LearningRate(base, .step(every: whole("step_size"), factor: number("gamma")))
    case "MultiStepLR":
      let places = example.integers("milestones") ?? []
      return LearningRate(base, .multiStep(at: places, factor: number("gamma")))
    case "ExponentialLR": return LearningRate(base, .exponential(factor: number("gamma")))
    case "LinearLR":
      return LearningRate(
        base, warmup: whole("total_iters"), warmupStart: number("start_factor"))
    case "ConstantLR":
      let factor = number("factor")
      return LearningRate(
        base * factor, .multiStep(at: [whole("total_iters")], factor: 1 / factor))
    case "PolynomialLR":
      return LearningRate(
        base, .polynomial(power: number("power")), steps: whole("total_iters"))
    case "CosineAnnealingLR":
      return LearningRate(base, .cosine, floor: number("eta_min"), steps: whole("T_max"))
    case "CosineAnnealingWarmRestarts":
      return LearningRate(
        base, .cosineRestarts(first: whole("T_0"), growth: whole("T_mult", 1)),
        floor: number("eta_min"))
    case "OneCycleLR":
      let isLinear = example.string("anneal_strategy") == "linear"
      return LearningRate(
        number("max_lr"),
        .oneCycle(
          rise: example.double("pct_start") ?? 0.3, isLinear: isLinear,
          hasThreePhases: example.isTrue("three_phase") == true))
    case "CyclicLR":
      let up = whole("step_size_up")
      return LearningRate(number("max_lr"), .cyclic(up: up, down: up), floor: number("base_lr"))
    case "get_constant_schedule_with_warmup": return LearningRate(base, warmup: warmup)
    case "get_linear_schedule_with_warmup": return LearningRate(base, .linear, warmup: warmup)
    case "get_cosine_schedule_with_warmup": return LearningRate(base, .cosine, warmup: warmup)
    case "get_cosine_with_hard_restarts_schedule_with_warmup":
      return LearningRate(base, .cosine(cycles: whole("num_cycles", 1)), warmup: warmup)
    case "get_polynomial_decay_schedule_with_warmup":
      return LearningRate(
        base, .polynomial(power: number("power")), warmup: warmup, floor: number("lr_end"))
    case "get_inverse_sqrt_schedule":
      return LearningRate(base, .inverseSquareRoot(scale: nil), warmup: warmup)
    default: return nil
    }
  }
}

@Suite struct LearningRateTests {
  private func decode(_ settings: String) throws -> LearningRate {
    try JSONDecoder().decode(LearningRate.self, from: Data(settings.utf8))
  }

  @Test func `Short settings are enough`() throws {
    #expect(try decode("0.01") == LearningRate(0.01))
    #expect(
      try decode(#"{"schedule": "cosine", "warmup": 100}"#)
        == LearningRate(1e-3, .cosine, warmup: 100))
    #expect(
      try decode(#"{"rate": 0.1, "schedule": "step", "every": 30}"#)
        == LearningRate(0.1, .step(every: 30, factor: 0.1)))
  }

  static let all = [
    LearningRate(0.1), LearningRate(0.1, .linear, warmup: 3, warmupStart: 0.1, steps: 50),
    LearningRate(0.1, .polynomial(power: 2), floor: 0.01), LearningRate(0.1, .cosine(cycles: 3)),
    LearningRate(0.1, .cosineRestarts(first: 5, growth: 2)),
    LearningRate(0.1, .exponential(factor: 0.9)), LearningRate(0.1, .step(every: 4, factor: 0.3)),
    LearningRate(0.1, .multiStep(at: [3, 8], factor: 0.5)),
    LearningRate(0.1, .inverseSquareRoot(scale: nil)),
    LearningRate(0.1, .inverseSquareRoot(scale: 7)), LearningRate(0.1, .trapezoid(fall: 0.25)),
    LearningRate(0.1, .oneCycle), LearningRate(0.1, .cyclic(up: 3, down: 5)),
  ]

  @Test(arguments: all) func `What is encoded is decoded again`(rate: LearningRate) throws {
    let data = try JSONEncoder().encode(rate)
    #expect(try JSONDecoder().decode(LearningRate.self, from: data) == rate)
  }

  @Test(arguments: all) func `No rate leaves the range from 0 to the highest`(rate: LearningRate) {
    for total in [1, 2, 20] {
      for step in 0..<60 { #expect((0...rate.peak + 1e-15).contains(rate(step, of: total))) }
    }
  }

  @Test func `A trapezoid holds the peak and then falls straight`() {
    let rate = LearningRate(1, .trapezoid(fall: 0.25), warmup: 2)
    #expect([0, 1, 2, 31, 32, 37, 42].map { rate($0, of: 42) } == [0, 0.5, 1, 1, 1, 0.5, 0])
  }

  @Test(arguments: [
    (#"{"schedule": "cosinus"}"#, "cosine_restarts"), (#"{"warm_up": 3}"#, "warmup"),
    (#"{"schedule": "step", "every": 0}"#, "every 0 steps"), (#"{"rate": -1}"#, "-1"),
    (#"{"rate": 1, "floor": 2}"#, "floor"), (#"{"warmup": -5}"#, "-5"),
    (#"{"schedule": "cyclic", "up": 0}"#, "rise over 0"),
    (#"{"schedule": "cosine_restarts", "first": 0}"#, "0 steps"),
    (#"{"schedule": "trapezoid", "fall": 2}"#, "2.0"), (#"{"steps": 0}"#, "0 steps"),
  ]) func `Settings that make no schedule are refused with the reason`(
    settings: String, word: String
  ) throws {
    let error = try #require(throws: DecodingError.self) { try decode(settings) }
    #expect("\(error)".contains(word))
  }
}
