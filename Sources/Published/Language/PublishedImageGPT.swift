internal import Layers
public import Models
public import Tensors

/// ImageGPT in transformers' layout: pictures as sequences of colours.
public struct PublishedImageGPT: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "ImageGPT", family: "language", layouts: ["transformers"],
    source: "Chen et al. 2020, Generative pretraining from pixels",
    sizes: [("small", 512, 24), ("medium", 1024, 36), ("large", 1536, 48)].map {
      name, width, layers in
      .init(
        "imagegpt-\(name)",
        #"{"model_type": "imagegpt", "n_embd": \#(width), "n_layer": \#(layers), "n_head": 8, "#
          + #""tie_word_embeddings": false}"#)
    })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers(
      "imagegpt", ["ImageGPTForCausalImageModeling", "ImageGPTModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    // 512 colours and a token that starts a picture and never comes out.
    var sizes = try configuration.gptSizes(
      vocabulary: 513, context: 1024, activation: .quickGELU)
    sizes.norm = .rms
    sizes.head = .own(sizes.vocabulary - 1)
    if configuration.architecture == "ImageGPTModel" {
      sizes.head = .none
    } else if try configuration.bool("tie_word_embeddings", default: false) {
      sizes.head = .tied
    }
    try configuration.require(
      sizes.vocabulary > 1, "vocab_size", "is 1", "there must be a colour beside the start")
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames { .gpt }
  public var optionalPrefix: String { "transformer." }
  public var ignored: [String] { .gptMasks + model.configuration.tiedHead }
}
