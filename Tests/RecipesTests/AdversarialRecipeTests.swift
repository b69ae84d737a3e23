import Layers
import Objectives
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite struct AdversarialRecipeTests {
  @Test(arguments: AdversarialLoss.allCases)
  func `ten steps of gan-2d run, and go on where they stopped`(loss: AdversarialLoss) throws {
    try checkTenSteps(
      of: GAN2D.self,
      ["loss=\(loss.rawValue)", "hidden=[16]", "critic_steps=2", "r1=0.1", "r1_every=3"])
  }

  @Test func `ten steps of gan-2d with spectral norms and data without modes run`() throws {
    try checkTenSteps(
      of: GAN2D.self,
      ["loss=hinge", "hidden=[16, 16]", "spectral_norm=true", "data=two-moons", "critic_steps=1"])
  }

  private static let small = [
    "batch_size=8", "filters=[4, 6]", "feature_steps=2", "evaluated=20", "latents=5",
  ]

  @Test(arguments: [
    ["loss=non_saturating"], ["loss=hinge", "spectral_norm=true", "conditional=true"],
    ["loss=wgan_gp", "critic_steps=2"], ["r1=1", "r1_every=4", "conditional=true"],
  ])
  func `ten steps of dcgan-fashion run, and go on where they stopped`(
    assignments: [String]
  ) throws {
    try checkTenSteps(of: DCGANFashion.self, Self.small + assignments)
  }

  @Test func `ten steps of stylegan-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(
      of: StyleGANFashion.self,
      [
        "batch_size=8", "widths=[6, 4]", "latents=5", "style_width=6", "mapping_layers=2",
        "feature_steps=2", "evaluated=20",
      ])
  }

  @Test func `the generator's step leaves the critic's statistics alone, and the other way round`()
    throws
  {
    var settings = DCGANFashion.defaults
    (settings.filters, settings.batchSize, settings.latents) = ([4, 6], 8, 5)
    func counts(_ rounds: Int) throws -> (critic: [Double], generator: [Double]) {
      settings.criticSteps = rounds
      let recipe = try DCGANFashion(settings)
      let data = try recipe.data()
      var state = recipe.start(data, RandomKey(seed: 1))
      recipe.prepare(&state, step: 0)
      _ = recipe.step(&state, data.training.batch(Array(0..<8)), RandomKey(seed: 2))
      func seen(_ module: some Module) -> [Double] {
        module.leaves.filter { $0.name.hasSuffix("num_batches_tracked") }.map(\.tensor.scalar)
      }
      return (seen(state.critic), seen(state.generator))
    }
    // Two passes a round, of data and of fakes; one pass of the generator's own.
    let (one, three) = (try counts(1), try counts(3))
    #expect(one.critic == [2] && one.generator == [1, 1])
    #expect(three.critic == [6] && three.generator == [1, 1])
  }

  @Test func `every round of a step has its own items, and an epoch has them all`() {
    let numbers = Examples(12) { Tensor($0.map { Int32($0) }) }
    let rounds = DataSplit(training: numbers, heldOut: numbers).inRounds(3)
    #expect(rounds.training.count == 4 && rounds.heldOut.count == 12)
    #expect(rounds.training.batch([0, 2]).shape == [3, 2])
    #expect(rounds.training.batch([0, 2]).integers() == [0, 6, 1, 7, 2, 8])
    #expect(Set(rounds.training.batch([0, 1, 2, 3]).integers()) == Set(0..<12))
  }

  @Test func `weights of a clipped critic stay within their bound`() throws {
    var settings = GAN2D.defaults
    (settings.loss, settings.hidden, settings.clip) = (.wgan, [16], 0.02)
    let recipe = try GAN2D(settings)
    let data = recipe.data()
    var state = recipe.start(data, RandomKey(seed: 1))
    recipe.prepare(&state, step: 0)
    _ = recipe.step(&state, data.training.batch(Array(0..<32)), RandomKey(seed: 2))
    let bounds = state.critic.tensors.map { $0.abs().max().scalar }
    #expect(bounds.allSatisfy { $0 <= 0.0200001 } && bounds.contains { $0 > 0.0199 })
    #expect(state.generator.tensors.contains { $0.abs().max().scalar > 0.05 })
  }
}
