internal import Documents
public import Layers
public import Models
public import Tensors

/// Swin Transformers in torchvision's, timm's and transformers' layouts.
public struct PublishedSwin: PublishedModel {
  public var model: Swin
  public let names: WeightNames
  public let olderNames: WeightNames
  public let ignored: [String]
  public let optionalPrefix: String
  private let library: String
  /// The only size of pictures; nil where there are others.
  private let image: [Int]?
  /// Where transformers wrote the file.
  private let labels: LabelledClasses?

  public static let card = ArchitectureCard(
    "Swin", family: "vision", layouts: ["torchvision", "timm", "transformers"],
    source: "Liu et al., arXiv:2103.14030",
    sizes: ["swin_t", "swin_s", "swin_b"].map { .init($0, PublishedViT.config("torchvision", $0)) }
      + [
        "swin_base_patch4_window12_384", "swin_large_patch4_window7_224",
        "swin_large_patch4_window12_384",
      ].map { .init($0, PublishedViT.config("timm", $0)) })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let name = configuration.architecture
    return switch configuration.library {
    case "torchvision": name == "SwinTransformer" || torchvisionSizes[name] != nil
    case "timm": name == "SwinTransformer" || timmSizes(name) != nil
    default: ["SwinForImageClassification", "SwinModel", "swin"].contains(name)
    }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    library = configuration.library
    let sizes: SwinConfiguration
    switch library {
    case "torchvision":
      sizes = try Self.torchvision(configuration)
      (image, labels) = (nil, nil)
      names = Self.torchvisionNames(stages: sizes.stages.count)
    case "timm":
      (sizes, image) = try Self.timm(configuration)
      labels = nil
      names = ["head": "head.fc", "pooled": "head.global_pool"]
    default:
      sizes = try Self.transformers(configuration)
      (image, labels) = (nil, try LabelledClasses(configuration))
      names = Self.transformersNames(stages: sizes.stages.count)
    }
    let isTransformers = labels != nil
    olderNames = isTransformers ? Self.otherTransformersNames : [:]
    optionalPrefix = isTransformers ? "swin." : ""
    ignored =
      isTransformers
      ? ["swin.", ""].map {
        "\($0)encoder.layers.*.blocks.*.attention.self.relative_position_index"
      }
      : ["features.*.*.attn.relative_position_index"]
    model = Swin(sizes, key: key)
  }

  // MARK: Names

  private static func torchvisionNames(stages: Int) -> WeightNames {
    var rules = [
      ("patch_embed.proj", "features.0.0"), ("patch_embed.norm", "features.0.2"),
      ("patch_embed", "features.0"), ("pooled", ""),
    ]
    for i in 0..<stages {
      let (ours, theirs) = ("layers.\(i)", "features.\(2 * i + 1)")
      rules += [
        ("\(ours).downsample", "features.\(2 * i)"),
        ("\(ours).blocks.*.mlp.fc1", "\(theirs).*.mlp.0"),
        ("\(ours).blocks.*.mlp.fc2", "\(theirs).*.mlp.3"), ("\(ours).blocks", theirs),
        (ours, theirs),
      ]
    }
    return WeightNames(rules)
  }

  private static func transformersNames(stages: Int) -> WeightNames {
    let block = "swin.encoder.layers.*.blocks.*"
    return WeightNames(
      [
        ("patch_embed.proj", "swin.embeddings.patch_embeddings.projection"),
        ("patch_embed.norm", "swin.embeddings.norm"),
        ("pos_embed", "swin.embeddings.position_embeddings"), ("norm", "swin.layernorm"),
        ("head", "classifier"),
      ]
        + (1..<max(stages, 2)).map {
          ("layers.\($0).downsample", "swin.encoder.layers.\($0 - 1).downsample")
        }
        + [
          ("norm1", "layernorm_before"),
          (
            "attn.relative_position_bias_table",
            "attention.self.relative_position_bias_table"
          ), ("attn.q_proj", "attention.self.query"), ("attn.k_proj", "attention.self.key"),
          ("attn.v_proj", "attention.self.value"), ("attn.proj", "attention.output.dense"),
          ("norm2", "layernorm_after"), ("mlp.fc1", "intermediate.dense"),
          ("mlp.fc2", "output.dense"),
        ].map { ("layers.*.blocks.*.\($0.0)", "\(block).\($0.1)") })
  }

  /// What versions from 5.0 on call the parts in memory.
  private static let otherTransformersNames: WeightNames = {
    let parts = [
      (
        "attention.self.relative_position_bias_table",
        "attention.relative_position_bias.relative_position_bias_table"
      ), ("attention.self.query", "attention.q_proj"), ("attention.self.key", "attention.k_proj"),
      ("attention.self.value", "attention.v_proj"), ("attention.output.dense", "attention.o_proj"),
      ("intermediate.dense", "mlp.fc1"), ("output.dense", "mlp.fc2"),
    ]
    return WeightNames(
      ["swin.", ""].flatMap { prefix in
        parts.map {
          (
            "\(prefix)encoder.layers.*.blocks.*.\($0.0)",
            "\(prefix)encoder.layers.*.blocks.*.\($0.1)"
          )
        }
      })
  }()

  // MARK: Use

  public var pictureSize: [Int]? { image }

  private func pictures(_ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let sizes = model.configuration
    let name = labels == nil ? "x" : "pixel_values"
    let pictures = try inputs.pictures(name, channels: sizes.inputs)
    func require(_ condition: Bool, _ wanted: String) throws(PublishedError) {
      guard !condition else { return }
      throw .input(name: name, problem: "its shape is \(inputs[name]!.shape), but \(wanted)")
    }
    let size = Array(pictures.shape[1...2])
    try require(pictures.shape[0] > 0 && size.allSatisfy { $0 > 0 }, "there must be pictures")
    if let image { try require(size == image, "pictures have \(image[0]) x \(image[1]) pixels") }
    if library == "timm", image == nil {
      try require(
        zip(size, sizes.patch).allSatisfy { $0 % $1 == 0 },
        "pictures are made of patches of \(sizes.patch) pixels")
    }
    var map = zip(size, sizes.patch).map { sizes.padsPictures ? ($0 + $1 - 1) / $1 : $0 / $1 }
    try require(map.allSatisfy { $0 > 0 }, "a patch has \(sizes.patch) pixels")
    if let grid = sizes.grid {
      try require(map == grid, "there are positions for \(grid) patches of \(sizes.patch) pixels")
    }
    guard labels != nil else { return pictures }
    for stage in sizes.stages {
      try require(
        zip(map, stage.window).allSatisfy { $0 >= $1 },
        "a map of \(map) patches is smaller than a window of \(stage.window)")
      map = map.map { ($0 + 1) / 2 }
    }
    return pictures
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pictures = try pictures(inputs)
    let names = names
    let (logits, inner) = Recording.of { model(pictures, phase) }
    var outputs = ["logits": logits]
    // All three libraries keep these maps' channels last, but the one of the convolution.
    for (name, value) in inner { outputs[names(name)] = value }
    outputs[names("patch_embed.proj")] = inner["patch_embed.proj"]?.channelsLeading
    guard labels != nil else { return outputs }
    let stages = model.stages.count
    for i in 0...stages {
      let name =
        i == 0 ? "embedded" : i < stages ? "layers.\(i).downsample" : "layers.\(stages - 1)"
      outputs["hidden_states.\(i)"] = inner[name]?.flattened(1..<3)
      outputs["reshaped_hidden_states.\(i)"] = inner[name]?.channelsLeading
    }
    outputs["last_hidden_state"] = inner["norm"]?.flattened(1..<3)
    outputs["pooler_output"] = inner["pooled"]
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pictures = try pictures(inputs)
    let logits = model(pictures, phase)
    if let labels { return try labels.loss(logits, inputs) }
    return crossEntropy(logits, try inputs.labels(of: pictures))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
