internal import Documents
public import Layers
public import Models
internal import Objectives
public import Tensors

/// The two towers of UniCL and Florence under the names of UniCL's files. Arguments are those of its configurations, what
/// they call `MODEL`, with the tokenizer's `VOCAB_SIZE`; the type "coswin" of the pictures' tower is Florence's.
public struct PublishedFlorence: PublishedModel {
  public var model: Florence
  /// Height and width of pictures.
  private let image: Int
  /// Tokens of this number are none; nil where texts say so themselves.
  private let padding: Int?

  public static let card = ArchitectureCard(
    "Florence", family: "vision and language", layouts: ["UniCL"],
    source: "Yuan et al., arXiv:2111.11432; UniCL: Yang et al., arXiv:2204.03610",
    sizes: [
      .init("unicl_swin_tiny", unicl("swin", 96, "[2, 2, 6, 2]", "[3, 6, 12, 24]")),
      .init("unicl_swin_base", unicl("swin", 128, "[2, 2, 18, 2]", "[4, 8, 16, 32]")),
    ])

  private static func unicl(_ type: String, _ width: Int, _ depths: String, _ heads: String)
    -> String
  {
    #"{"library": "unicl", "architecture": "UniCLModel", "arguments": {"DIM_PROJECTION": 512, "#
      + #""IMAGE_ENCODER": {"TYPE": "\#(type)", "SWIN": {"EMBED_DIM": \#(width), "#
      + #""DEPTHS": \#(depths), "NUM_HEADS": \#(heads)}}, "#
      + #""TEXT_ENCODER": {"WIDTH": 512, "HEADS": 8, "LAYERS": 12}}}"#
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "unicl" && configuration.architecture == "UniCLModel"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments.lowercased
    try arguments.refuseOthers(than: [
      "name", "dim_projection", "image_encoder", "text_encoder", "pretrained", "pretrained_layers",
      "num_classes", "label_smoothing", "resume",
    ])
    let pictures = try arguments.part("image_encoder", isOptional: true)
    let texts = try arguments.part("text_encoder", isOptional: true)
    image = try pictures.size("img_size", default: 224, atMost: 1 << 16)
    let text = try Self.text(texts)
    padding = text.isCausal ? nil : 0
    let sizes = FlorenceConfiguration(
      vision: try Self.vision(pictures, image: image), text: text,
      width: try arguments.size("dim_projection", default: 512, atMost: widest))
    model = Florence(sizes, key: key)
  }

  // MARK: Sizes

  private static func vision(_ values: ModelConfiguration, image: Int) throws(PublishedError)
    -> SwinConfiguration
  {
    let type = try values.text("type", default: "swin")
    try values.require(
      ["swin", "coswin"].contains(type), "type", "is \"\(type)\"",
      "it must be \"swin\" or \"coswin\"")
    let swin = try values.part("swin", isOptional: true)
    var sizes = SwinConfiguration(stages: try PublishedSwin.stages(swin, .tiny))
    sizes.embedding = type == "swin" ? .patches : .convolutions
    let patch = try swin.size("patch_size", default: 4, atMost: widest)
    try swin.require(
      type == "swin" || patch == 4, "patch_size", "is \(patch)",
      "the first convolution of CoSwin has a stride of 4")
    sizes.patch = [patch, patch]
    sizes.inputs = try swin.size("in_chans", default: 3, atMost: widest)
    sizes.hasQueryBias = try swin.bool("qkv_bias", default: true)
    try swin.require(!swin.has("qk_scale"), "qk_scale", "is not null", "leave it out")
    try swin.require(
      try swin.bool("patch_norm", default: true), "patch_norm", "is false", "leave it out")
    try swin.refuse("ape", "positions of patches are not supported")
    sizes.dropout = try values.rate("drop_rate")
    (sizes.innerDropout, sizes.tokenDropout) = (sizes.dropout, sizes.dropout)
    sizes.stochasticDepth = try values.rate("drop_path_rate", default: 0.1)
    let ratio = try swin.positive("mlp_ratio", default: 4)
    let window = try swin.size("window_size", default: 7)
    try swin.requireWindow([window, window])
    try values.require(
      image % patch == 0, "img_size", "is \(image)", "it must be divisible by \(patch)")
    sizes.shifting = .fixed
    var side = image / patch
    for (i, stage) in sizes.stages.enumerated() {
      try swin.require("num_heads", stage.heads, divides: "embed_dim", stage.width)
      sizes.stages[i].inner = Int(ratio * Double(stage.width))
      try swin.require(
        sizes.stages[i].inner > 0, "mlp_ratio", "leaves nothing inside", "make it larger")
      // Windows are no larger than the map, and do not move where there is but one.
      let own = min(side, window)
      sizes.stages[i].window = [own, own]
      sizes.stages[i].shift = side <= window ? [0, 0] : [window / 2, window / 2]
      try values.require(
        side % own == 0 && (side % 2 == 0 || i + 1 == sizes.stages.count), "img_size",
        "is \(image)",
        "maps must divide into windows of \(window), and by 2 before every further stage")
      side /= 2
    }
    return sizes
  }

  private static func text(_ values: ModelConfiguration) throws(PublishedError)
    -> CLIPTextConfiguration
  {
    let name = try values.text("name", default: "transformer")
    try values.require(
      name == "transformer", "name", "is \"\(name)\"", "only \"transformer\" is supported")
    let width = try values.size("width", default: 1024, atMost: widest)
    let heads = try values.size("heads", default: 16)
    try values.require("heads", heads, divides: "width", width)
    var sizes = CLIPTextConfiguration(
      vocabulary: try values.size("vocab_size", default: 49408),
      context: try values.size("context_length", default: 77, atMost: 1 << 20), width: width,
      layers: try values.size("layers", default: 12, atMost: 4096), heads: heads, inner: 4 * width)
    sizes.epsilon = 1e-12
    sizes.end = try values.text("tokenizer", default: "clip") == "clip" ? .highest : .beginning
    sizes.isCausal = try values.bool("autogressive", default: true)
    return sizes
  }

  // MARK: Names

  public var names: WeightNames {
    let stages = model.configuration.vision.stages.count
    let block = "text_encoder.resblocks.*"
    return WeightNames(
      (1..<max(stages, 2)).map {
        ("vision.layers.\($0).downsample", "image_encoder.layers.\($0 - 1).downsample")
      } + [
        ("vision", "image_encoder"), ("text.token_embedding", "text_encoder.token_embedding"),
        ("text.position_embedding.weight", "text_encoder.positional_embedding"),
        ("text.final_layer_norm", "text_encoder.ln_final"),
        ("text.blocks.*.norm1", "\(block).ln_1"), ("text.blocks.*.norm2", "\(block).ln_2"),
        ("text.blocks.*.attn.qkv.weight", "\(block).attn.in_proj_weight"),
        ("text.blocks.*.attn.qkv.bias", "\(block).attn.in_proj_bias"),
        ("text.blocks.*.attn.proj", "\(block).attn.out_proj"),
        ("text.blocks.*.mlp.fc1", "\(block).mlp.c_fc"),
        ("text.blocks.*.mlp.fc2", "\(block).mlp.c_proj"), ("text.blocks", "text_encoder.resblocks"),
        ("image_projection.weight", "image_projection"),
        ("text_projection.weight", "text_projection"),
      ])
  }

  /// The first files' names.
  public var olderNames: WeightNames {
    [
      "image_encoder": "visual", "text_encoder": "text", "image_projection": "vision_projection",
    ]
  }

  public var ignored: [String] {
    ["image_encoder", "visual"].flatMap { tower in
      ["attn.relative_position_index", "attn_mask"].map { "\(tower).layers.*.blocks.*.\($0)" }
        + ["\(tower).head"]
    }
  }

  // MARK: Use

  private func directions(_ inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> (pictures: Tensor, texts: Tensor)
  {
    let sizes = model.configuration
    let pictures = try inputs.pictures("image", channels: sizes.vision.inputs)
    guard pictures.shape[0] > 0, Array(pictures.shape[1...2]) == [image, image] else {
      throw .input(
        name: "image",
        problem: "its shape is \(inputs["image"]!.shape), but pictures have \(image) x \(image) "
          + "pixels")
    }
    let ids = try inputs.ids("input_ids", below: sizes.text.vocabulary)
    try inputs.require("input_ids", ids.shape[1], atMost: sizes.text.context)
    let mask = padding.map { padding in
      ids.equal(to: Double(padding)).not().reshaped([ids.shape[0], 1, 1, ids.shape[1]])
    }
    return (
      model.directions(pictures: pictures, phase.fork(0)),
      model.directions(texts: ids, mask: mask, phase.fork(1))
    )
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let (pictures, texts) = try directions(inputs, phase)
    return [
      "features_image": pictures, "features_text": texts, "tau": model.logScale.exp(),
      "logits": model.logits(pictures: pictures, texts: texts),
    ]
  }

  /// Of pairs; those with one label, of the input `labels`, belong together.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let (pictures, texts) = try directions(inputs, phase)
    guard pictures.shape[0] == texts.shape[0] else {
      throw .input(
        name: "input_ids",
        problem: "there are \(texts.shape[0]) texts for \(pictures.shape[0]) pictures")
    }
    let logits = model.logits(pictures: pictures, texts: texts)
    guard inputs["labels"] != nil else { return PairContrast.loss(logits) }
    let labels = try inputs.classes("labels", batch: logits.shape[0])
    return PairContrast.loss(logits, labels: labels)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

extension ModelConfiguration {
  /// The same with names in small letters, at all depths.
  fileprivate var lowercased: ModelConfiguration {
    func lowered(_ value: JSONValue) -> JSONValue {
      guard let members = value.members else { return value }
      return .object(members.map { .init($0.name.lowercased(), lowered($0.value)) })
    }
    return ModelConfiguration(lowered(values), file: file, path: "arguments.")
  }
}
