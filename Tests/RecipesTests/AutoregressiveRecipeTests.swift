import Recipes
import Testing

@Suite struct AutoregressiveRecipeTests {
  @Test func `ten steps of fvsbn-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(of: FVSBNFashion.self, ["batch_size=50"])
  }

  @Test(arguments: ["nade", "made", "eonade"])
  func `ten steps of nade-fashion run, and go on where they stopped`(kind: String) throws {
    let orders = kind == "nade" ? 1 : 2
    try checkTenSteps(
      of: NADEFashion.self,
      ["kind=\(kind)", "hidden=8", "batch_size=20", "orders=\(orders)", "measured=20"])
  }

  @Test(arguments: [["levels=2", "gated=true"], ["levels=256", "gated=false"]])
  func `ten steps of pixelcnn-fashion run, and go on where they stopped`(
    choices: [String]
  ) throws {
    try checkTenSteps(
      of: PixelCNNFashion.self,
      ["channels=2", "layers=1", "batch_size=10", "measured=20"] + choices)
  }

  @Test func `ten steps of pixelcnnpp-fashion run, and go on where they stopped`() throws {
    try checkTenSteps(
      of: PixelCNNPlusPlusFashion.self,
      ["filters=2", "layers=1", "components=2", "batch_size=10", "measured=20", "dropout=0.1"])
  }

  @Test func `ten steps of pixel-transformer run, and go on where they stopped`() throws {
    try checkTenSteps(
      of: PixelTransformer.self, ["width=4", "heads=1", "layers=1", "batch_size=10", "measured=20"])
  }
}
