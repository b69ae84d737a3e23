internal import Documents
internal import Layers
public import Models
public import Tensors

/// CaiT in timm's layout.
public struct PublishedCaiT: PublishedClassifier {
  public var model: CaiT
  public var channels: Int { model.configuration.inputs }
  public var pictureSize: [Int]? { model.configuration.image }
  public var names: WeightNames { [:] }

  public static let card = ArchitectureCard(
    "CaiT", family: "vision", layouts: ["timm"], source: "Touvron et al., arXiv:2103.17239",
    sizes: timmSizes.keys.sorted().map { .init($0, PublishedViT.config("timm", $0)) })

  /// Width, layers, heads, and the first factors of the branches, by size.
  private static let timmSizes: [String: CaiTConfiguration] = {
    var sizes: [String: CaiTConfiguration] = [:]
    let rows: [(String, [Int], Int, Int, Int, Double)] = [
      ("xxs24", [224, 384], 192, 24, 4, 1e-5), ("xxs36", [224, 384], 192, 36, 4, 1e-5),
      ("xs24", [384], 288, 24, 6, 1e-5), ("s24", [224, 384], 384, 24, 8, 1e-5),
      ("s36", [384], 384, 36, 8, 1e-6), ("m36", [384], 768, 36, 16, 1e-6),
      ("m48", [448], 768, 48, 16, 1e-6),
    ]
    for (name, images, width, layers, heads, scale) in rows {
      for image in images {
        sizes["cait_\(name)_\(image)"] = CaiTConfiguration(
          image: image, width: width, layers: layers, heads: heads, layerScale: scale)
      }
    }
    return sizes
  }()

  private static func size(_ name: String) -> CaiTConfiguration? {
    name == "Cait"
      ? CaiTConfiguration(image: 224, width: 768, layers: 12, heads: 12, layerScale: 1e-4)
      : timmSizes[String(name.prefix { $0 != "." })]
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "timm" && size(configuration.architecture) != nil
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    model = CaiT(try Self.read(configuration), key: key)
  }

  private static let arguments: Set<String> = [
    "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depth",
    "num_heads", "mlp_ratio", "qkv_bias", "drop_rate", "pos_drop_rate", "proj_drop_rate",
    "attn_drop_rate", "drop_path_rate", "init_values", "depth_token_only", "mlp_ratio_token_only",
  ]

  private static func read(_ configuration: ModelConfiguration) throws(PublishedError)
    -> CaiTConfiguration
  {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: Self.arguments)
    guard var sizes = size(configuration.architecture) else {
      throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
    }
    sizes.image = try configuration.timmImage(default: sizes.image)
    sizes.patch = try arguments.pair("patch_size", default: 16)
    try arguments.requireGrid(sizes.image, sizes.patch, "img_size")
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
    sizes.width = try arguments.size("embed_dim", default: sizes.width, atMost: widest)
    sizes.layers = try arguments.size("depth", default: sizes.layers, atMost: 4096)
    sizes.classLayers = try arguments.integer("depth_token_only", default: 2)
    try arguments.require(
      (0...4096).contains(sizes.classLayers), "depth_token_only", "is \(sizes.classLayers)",
      "it must lie between 0 and 4096")
    sizes.heads = try arguments.size("num_heads", default: sizes.heads)
    try arguments.require("num_heads", sizes.heads, divides: "embed_dim", sizes.width)
    sizes.inner = try arguments.innerWidth("mlp_ratio", default: 4, of: sizes.width)
    sizes.classInner = try arguments.innerWidth(
      "mlp_ratio_token_only", default: 4, of: sizes.width)
    sizes.hasQueryBias = try arguments.bool("qkv_bias", default: true)
    sizes.layerScale = try arguments.real("init_values", default: sizes.layerScale)
    let pooling = try arguments.text(
      "global_pool", default: try configuration.text("global_pool", default: "token"))
    guard let known = CaiTConfiguration.Pooling(rawValue: pooling) else {
      throw .configuration(
        file: configuration.file, problem: "\"global_pool\" is \"\(pooling)\"",
        mend: "it must be \"token\", \"avg\" or \"\"")
    }
    sizes.pooling = known
    sizes.headDropout = try arguments.rate("drop_rate")
    sizes.tokenDropout = try arguments.rate("pos_drop_rate")
    sizes.dropout = try arguments.rate("proj_drop_rate")
    sizes.attentionDropout = try arguments.rate("attn_drop_rate")
    sizes.stochasticDepth = try arguments.rate("drop_path_rate")
    return sizes
  }
}
