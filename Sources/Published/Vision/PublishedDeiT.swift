internal import Documents
internal import Layers
public import Models
public import Tensors

/// DeiT in timm's and transformers' layouts: a ViT that also learns from a teacher.
public struct PublishedDeiT: PublishedVisionTransformer {
  public var model: ViT
  public let names: WeightNames
  public let olderNames: WeightNames
  public let optionalPrefix: String
  public let labels: LabelledClasses?

  public static let card = ArchitectureCard(
    "DeiT", family: "vision", layouts: ["timm", "transformers"],
    source: "Touvron et al., arXiv:2012.12877; DeiT III: arXiv:2204.07118",
    sizes: [
      "deit_tiny_patch16_224", "deit_small_patch16_224", "deit_base_patch16_224",
      "deit_tiny_distilled_patch16_224", "deit_small_distilled_patch16_224",
      "deit_base_distilled_patch16_224", "deit_base_patch16_384",
      "deit_base_distilled_patch16_384",
    ].map { .init($0, PublishedViT.config("timm", $0)) })

  private static let classes = [
    "DeiTForImageClassification", "DeiTForImageClassificationWithTeacher", "DeiTModel", "deit",
  ]

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let name = configuration.architecture
    return switch configuration.library {
    case "timm": name == "VisionTransformerDistilled" || timmSizes(name) != nil
    case "transformers": classes.contains(name)
    default: false
    }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes: ViTConfiguration
    if configuration.library == "timm" {
      var named = Self.timmSizes(configuration.architecture) ?? .base
      if configuration.architecture == "VisionTransformerDistilled" {
        named.hasDistillationToken = true
      }
      sizes = try .timm(configuration, named)
      if sizes.hasDistillationToken { try Self.check(&sizes, try configuration.arguments) }
      (names, olderNames, optionalPrefix, labels) = (ViTNames.timm, [:], "", nil)
    } else {
      sizes = try .transformers(configuration)
      sizes.hasDistillationToken = true
      let classes = try LabelledClasses(configuration)
      let name = configuration.architecture
      let isTwo = name == "DeiTForImageClassificationWithTeacher"
      if isTwo || name == "DeiTForImageClassification" {
        sizes.classes = classes.count
        sizes.hasDistillationHead = isTwo
      } else {
        sizes.hasDistillationHead = false
        try sizes.readPooler(configuration)
      }
      labels = classes
      let heads: WeightNames =
        isTwo
        ? [
          "head.weight": "cls_classifier.weight", "head.bias": "cls_classifier.bias",
          "head_dist.weight": "distillation_classifier.weight",
          "head_dist.bias": "distillation_classifier.bias", "head": "cls_logits",
          "head_dist": "distillation_logits",
        ] : [:]
      names = heads.then(ViTNames.transformers("deit", layers: sizes.layers))
      (olderNames, optionalPrefix) = (ViTNames.otherTransformers("deit"), "deit.")
    }
    model = ViT(sizes, key: key)
  }

  /// What timm's distilled networks take: both tokens, their positions, and a head for each.
  private static func check(_ sizes: inout ViTConfiguration, _ arguments: ModelConfiguration)
    throws(PublishedError)
  {
    sizes.positions = sizes.positions == .none ? .all : sizes.positions
    func refuse(_ condition: Bool, _ name: String) throws(PublishedError) {
      try arguments.require(
        !condition, name, "does not fit a network with a distillation token", "leave it out")
    }
    try refuse(sizes.pooling != .token, "global_pool")
    try refuse(!sizes.hasClassToken, "class_token")
    try refuse(sizes.registers > 0, "reg_tokens")
    try refuse(sizes.positions == .patches, "no_embed_class")
    try refuse(sizes.lastNorm == .pooled, "fc_norm")
  }

  private static func timmSizes(_ name: String) -> ViTConfiguration? {
    let pattern =
      /deit(3?)_(tiny|small|medium|base|large|huge)_(distilled_)?patch(\d+)_(\d+)/
    guard let match = name.prefix(while: { $0 != "." }).wholeMatch(of: pattern),
      let patch = Int(match.4), let image = Int(match.5), patch > 0
    else { return nil }
    var sizes: ViTConfiguration
    switch (match.1, match.2) {
    case ("", "tiny"): sizes = .tiny
    case (_, "small"): sizes = .small
    case (_, "base"): sizes = .base
    case ("3", "medium"): sizes = ViTConfiguration(width: 512, layers: 12, heads: 8)
    case ("3", "large"): sizes = .large
    case ("3", "huge"): sizes = .huge
    default: return nil
    }
    (sizes.image, sizes.patch) = ([image, image], [patch, patch])
    sizes.hasDistillationToken = match.3 != nil
    if match.1 == "3" {
      guard match.3 == nil else { return nil }
      (sizes.positions, sizes.layerScale) = (.patches, 1e-6)
    }
    return sizes
  }
}
