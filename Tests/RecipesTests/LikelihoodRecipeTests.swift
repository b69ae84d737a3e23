import Foundation
import Models
import Recipes
import Tensors
import Testing
import Training

@Suite struct LikelihoodRecipeTests {
  @Test func `ten steps of vae-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: VAEFashion.self, ["batch_size=50"])
    try checkTenSteps(of: VAEFashion.self, ["batch_size=50", "binary=true"])
    try checkTenSteps(
      of: VAEFashion.self,
      ["batch_size=50", "output=gaussian", "free_nats=0.2", "measured_draws=2"])
    try checkTenSteps(of: VAEFashion.self, ["batch_size=50", "draws=3"])
  }

  @Test func `ten steps of autoencoder-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: AutoencoderFashion.self, ["noise=0.2", "sparsity=0.01"])
    try checkTenSteps(of: AutoencoderFashion.self, ["is_linear=true", "hidden=[]"])
  }

  @Test func `ten steps of vqvae-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: VQVAEFashion.self, ["batch_size=50", "prior_width=32"])
    try checkTenSteps(
      of: VQVAEFashion.self, ["batch_size=50", "prior_width=32", "trains_codebook=true"])
  }

  @Test(arguments: VectorFlowKind.allCases.map(\.rawValue))
  func `ten steps of flow-2d run, and go on where they stopped`(_ kind: String) throws {
    try checkTenSteps(
      of: Flow2D.self,
      ["kind=\(kind)", "layers=2", "hidden=[8]", "integration_steps=2", "batch_size=64"])
  }

  @Test func `ten steps of glow-fashion run, and go on where they stopped`() throws {
    for more in [["learns_noise=true"], ["uses_logit=false"]] {
      try checkTenSteps(
        of: GlowFashion.self, ["batch_size=50", "flow_steps=1", "filters=4"] + more)
    }
  }

  @Test func `ten steps of realnvp-2d run, and go on where they stopped`() throws {
    try checkTenSteps(of: RealNVP2D.self)
  }

  @Test func `ten steps of realnvp-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: RealNVPFashion.self, ["batch_size=50", "couplings=2", "filters=8"])
  }

  @Test func `ten steps of rbm-fashion run, and go on with their chains`() throws {
    for divergence in ["persistent", "data", "mean-field"] {
      try checkTenSteps(
        of: RBMFashion.self,
        ["divergence=\(divergence)", "hidden=20", "annealing_chains=10", "temperatures=10"])
    }
  }

  @Test func `ten steps of dbm-fashion run, and go on with their chains`() throws {
    try checkTenSteps(
      of: DBMFashion.self, ["hidden=[20, 10, 5]", "annealing_chains=10", "temperatures=10"])
  }

  @Test(arguments: ["metropolis", "langevin", "mala", "hmc", "tempering"])
  func `ten steps of energy-2d run by every sampler, and go on with their chains`(sampler: String)
    throws
  {
    try checkTenSteps(
      of: Energy2D.self, ["sampler=\(sampler)", "hidden=[16]", "chains=32", "moves=3"])
  }

  @Test func `ten steps of energy-fashion run on one grid and on several, and go on`() throws {
    for grids in ["[28]", "[1, 7, 28]"] {
      try checkTenSteps(
        of: EnergyFashion.self, ["grids=\(grids)", "batch_size=16", "filters=[4, 8]", "moves=3"])
    }
  }

  @Test func `ten steps of nce-2d and score-2d run in all forms, and go on where they stopped`()
    throws
  {
    for form in ["binary", "ranking"] {
      try checkTenSteps(of: NCE2D.self, ["form=\(form)", "hidden=[16]"])
    }
    for form in ["implicit", "sliced", "denoising"] {
      try checkTenSteps(of: Score2D.self, ["form=\(form)", "hidden=[16]"])
    }
  }

  @Test func `a distribution that does not exist is refused with the names of those that do`() {
    var settings = RealNVP2D.defaults
    settings.data = "three-moons"
    let error = #expect(throws: (any Error).self) { _ = try RealNVP2D(settings) }
    #expect("\(error!)".contains("two-moons"))
  }

  @Test func `a batch has the pixels of its pictures in their order`() throws {
    let data = try RBMFashion(RBMFashion.defaults).data()
    #expect(data.training.batch([3, 5]).shape == [2, 28, 28, 1])
    #expect(data.training.batch([5]).bytes() == Array(data.training.batch([3, 5]).bytes()[784...]))
  }
}
