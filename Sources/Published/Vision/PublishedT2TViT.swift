internal import Documents
internal import Layers
public import Models
public import Tensors

/// T2T-ViT in its authors' layout.
public struct PublishedT2TViT: PublishedClassifier {
  public var model: T2TViT
  public var channels: Int { model.configuration.inputs }
  public var pictureSize: [Int]? { [model.configuration.image, model.configuration.image] }
  public var names: WeightNames { [:] }

  public static let card = ArchitectureCard(
    "T2T-ViT", family: "vision", layouts: ["t2t-vit"], source: "Yuan et al., arXiv:2101.11986",
    sizes: ["", "t_"].flatMap { kind in
      ["7", "10", "12", "14", "19", "24"].map {
        .init("t2t_vit_\(kind)\($0)", PublishedViT.config("t2t-vit", "t2t_vit_\(kind)\($0)"))
      }
    })

  /// By the name of a constructor, with `_t` where it attends in the usual way from the start.
  private static func sizes(_ name: String) -> T2TViTConfiguration? {
    guard let match = name.wholeMatch(of: /t2t_vit(_t)?(?:_(7|10|12|14|19|24))?/) else {
      return nil
    }
    let (width, heads, ratio) =
      switch match.2 {
      case "7", "10", "12": (256, 4, 2)
      case "14": (384, 6, 3)
      case "19": (448, 7, 3)
      case "24": (512, 8, 3)
      default: (768, 12, 4)
      }
    return T2TViTConfiguration(
      kind: match.1 == nil ? .performer : .transformer, width: width,
      layers: match.2.flatMap { Int($0) } ?? 12, heads: heads, inner: ratio * width)
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "t2t-vit" && sizes(configuration.architecture) != nil
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    model = T2TViT(try Self.read(configuration), key: key)
  }

  private static let arguments: Set<String> = [
    "image", "img_size", "tokens_type", "in_chans", "num_classes", "embed_dim", "depth",
    "num_heads", "mlp_ratio", "qkv_bias", "scale", "qk_scale", "drop_rate", "attn_drop_rate",
    "drop_path_rate", "token_dim",
  ]

  private static func read(_ configuration: ModelConfiguration) throws(PublishedError)
    -> T2TViTConfiguration
  {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: Self.arguments)
    guard var sizes = sizes(configuration.architecture) else {
      throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
    }
    let kind = try arguments.text("tokens_type", default: sizes.kind.rawValue)
    guard let known = T2TViTConfiguration.Kind(rawValue: kind) else {
      throw .configuration(
        file: configuration.file, problem: "\"tokens_type\" is \"\(kind)\"",
        mend: "it must be \"performer\" or \"transformer\"")
    }
    sizes.kind = known
    let name = arguments.has("image") ? "image" : "img_size"
    sizes.image = try arguments.size(name, default: 224, atMost: 1 << 14)
    try arguments.require(
      sizes.image >= 16 && sizes.rows[2] == sizes.image / 16, name, "is \(sizes.image)",
      "it must be a multiple of 16, or a few pixels more")
    sizes.inputs = try arguments.size("in_chans", default: 3, atMost: 1024)
    sizes.tokenWidth = try arguments.size("token_dim", default: 64, atMost: widest)
    try arguments.require(
      sizes.tokenWidth > 1 || known == .transformer, "token_dim", "is 1",
      "a performer needs at least 2")
    let ratio = Double(sizes.inner) / Double(sizes.width)
    sizes.width = try arguments.size("embed_dim", default: sizes.width, atMost: widest)
    try arguments.require(
      sizes.width % 2 == 0, "embed_dim", "is \(sizes.width)", "sines and cosines need an even one")
    sizes.layers = try arguments.size("depth", default: sizes.layers, atMost: 4096)
    sizes.heads = try arguments.size("num_heads", default: sizes.heads)
    try arguments.require("num_heads", sizes.heads, divides: "embed_dim", sizes.width)
    sizes.inner = Int(Double(sizes.width) * (try arguments.positive("mlp_ratio", default: ratio)))
    try arguments.require(
      sizes.inner > 0, "mlp_ratio", "leaves nothing inside", "make it larger")
    let scale = arguments.has("scale") ? "scale" : "qk_scale"
    if arguments.has(scale) {
      let factor = try arguments.real(scale)
      sizes.scale = factor == 0 ? nil : factor
    }
    sizes.hasQueryBias = try arguments.bool("qkv_bias", default: false)
    sizes.classes = try configuration.classes()
    sizes.dropout = try arguments.rate("drop_rate")
    sizes.attentionDropout = try arguments.rate("attn_drop_rate")
    sizes.stochasticDepth = try arguments.rate("drop_path_rate")
    return sizes
  }
}
