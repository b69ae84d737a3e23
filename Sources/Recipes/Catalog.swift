public import Training

/// All recipes by family, in the order of the survey: what `apus train NAME` knows.
public enum Recipes {
  public static let all: [any Recipe.Type] = [
    LSTMText.self,
    GPTText.self,
    ResNetFashion.self,
    VAEFashion.self,
    RealNVP2D.self,
    RealNVPFashion.self,
    RBMFashion.self,
    DDPMFashion.self,
  ]
}
