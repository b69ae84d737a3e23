import Layers
import Recipes
import Tensors
import Testing
import Training
import XLA

/// Twenty training steps of every recipe on a plugin are those on the CPU, as far as rounding allows.
@Suite(.ifPluginIsInstalled, .serialized) struct RecipeStepTests {
  /// Expects equal losses to `tolerance` of their size, and almost equal ones at the first step.
  private func check<R: Recipe>(
    _ type: R.Type, tolerance: Double, _ change: (inout R.Settings) -> Void
  ) throws {
    var settings = R.defaults
    settings.steps = 20
    change(&settings)
    let recipe = try R(settings)
    let data = try recipe.data()
    let step = compiled { (state: inout R.State, input: Pair<R.Data.Batch, RandomKey>) in
      recipe.step(&state, input.first, input.second)
    }
    func losses(on device: Device) throws -> [Double] {
      var state = recipe.start(data, RandomKey(seed: 1))
      return try (0..<20).map { number in
        recipe.prepare(&state, step: number)
        let indices = (0..<settings.batchSize).map {
          (number * settings.batchSize + $0) % data.training.count
        }
        let input = Pair(data.training.batch(indices), RandomKey(seed: UInt64(number)))
        let result = try step(&state, input, on: device)
        return try #require(result["loss"]).scalar
      }
    }
    let (here, there) = (try losses(on: .cpu), try losses(on: .xla(plugin: "cpu")))
    for (i, (a, b)) in zip(here, there).enumerated() {
      let allowed = (i == 0 ? 1e-4 : tolerance) * max(1, abs(a))
      #expect(abs(a - b) <= allowed, "step \(i): \(b), on the CPU \(a)")
    }
  }

  @Test func `lstm-text`() throws {
    try check(LSTMText.self, tolerance: 2e-3) { ($0.batchSize, $0.length, $0.width) = (4, 16, 48) }
  }

  @Test func `gpt-text`() throws {
    try check(GPTText.self, tolerance: 2e-3) {
      ($0.batchSize, $0.length, $0.width, $0.layers, $0.heads) = (4, 16, 48, 2, 4)
      $0.vocabulary = 300
    }
  }

  @Test func `resnet-fashion`() throws {
    try check(ResNetFashion.self, tolerance: 2e-2) {
      ($0.batchSize, $0.layers, $0.widths) = (16, [1, 1], [8, 16])
    }
  }

  @Test func `vae-fashion`() throws {
    try check(VAEFashion.self, tolerance: 2e-3) { ($0.batchSize, $0.hidden) = (16, 32) }
  }

  @Test func `realnvp-2d`() throws {
    try check(RealNVP2D.self, tolerance: 2e-3) {
      ($0.batchSize, $0.couplings, $0.hidden) = (64, 4, [16])
    }
  }

  @Test func `realnvp-fashion`() throws {
    try check(RealNVPFashion.self, tolerance: 5e-3) {
      ($0.batchSize, $0.couplings, $0.filters) = (4, 2, 8)
    }
  }

  // A probability within rounding of its threshold flips a unit of a chain.
  @Test func `rbm-fashion`() throws {
    try check(RBMFashion.self, tolerance: 2e-2) {
      ($0.batchSize, $0.hidden, $0.chains) = (20, 50, 20)
    }
  }

  @Test func `ddpm-fashion`() throws {
    try check(DDPMFashion.self, tolerance: 5e-3) { ($0.batchSize, $0.widths) = (8, [8, 16]) }
  }
}
