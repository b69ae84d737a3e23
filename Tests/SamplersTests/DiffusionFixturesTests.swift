import Documents
import Layers
import Models
import Samplers
import Tensors
import TestSupport
import Testing

/// DDPM and DDIM against diffusers: the scheduler alone, fed with what the model said there, and both together.
@Suite struct DiffusionFixturesTests {
  static let cases = Fixture.cases {
    ["DDPMScheduler", "DDIMScheduler"].contains($0["architecture"]?.string)
  }

  @Test(.enabled(if: Fixture.areOwn)) func `All cases of the reference are known`() {
    #expect(Self.cases.count >= 25)
  }

  @Test(arguments: cases) func `Steps and noised images are those of the reference`(
    example: Fixture.Case
  ) throws {
    let sampler = try sampler(example)
    #expect(
      try sampler.steps.map { Double($0.time) } == example.output("timesteps").doubles())
    let outputs = try example.output("model_output")
    let trajectory = try example.output("trajectory")
    var draws = 0
    for (i, step) in sampler.steps.enumerated() {
      let noise = step.fresh == 0 ? nil : try example.input("noise").element(0, draws)
      if noise != nil { draws += 1 }
      let x = trajectory.element(0, i)
      let next = sampler.advanced(x, outputs.element(0, i), step, noise: noise).next
      try expectClose(next, trajectory.element(0, i + 1), 2e-5, "\(example), step \(i)")
    }
    let noised = try sampler.process.noised(
      example.input("add_noise.sample"), with: example.input("add_noise.noise"),
      at: example.input("add_noise.timesteps").cast(to: .int32))
    try expectClose(noised, example.output("add_noise"), 1e-5, "\(example), noised")
  }

  @Test(arguments: cases) func `With the exact model the whole trajectory is the reference's`(
    example: Fixture.Case
  ) throws {
    let sampler = try sampler(example)
    func mixture(_ name: String) throws -> Tensor {
      try #require(example.fixture["input.mixture." + name])
    }
    let model = try MixtureDenoiser(
      sampler.process, weights: mixture("weights"), means: mixture("means"),
      deviations: mixture("deviations"))
    let trajectory = try example.output("trajectory")
    var x = trajectory.element(0, 0).cast(to: .float64)
    var draws = 0
    for (i, step) in sampler.steps.enumerated() {
      let time = Tensor([Int32](repeating: Int32(step.time), count: x.shape[0]))
      let noise =
        step.fresh == 0
        ? nil : try example.input("noise").element(0, draws).cast(to: .float64)
      if noise != nil { draws += 1 }
      x = sampler.advanced(x, model(x, at: time), step, noise: noise).next
      try expectClose(x, trajectory.element(0, i + 1), 5e-5, "\(example), step \(i)")
    }
  }

  private func expectClose(
    _ x: Tensor, _ expected: Tensor, _ tolerance: Double, _ place: String
  ) throws {
    let (a, b) = (x.doubles(), expected.doubles())
    try #require(a.count == b.count)
    let error = zip(a, b).map { abs($0 - $1) }.max() ?? 0
    let largest = b.map(abs).max() ?? 0
    #expect(error <= tolerance * largest, "\(place): off by \(error) of \(largest)")
  }

  private func sampler(_ example: Fixture.Case) throws -> any DiffusionSampler {
    let config = try #require(example.config["config"])
    func number(_ name: String) throws -> Double { try #require(config[name]?.double) }
    func isTrue(_ name: String) -> Bool { config[name]?.bool == true }
    let kind = try #require(config["beta_schedule"]?.string.flatMap(NoiseSchedule.Kind.init))
    var schedule = try NoiseSchedule(
      kind, steps: Int(number("num_train_timesteps")),
      range: number("beta_start")...number("beta_end"))
    if isTrue("rescale_betas_zero_snr") { schedule = schedule.withZeroTerminalSignal }
    let prediction = config["prediction_type"]?.string.flatMap(Parameterisation.init)
    let process = DiffusionProcess(schedule, try #require(prediction))
    let spacing = try #require(config["timestep_spacing"]?.string.flatMap(TimeSpacing.init))
    let steps = try #require(example.config["num_inference_steps"]?.integer)
    let offset = try Int(number("steps_offset"))
    let bound: CleanBound =
      if isTrue("thresholding") {
        try .dynamic(ratio: number("dynamic_thresholding_ratio"), limit: number("sample_max_value"))
      } else if isTrue("clip_sample") {
        try .clipped(number("clip_sample_range"))
      } else {
        .none
      }
    if example.fixture.config["architecture"]?.string == "DDPMScheduler" {
      let isLarge = config["variance_type"]?.string == "fixed_large"
      return DDPM(
        process, steps: steps, spacing: spacing, offset: offset,
        variance: isLarge ? .large : .small, bound: bound)
    }
    let arguments = example.config["step_arguments"]
    return DDIM(
      process, steps: steps, spacing: spacing, offset: offset,
      eta: arguments?["eta"]?.double ?? 0, bound: bound,
      boundsNoise: arguments?["use_clipped_model_output"]?.bool == true,
      endsClean: isTrue("set_alpha_to_one"))
  }
}
