import Recipes
import Testing

@Suite struct ImageRecipeTests {
  @Test func `ten steps of resnet-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: ResNetFashion.self, ["batch_size=50", "widths=[4, 8]", "layers=[1, 1]"])
  }

  @Test func `ten steps of ddpm-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(
      of: DDPMFashion.self, ["batch_size=20", "widths=[8, 8]", "sampling_steps=7"])
  }
}
