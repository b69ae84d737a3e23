internal import Documents

/// The networks that folders of published weights can hold.
public enum Architectures {
  /// In the order of `apus models`.
  public static let all: [any PublishedModel.Type] = [
    PublishedAlexNet.self, PublishedGoogLeNet.self, PublishedInceptionV3.self, PublishedResNet.self,
    PublishedDenseNet.self, PublishedEfficientNet.self,
    PublishedViT.self, PublishedSwin.self, PublishedDeiT.self, PublishedCaiT.self,
    PublishedT2TViT.self, PublishedMTCNN.self,
    PublishedBART.self, PublishedBERT.self, PublishedGPT1.self, PublishedGPT2.self,
    PublishedGPTNeo.self, PublishedImageGPT.self, PublishedLlama.self, PublishedMASS.self,
    PublishedMarian.self, PublishedProphetNet.self, PublishedQwen2.self, PublishedT5.self,
    PublishedPronunciation.self, PublishedSileroVAD.self, PublishedVoiceEncoder.self,
    PublishedMAE.self, PublishedCLIP.self, PublishedALIGN.self, PublishedFlorence.self,
    PublishedFlorence2.self, PublishedDiscreteAutoencoder.self, PublishedDALLE.self,
  ]

  /// The architecture of a configuration.
  public static func architecture(of configuration: ModelConfiguration) throws(PublishedError)
    -> any PublishedModel.Type
  {
    if let type = all.first(where: { $0.reads(configuration) }) { return type }
    throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
  }
}

extension ModelConfiguration {
  /// What the file calls its network: transformers' `architectures` or `model_type`, diffusers' `_class_name`, timm's and
  /// torchvision's `architecture`.
  public var architecture: String {
    values["architectures"]?.elements?.first?.string ?? values["_class_name"]?.string
      ?? values["architecture"]?.string ?? values["model_type"]?.string ?? ""
  }

  /// The library that wrote the file: "transformers", "diffusers", or what the file itself says, such as "timm".
  public var library: String {
    if let library = values["library"]?.string { return library }
    if has("_class_name") { return "diffusers" }
    return has("model_type") || has("architectures") ? "transformers" : "timm"
  }

  /// The arguments of the constructor that timm's and torchvision's files give.
  public var arguments: ModelConfiguration {
    get throws(PublishedError) {
      try part(has("model_args") ? "model_args" : "arguments", isOptional: true)
    }
  }
}
