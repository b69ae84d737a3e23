import Foundation
import Recipes
import Tensors
import Testing
import Training

@Suite struct LikelihoodRecipeTests {
  @Test func `ten steps of vae-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: VAEFashion.self, ["batch_size=50"])
    try checkTenSteps(of: VAEFashion.self, ["batch_size=50", "binary=true"])
  }

  @Test func `ten steps of realnvp-2d run, and go on where they stopped`() throws {
    try checkTenSteps(of: RealNVP2D.self)
  }

  @Test func `ten steps of realnvp-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: RealNVPFashion.self, ["batch_size=50", "couplings=2", "filters=8"])
  }

  @Test func `ten steps of rbm-fashion run, and go on with their chains`() throws {
    try checkTenSteps(
      of: RBMFashion.self, ["hidden=20", "annealing_chains=10", "temperatures=10"])
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
