internal import Documents
public import Layers
public import Models
public import Tensors

/// Masked autoencoders in transformers' layout (ViT-MAE). The input `noise` chooses the patches.
public struct PublishedMAE: PublishedModel {
  public var model: MAE
  public let names: WeightNames

  public static let card = ArchitectureCard(
    "MAE", family: "vision", layouts: ["transformers"], source: "He et al., arXiv:2111.06377",
    sizes: [
      .init("facebook/vit-mae-base", #"{"architectures": ["ViTMAEForPreTraining"]}"#),
      .init(
        "facebook/vit-mae-large",
        #"{"architectures": ["ViTMAEForPreTraining"], "hidden_size": 1024, "#
          + #""num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}"#),
      .init(
        "facebook/vit-mae-huge",
        #"{"architectures": ["ViTMAEForPreTraining"], "hidden_size": 1280, "patch_size": 14, "#
          + #""num_hidden_layers": 32, "num_attention_heads": 16, "intermediate_size": 5120}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("vit_mae", ["ViTMAEForPreTraining", "ViTMAEModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let encoder = try ViTConfiguration.transformers(configuration)
    try configuration.require(
      encoder.width % 4 == 0, "hidden_size", "is \(encoder.width)",
      "fixed positions need a multiple of 4")
    try configuration.require(
      encoder.image[0] == encoder.image[1], "image_size", "is \(encoder.image)",
      "pictures must be square")
    try configuration.require(
      encoder.patch[0] == encoder.patch[1], "patch_size", "is \(encoder.patch)",
      "patches must be square")
    try configuration.require(
      "patch_size", encoder.patch[0], divides: "image_size", encoder.image[0])
    var sizes = MAEConfiguration(encoder: encoder)
    if configuration.architecture != "ViTMAEModel" {
      sizes.decoder = try Self.decoder(configuration, encoder)
    }
    sizes.maskRatio = try configuration.real("mask_ratio", default: 0.75)
    try configuration.require(
      0 <= sizes.maskRatio && sizes.maskRatio <= 1, "mask_ratio", "is \(sizes.maskRatio)",
      "it must lie between 0 and 1")
    sizes.normalisesPixels = try configuration.bool("norm_pix_loss", default: false)
    model = MAE(sizes, key: key)
    let decoder = ViTNames.transformersBlocks(
      "decoder.decoder_blocks", "decoder.decoder_encoder.layer")
    names = WeightNames(decoder)
      .then(ViTNames.transformers("vit", layers: encoder.layers, within: "encoder."))
  }

  private static func decoder(_ values: ModelConfiguration, _ encoder: ViTConfiguration)
    throws(PublishedError) -> ViTConfiguration
  {
    var sizes = encoder
    sizes.headWidth = nil
    sizes.width = try values.size("decoder_hidden_size", default: 512, atMost: widest)
    sizes.heads = try values.size("decoder_num_attention_heads", default: 16)
    sizes.layers = try values.size("decoder_num_hidden_layers", default: 8, atMost: 4096)
    sizes.inner = try values.size("decoder_intermediate_size", default: 2048, atMost: 1 << 20)
    try values.require(
      "decoder_num_attention_heads", sizes.heads, divides: "decoder_hidden_size", sizes.width)
    try values.require(
      sizes.width % 4 == 0, "decoder_hidden_size", "is \(sizes.width)",
      "fixed positions need a multiple of 4")
    return sizes
  }

  public var optionalPrefix: String { "vit." }

  /// Files before version 5.
  public var olderNames: WeightNames {
    ["decoder.decoder_encoder.layer": "decoder.decoder_layers"]
  }

  private func run(_ inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> (pictures: Tensor, pass: MAE.Pass)
  {
    let sizes = model.configuration.encoder
    let pictures = try inputs.pictures("pixel_values", channels: sizes.inputs)
    guard pictures.shape[0] > 0, Array(pictures.shape[1...2]) == sizes.image else {
      throw .input(
        name: "pixel_values",
        problem: "its shape is \(inputs["pixel_values"]!.shape), but pictures have "
          + "\(sizes.image[0]) x \(sizes.image[1]) pixels")
    }
    let batch = pictures.shape[0]
    let noise: Tensor
    if inputs["noise"] == nil, case .training(let key) = phase {
      noise = model.noise(batch: batch, key.fork(-1))
    } else {
      noise = try inputs("noise", rank: 2)
      guard noise.shape == [batch, model.configuration.patches] else {
        throw .input(
          name: "noise",
          problem: "its shape is \(noise.shape) instead of \([batch, model.configuration.patches])")
      }
    }
    return (pictures, model(pictures, noise: noise, phase))
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let recorded = Recording.of { Result { () throws(PublishedError) in try run(inputs, phase) } }
    let (pictures, pass) = try recorded.result.get()
    var outputs = ["mask": pass.mask, "ids_restore": pass.restoring.cast(to: .int64)]
    for (name, value) in recorded.values {
      outputs[names(name)] = value.rank == 4 ? value.channelsLeading : value
    }
    if let pixels = pass.pixels {
      outputs["logits"] = pixels
      outputs["loss"] = model.loss(pass, pictures)
    }
    outputs["last_hidden_state"] = pass.tokens
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    guard model.decoder != nil else {
      throw .input(name: "pixel_values", problem: "without a decoder there is nothing to minimise")
    }
    let (pictures, pass) = try run(inputs, phase)
    return model.loss(pass, pictures)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
