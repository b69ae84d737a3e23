internal import Documents
internal import Layers
public import Models
public import Tensors

/// ViT in torchvision's, timm's and transformers' layouts.
public struct PublishedViT: PublishedVisionTransformer {
  public var model: ViT
  public let names: WeightNames
  public let olderNames: WeightNames
  public let optionalPrefix: String
  public let labels: LabelledClasses?

  public static let card = ArchitectureCard(
    "ViT", family: "vision", layouts: ["torchvision", "timm", "transformers"],
    source: "Dosovitskiy et al., arXiv:2010.11929",
    sizes: torchvisionSizes.keys.sorted().map { .init($0, config("torchvision", $0)) }
      + [
        "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_small_patch32_224",
        "vit_base_patch16_224", "vit_base_patch16_384", "vit_base_patch32_224",
        "vit_large_patch16_224", "vit_large_patch32_224",
      ].map { .init($0, config("timm", $0)) }
      + [.init("google/vit-base-patch16-224-in21k", #"{"architectures": ["ViTModel"]}"#)])

  static func config(_ library: String, _ name: String) -> String {
    #"{"library": "\#(library)", "architecture": "\#(name)"}"#
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let name = configuration.architecture
    return switch configuration.library {
    case "torchvision": name == "VisionTransformer" || torchvisionSizes[name] != nil
    case "timm": name == "VisionTransformer" || timmSizes(name) != nil
    default: ["ViTForImageClassification", "ViTModel", "vit"].contains(name)
    }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let sizes: ViTConfiguration
    switch configuration.library {
    case "torchvision":
      sizes = try Self.torchvision(configuration)
      (names, olderNames) = (ViTNames.torchvision, ViTNames.olderTorchvision)
      (optionalPrefix, labels) = ("", nil)
    case "timm":
      sizes = try .timm(configuration, Self.timmSizes(configuration.architecture) ?? .base)
      (names, olderNames, optionalPrefix, labels) = (ViTNames.timm, [:], "", nil)
    default:
      var read = try ViTConfiguration.transformers(configuration)
      let classes = try LabelledClasses(configuration)
      if configuration.architecture == "ViTForImageClassification" {
        read.classes = classes.count
      } else {
        try read.readPooler(configuration)
      }
      (sizes, labels) = (read, classes)
      names = ViTNames.transformers("vit", layers: sizes.layers)
      (olderNames, optionalPrefix) = (ViTNames.otherTransformers("vit"), "vit.")
    }
    model = ViT(sizes, key: key)
  }

  // MARK: Sizes

  private static let torchvisionSizes: [String: ViTConfiguration] = {
    var sizes: [String: ViTConfiguration] = ["vit_h_14": .huge]
    for (name, size) in [("b", ViTConfiguration.base), ("l", .large)] {
      for patch in [16, 32] {
        var patched = size
        patched.patch = [patch, patch]
        sizes["vit_\(name)_\(patch)"] = patched
      }
    }
    return sizes
  }()

  private static func torchvision(_ configuration: ModelConfiguration) throws(PublishedError)
    -> ViTConfiguration
  {
    let arguments = try configuration.arguments
    var known: Set = [
      "image_size", "dropout", "attention_dropout", "num_classes", "representation_size",
    ]
    let image = try arguments.size("image_size", default: 224, atMost: widest)
    var sizes: ViTConfiguration
    if let named = torchvisionSizes[configuration.architecture] {
      sizes = named
    } else {
      known.formUnion(["patch_size", "num_layers", "num_heads", "hidden_dim", "mlp_dim"])
      let patch = try arguments.size("patch_size", atMost: widest)
      sizes = ViTConfiguration(
        patch: [patch, patch], width: try arguments.size("hidden_dim", atMost: widest),
        layers: try arguments.size("num_layers", atMost: 4096),
        heads: try arguments.size("num_heads"),
        inner: try arguments.size("mlp_dim", atMost: 1 << 20))
      try arguments.require("num_heads", sizes.heads, divides: "hidden_dim", sizes.width)
    }
    try arguments.refuseOthers(than: known)
    try arguments.require("patch_size", sizes.patch[0], divides: "image_size", image)
    sizes.image = [image, image]
    try arguments.requireGrid(sizes.image, sizes.patch, "image_size")
    sizes.dropout = try arguments.rate("dropout")
    (sizes.tokenDropout, sizes.innerDropout) = (sizes.dropout, sizes.dropout)
    sizes.attentionDropout = try arguments.rate("attention_dropout")
    sizes.classes = try configuration.classes(atLeast: 1)
    if arguments.has("representation_size") {
      sizes.representation = .init(width: try arguments.size("representation_size", atMost: widest))
    }
    return sizes
  }

  /// What timm's constructors of plain vision Transformers, and of CLIP's towers, stand for.
  private static func timmSizes(_ name: String) -> ViTConfiguration? {
    let pattern =
      /vit_(tiny|small|base|large|huge|giant|gigantic)_patch(\d+)_(gap_|clip_|clip_quickgelu_)?(\d+)/
    guard let match = name.prefix(while: { $0 != "." }).wholeMatch(of: pattern),
      let patch = Int(match.2), let image = Int(match.4), patch > 0
    else { return nil }
    var sizes: ViTConfiguration
    switch match.1 {
    case "tiny": sizes = .tiny
    case "small": sizes = .small
    case "base": sizes = .base
    case "large": sizes = .large
    case "huge": sizes = .huge
    case "giant": sizes = ViTConfiguration(width: 1408, layers: 40, heads: 16, inner: 6144)
    default: sizes = ViTConfiguration(width: 1664, layers: 48, heads: 16, inner: 8192)
    }
    (sizes.image, sizes.patch) = ([image, image], [patch, patch])
    switch match.3 {
    case nil: break
    case "gap_":
      guard ["base", "huge", "giant"].contains(match.1) else { return nil }
      (sizes.hasClassToken, sizes.pooling, sizes.heads) = (false, .average, 16)
    default:
      guard ["base", "large", "huge"].contains(match.1) else { return nil }
      (sizes.normalisesFirst, sizes.epsilon) = (true, 1e-5)
      if match.3 == "clip_quickgelu_" { sizes.activation = .quickGELU }
    }
    return sizes
  }
}

/// How libraries call the parts of vision Transformers.
enum ViTNames {
  static let timm: WeightNames = ["embedded": "pos_drop", "pooled": ""]

  static let torchvision: WeightNames = [
    "cls_token": "class_token", "pos_embed": "encoder.pos_embedding",
    "patch_embed.proj": "conv_proj", "embedded": "encoder.dropout",
    "blocks.*.norm1": "encoder.layers.encoder_layer_*.ln_1",
    "blocks.*.attn.qkv.weight": "encoder.layers.encoder_layer_*.self_attention.in_proj_weight",
    "blocks.*.attn.qkv.bias": "encoder.layers.encoder_layer_*.self_attention.in_proj_bias",
    "blocks.*.attn.proj": "encoder.layers.encoder_layer_*.self_attention.out_proj",
    "blocks.*.norm2": "encoder.layers.encoder_layer_*.ln_2",
    "blocks.*.mlp.fc1": "encoder.layers.encoder_layer_*.mlp.0",
    "blocks.*.mlp.fc2": "encoder.layers.encoder_layer_*.mlp.3",
    "blocks.*": "encoder.layers.encoder_layer_*", "norm": "encoder.ln",
    "pre_logits": "heads.pre_logits", "pooled": "heads.act", "head": "heads.head",
  ]

  /// Of the files before version 0.14.
  static let olderTorchvision: WeightNames = [
    "encoder.layers.*.mlp.0": "encoder.layers.*.mlp.linear_1",
    "encoder.layers.*.mlp.3": "encoder.layers.*.mlp.linear_2",
  ]

  /// Of a layer of transformers' vision Transformers.
  static func transformersBlocks(_ ours: String, _ theirs: String) -> [(String, String)] {
    [
      ("norm1", "layernorm_before"), ("attn.q_proj", "attention.attention.query"),
      ("attn.k_proj", "attention.attention.key"), ("attn.v_proj", "attention.attention.value"),
      ("attn.proj", "attention.output.dense"), ("norm2", "layernorm_after"),
      ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense"),
    ].map { ("\(ours).*.\($0.0)", "\(theirs).*.\($0.1)") }
  }

  /// - Parameters:
  ///   - prefix: of the network's parts besides its heads.
  ///   - ours: the beginning of our names.
  static func transformers(_ prefix: String, layers: Int, within ours: String = "") -> WeightNames {
    let parts = [
      ("cls_token", "\(prefix).embeddings.cls_token"),
      ("dist_token", "\(prefix).embeddings.distillation_token"),
      ("pos_embed", "\(prefix).embeddings.position_embeddings"),
      ("patch_embed.proj", "\(prefix).embeddings.patch_embeddings.projection"),
    ]
    let values = (0..<layers).map { ("blocks.\($0)", "hidden_states.\($0 + 1)") }
    let ends = [
      ("embedded", "hidden_states.0"), ("norm", "\(prefix).layernorm"),
      ("pre_logits", "\(prefix).pooler.dense"), ("head", "classifier"),
    ]
    return WeightNames(
      (parts + transformersBlocks("blocks", "\(prefix).encoder.layer") + values + ends)
        .map { (ours + $0.0, $0.1) })
  }

  /// What versions from 5.0 on call the parts in memory.
  static func otherTransformers(_ prefix: String) -> WeightNames {
    let parts = [
      ("attention.attention.query", "attention.q_proj"),
      ("attention.attention.key", "attention.k_proj"),
      ("attention.attention.value", "attention.v_proj"),
      ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
      ("output.dense", "mlp.fc2"), ("", ""),
    ]
    return WeightNames(
      ["\(prefix).", ""].flatMap { prefix in
        parts.map { old, new in
          (
            "\(prefix)encoder.layer.*" + (old.isEmpty ? "" : ".\(old)"),
            "\(prefix)layers.*" + (new.isEmpty ? "" : ".\(new)")
          )
        }
      })
  }
}
