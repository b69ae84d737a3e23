internal import Layers
public import Models
public import Tensors

/// DenseNet in torchvision's and timm's layouts, whose names are the same.
public struct PublishedDenseNet: PublishedClassifier {
  public var model: DenseNet
  public let names: WeightNames
  public var channels: Int { model.configuration.inputs }
  /// The first released weights separate the numbers.
  public var olderNames: WeightNames {
    let layer = "features.*.*"
    return [
      "\(layer).norm1": "\(layer).norm.1", "\(layer).conv1": "\(layer).conv.1",
      "\(layer).norm2": "\(layer).norm.2", "\(layer).conv2": "\(layer).conv.2",
    ]
  }
  /// The stem makes pictures four times smaller, rounding up, and every transition halves them, rounding down.
  public var smallestPicture: Int { 4 * (1 << model.transitions.count) - 3 }

  public static let card = ArchitectureCard(
    "DenseNet", family: "vision", layouts: ["torchvision", "timm"],
    source: "Huang et al., arXiv:1608.06993",
    sizes: ["densenet121", "densenet161", "densenet169", "densenet201"].map {
      .init($0, #"{"library": "torchvision", "architecture": "\#($0)"}"#)
    })

  /// By the name of a constructor; timm has more of them.
  private static func sizes(_ name: String, isTimm: Bool) -> DenseNetConfiguration? {
    switch name {
    case "densenet121": .densenet121
    case "densenet161": .densenet161
    case "densenet169": .densenet169
    case "densenet201": .densenet201
    case "densenet264d" where isTimm: .init(growth: 48, layers: [6, 12, 64, 48])
    case "DenseNet": .densenet121
    default: nil
    }
  }

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let library = configuration.library
    return ["torchvision", "timm"].contains(library)
      && sizes(configuration.architecture, isTimm: library == "timm") != nil
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let isTimm = configuration.library == "timm"
    let arguments = try configuration.arguments
    guard var sizes = Self.sizes(configuration.architecture, isTimm: isTimm) else {
      throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
    }
    sizes.growth = try arguments.size("growth_rate", default: sizes.growth, atMost: widest)
    sizes.layers = try arguments.sizes("block_config", default: sizes.layers, atMost: 4096)
    try arguments.require(
      (1...20) ~= sizes.layers.count, "block_config", "has \(sizes.layers.count) blocks",
      "give 1 to 20")
    sizes.bottleneck = try arguments.size("bn_size", default: 4, atMost: widest)
    if isTimm {
      try Self.readTimm(configuration, arguments, &sizes)
    } else {
      try arguments.refuseOthers(than: [
        "growth_rate", "block_config", "num_init_features", "bn_size", "drop_rate", "num_classes",
      ])
      let width = configuration.architecture == "densenet161" ? 96 : 64
      sizes.stem = [try arguments.size("num_init_features", default: width, atMost: widest)]
      sizes.dropout = try arguments.rate("drop_rate")
      sizes.classes = try configuration.classes(atLeast: 1)
    }
    try arguments.require(
      sizes.stem.last! + sizes.layers[0] * sizes.growth > 1, "growth_rate", "is \(sizes.growth)",
      "one channel alone cannot be halved")
    model = DenseNet(sizes, key: key)
    names = Self.names(sizes, isTimm: isTimm)
  }

  private static func readTimm(
    _ configuration: ModelConfiguration, _ arguments: ModelConfiguration,
    _ sizes: inout DenseNetConfiguration
  ) throws(PublishedError) {
    try arguments.refuseOthers(than: [
      "growth_rate", "block_config", "bn_size", "num_classes", "in_chans", "global_pool",
      "stem_type", "act_layer", "norm_layer", "drop_rate", "proj_drop_rate", "aa_stem_only",
    ])
    try arguments.requireBatchNorm()
    let growth = sizes.growth
    let type = try arguments.text(
      "stem_type", default: configuration.architecture == "densenet264d" ? "deep" : "")
    if type.contains("deep") {
      let quarters = growth / 4
      let isTiered = type.contains("tiered")
      let second = type.contains("narrow") ? 2 * growth : 6 * quarters
      sizes.stem = [isTiered ? 3 * quarters : growth, isTiered ? second : growth, 2 * growth]
      try arguments.require(
        !isTiered || quarters > 0, "growth_rate", "is \(growth)", "tiered stems need at least 4")
    } else {
      sizes.stem = [2 * growth]
    }
    sizes.activation = try arguments.activation("act_layer", default: .relu)
    sizes.pooling = try configuration.globalPooling()
    sizes.dropout = try arguments.rate("proj_drop_rate")
    sizes.headDropout = try arguments.rate("drop_rate")
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
  }

  private static func names(_ sizes: DenseNetConfiguration, isTimm: Bool) -> WeightNames {
    var rules: [(String, String)] = []
    for i in sizes.stem.indices {
      rules += [
        ("stem.\(i).conv", "features.conv\(i)"), ("stem.\(i).norm", "features.norm\(i)"),
        ("stem.\(i)", isTimm ? "features.norm\(i)" : "features.relu\(i)"),
      ]
    }
    for (i, layers) in sizes.layers.enumerated() {
      for j in 0..<layers {
        rules.append(("blocks.\(i).\(j)", "features.denseblock\(i + 1).denselayer\(j + 1)"))
      }
      rules.append(("blocks.\(i)", "features.denseblock\(i + 1)"))
      rules.append(("transitions.\(i)", "features.transition\(i + 1)"))
    }
    // timm's norms include the activation.
    return WeightNames(
      rules + [
        ("norm.weight", "features.norm5.weight"), ("norm.bias", "features.norm5.bias"),
        ("norm.running_mean", "features.norm5.running_mean"),
        ("norm.running_var", "features.norm5.running_var"),
        ("norm.num_batches_tracked", "features.norm5.num_batches_tracked"),
        ("norm", isTimm ? "features.norm5.before" : "features.norm5"),
        ("map", isTimm ? "features.norm5" : "features.relu5"),
        ("pool", "features.pool0"), ("pooled", isTimm ? "global_pool" : "avgpool"),
      ])
  }
}
