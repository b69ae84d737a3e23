public import Training

/// All recipes by family, in the order of the survey: what `apus train NAME` knows.
public enum Recipes {
  public static let all: [any Recipe.Type] = [
    LSTMText.self,
    GRUTestament.self,
    LSTMTranslate.self,
    Seq2SeqTranslate.self,
    TransformerTranslate.self,
    GPTText.self,
    ResNetFashion.self,
    Classify.self,
    Finetune.self,
    FVSBNFashion.self,
    NADEFashion.self,
    PixelCNNFashion.self,
    PixelCNNPlusPlusFashion.self,
    PixelTransformer.self,
    AutoencoderFashion.self,
    VAEFashion.self,
    VQVAEFashion.self,
    Flow2D.self,
    RealNVP2D.self,
    RealNVPFashion.self,
    GlowFashion.self,
    RBMFashion.self,
    DBMFashion.self,
    Energy2D.self,
    EnergyFashion.self,
    NCE2D.self,
    Score2D.self,
    GAN2D.self,
    DCGANFashion.self,
    StyleGANFashion.self,
    DDPMFashion.self,
  ]

  /// Those that `apus gallery` trains unless others are named: a minute for each must show something.
  public static let gallery: [any Recipe.Type] = [
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
