internal import Documents
public import Layers
public import Models
internal import Objectives
public import Tensors

/// CLIP in transformers' layout.
public struct PublishedCLIP: PublishedModel {
  public var model: CLIP

  public static let card = ArchitectureCard(
    "CLIP", family: "vision and language", layouts: ["transformers"],
    source: "Radford et al., arXiv:2103.00020",
    sizes: [
      .init("openai/clip-vit-base-patch32", #"{"architectures": ["CLIPModel"]}"#),
      .init(
        "openai/clip-vit-base-patch16",
        #"{"architectures": ["CLIPModel"], "vision_config": {"patch_size": 16}}"#),
      .init("openai/clip-vit-large-patch14", large(image: 224)),
      .init("openai/clip-vit-large-patch14-336", large(image: 336)),
    ])

  private static func large(image: Int) -> String {
    #"{"architectures": ["CLIPModel"], "projection_dim": 768, "text_config": {"hidden_size": 768, "#
      + #""intermediate_size": 3072, "num_attention_heads": 12}, "vision_config": {"#
      + #""hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "#
      + #""num_attention_heads": 16, "patch_size": 14, "image_size": \#(image)}}"#
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("clip", ["CLIPModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    func part(_ name: String) throws(PublishedError) -> ModelConfiguration {
      // Where older files have both, the longer name counts.
      try configuration.part(
        configuration.has("\(name)_dict") ? "\(name)_dict" : name, isOptional: true)
    }
    var sizes = CLIPConfiguration(
      vision: try Self.vision(try part("vision_config")),
      text: try Self.text(try part("text_config")),
      width: try configuration.size("projection_dim", default: 512, atMost: widest))
    sizes.logScale = try configuration.real("logit_scale_init_value", default: 2.6592)
    model = CLIP(sizes, key: key)
  }

  private static func vision(_ values: ModelConfiguration) throws(PublishedError)
    -> ViTConfiguration
  {
    var sizes = try ViTConfiguration.transformers(
      values, patch: 32, activation: .quickGELU, epsilon: 1e-5)
    for (name, size) in [("image_size", sizes.image), ("patch_size", sizes.patch)] {
      try values.require(size[0] == size[1], name, "is \(size)", "give one size")
    }
    sizes.attentionDropout = try values.rate("attention_dropout")
    return sizes
  }

  private static func text(_ values: ModelConfiguration) throws(PublishedError)
    -> CLIPTextConfiguration
  {
    let width = try values.size("hidden_size", default: 512, atMost: widest)
    let heads = try values.size("num_attention_heads", default: 8)
    try values.require("num_attention_heads", heads, divides: "hidden_size", width)
    var sizes = CLIPTextConfiguration(
      vocabulary: try values.size("vocab_size", default: 49408),
      context: try values.size("max_position_embeddings", default: 77, atMost: 1 << 20),
      width: width, layers: try values.size("num_hidden_layers", default: 12, atMost: 4096),
      heads: heads, inner: try values.size("intermediate_size", default: 2048, atMost: 1 << 20))
    sizes.activation = try values.activation("hidden_act", default: .quickGELU)
    sizes.epsilon = try values.epsilon("layer_norm_eps", default: 1e-5)
    sizes.attentionDropout = try values.rate("attention_dropout")
    let end = try values.integer("eos_token_id", default: 49407)
    // The first files name the wrong number; their end has the highest.
    sizes.end = end == 2 ? .highest : .first(end)
    return sizes
  }

  public var names: WeightNames {
    [
      "vision.cls_token": "vision_model.embeddings.class_embedding",
      "vision.pos_embed": "vision_model.embeddings.position_embedding.weight",
      "vision.patch_embed.proj": "vision_model.embeddings.patch_embedding",
      "vision.norm_pre": "vision_model.pre_layrnorm",
      "vision.fc_norm": "vision_model.post_layernorm",
      "*.blocks.*.norm1": "*_model.encoder.layers.*.layer_norm1",
      "*.blocks.*.norm2": "*_model.encoder.layers.*.layer_norm2",
      "*.blocks.*.attn.proj": "*_model.encoder.layers.*.self_attn.out_proj",
      "*.blocks.*.attn": "*_model.encoder.layers.*.self_attn",
      "*.blocks": "*_model.encoder.layers",
      "text.token_embedding": "text_model.embeddings.token_embedding",
      "text.position_embedding": "text_model.embeddings.position_embedding",
      "text": "text_model",
    ]
  }

  public var ignored: [String] { ["*.embeddings.position_ids"] }

  private func embedded(_ inputs: ModelInputs, _ phase: Phase, pairs: Bool = false)
    throws(PublishedError) -> (pictures: CLIP.Embedded, texts: CLIP.Embedded)
  {
    let sizes = model.configuration
    var pictures = try inputs.pictures("pixel_values", channels: sizes.vision.inputs)
    guard pictures.shape[0] > 0, Array(pictures.shape[1...2]) == sizes.vision.image else {
      throw .input(
        name: "pixel_values",
        problem: "its shape is \(inputs["pixel_values"]!.shape), but pictures have "
          + "\(sizes.vision.image[0]) x \(sizes.vision.image[1]) pixels")
    }
    var ids = try inputs.ids("input_ids", below: sizes.text.vocabulary)
    try inputs.require("input_ids", ids.shape[1], atMost: sizes.text.context)
    var mask = try inputs.padding("attention_mask", like: ids)
    var places =
      inputs["position_ids"] == nil
      ? nil : try inputs.ids("position_ids", below: sizes.text.context, like: ids)
    if pairs {
      let count = min(ids.shape[0], pictures.shape[0])
      pictures = pictures.sliced(0, 0..<count)
      ids = ids.sliced(0, 0..<count)
      mask = mask?.sliced(0, 0..<count)
      places = places?.sliced(0, 0..<count)
    }
    return (
      model.embedded(pictures: pictures, phase.fork(0)),
      model.embedded(texts: ids, mask: mask, places: places, phase.fork(1))
    )
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let (pictures, texts) = try embedded(inputs, phase)
    let logits = model.logits(texts: texts.direction, pictures: pictures.direction)
    return [
      "image_embeds": pictures.direction, "text_embeds": texts.direction,
      "logits_per_text": logits, "logits_per_image": logits.transposed(),
      "text_model_output.last_hidden_state": texts.states,
      "text_model_output.pooler_output": texts.projected,
      "vision_model_output.last_hidden_state": pictures.states,
      "vision_model_output.pooler_output": pictures.projected,
    ]
  }

  /// Of the pictures and as many of the first texts.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let (pictures, texts) = try embedded(inputs, phase, pairs: true)
    return PairContrast.loss(
      model.logits(texts: texts.direction, pictures: pictures.direction))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
