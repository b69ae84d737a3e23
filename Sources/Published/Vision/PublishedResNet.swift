internal import Layers
public import Models
public import Tensors

/// ResNet, ResNeXt and wide ResNet in torchvision's and timm's layouts, which are one.
public struct PublishedResNet: PublishedClassifier {
  public var model: ResNet
  public let names: WeightNames
  public var channels: Int { model.configuration.inputs }

  public static let card = ArchitectureCard(
    "ResNet", family: "vision", layouts: ["torchvision", "timm"],
    source: "He et al., arXiv:1512.03385; groups: Xie et al., arXiv:1611.05431",
    sizes: torchvisionNames.sorted().map {
      .init($0, #"{"library": "torchvision", "architecture": "\#($0)"}"#)
    })

  private static let torchvisionNames: Set = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d",
    "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
  ]

  /// timm's, which has torchvision's too.
  private static let timmNames = torchvisionNames.union([
    "resnet10t", "resnet14t", "resnet18d", "resnet26", "resnet26d", "resnet26t", "resnet34d",
    "resnet50c", "resnet50d", "resnet50s", "resnet50t", "resnet101c", "resnet101d", "resnet101s",
    "resnet152c", "resnet152d", "resnet152s", "resnet200", "resnet200d", "resnext50d_32x4d",
    "resnext101_32x4d", "resnext101_32x16d", "resnext101_32x32d",
  ])

  /// Constructors that take every size as an argument.
  private static let general: Set = ["resnet", "ResNet"]

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let names =
      switch configuration.library {
      case "torchvision": torchvisionNames
      case "timm": timmNames
      default: Set<String>()
      }
    return names.union(general).contains(configuration.architecture)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    var sizes = Self.sizes(configuration.architecture)
    if arguments.has("block") { sizes.block = try Self.block(arguments) }
    sizes.layers = try arguments.sizes("layers", default: sizes.layers, atMost: 4096)
    try arguments.require(
      sizes.layers.count == 4, "layers", "has \(sizes.layers.count) stages", "give four")
    if configuration.library == "timm" {
      try Self.readTimm(configuration, arguments, &sizes)
    } else {
      try Self.readTorchvision(configuration, arguments, &sizes)
    }
    try Self.check(sizes, arguments)
    model = ResNet(sizes, key: key)
    names = ["pooled": configuration.library == "timm" ? "global_pool" : "avgpool"]
  }

  // MARK: Constructors

  /// The sizes that a constructor's name stands for, such as `resnext50d_32x4d`.
  private static func sizes(_ name: String) -> ResNetConfiguration {
    let layers: [(String, [Int])] = [
      ("101", [3, 4, 23, 3]), ("152", [3, 8, 36, 3]), ("200", [3, 24, 36, 3]),
      ("10", [1, 1, 1, 1]), ("14", [1, 1, 1, 1]), ("18", [2, 2, 2, 2]), ("26", [2, 2, 2, 2]),
      ("34", [3, 4, 6, 3]), ("50", [3, 4, 6, 3]),
    ]
    let family = ["wide_resnet", "resnext", "resnet"].first { name.hasPrefix($0) } ?? ""
    var rest = name.dropFirst(family.count)
    guard let (depth, counts) = layers.first(where: { rest.hasPrefix($0.0) }) else {
      return .resnet50
    }
    rest = rest.dropFirst(depth.count)
    var sizes = ResNetConfiguration(
      block: ["10", "18", "34"].contains(depth) ? .basic : .bottleneck, layers: counts)
    switch rest.first {
    case "c": sizes.stem = .deep(32)
    case "s": sizes.stem = .deep(64)
    case "d": (sizes.stem, sizes.shortcut.averages) = (.deep(32), true)
    case "t": (sizes.stem, sizes.shortcut.averages) = (.deep(32, isTiered: true), true)
    default: break
    }
    if family == "wide_resnet" { sizes.widthPerGroup = 128 }
    if family == "resnext", let groups = rest.split(separator: "_").last?.split(separator: "x") {
      sizes.groups = Int(groups[0]) ?? 1
      sizes.widthPerGroup = Int(groups[1].dropLast()) ?? 64
    }
    return sizes
  }

  private static func block(_ arguments: ModelConfiguration) throws(PublishedError)
    -> ResNetConfiguration.Block
  {
    let name = try arguments.text("block")
    guard
      let block = ResNetConfiguration.Block(
        rawValue: name.lowercased().replacing("block", with: ""))
    else {
      throw .configuration(
        file: arguments.file, problem: "\"block\" is \"\(name)\"",
        mend: "it must be \"BasicBlock\" or \"Bottleneck\"")
    }
    return block
  }

  private static func check(_ sizes: ResNetConfiguration, _ arguments: ModelConfiguration)
    throws(PublishedError)
  {
    if sizes.block == .basic {
      try arguments.require(
        sizes.groups == 1 && sizes.widthPerGroup == 64, "block", "is basic",
        "only bottlenecks have groups or another width of them")
    }
    for width in sizes.widths {
      let inner = sizes.block == .basic ? width : sizes.innerWidth(width)
      let first = inner / sizes.reduction
      try arguments.require(
        first > 0 && first % sizes.groups == 0, "channels", "has \(width)",
        "of which nothing is left inside a block, or which does not divide into \(sizes.groups) groups"
      )
    }
  }
}

// MARK: - Arguments

extension PublishedResNet {
  private static func readTorchvision(
    _ configuration: ModelConfiguration, _ arguments: ModelConfiguration,
    _ sizes: inout ResNetConfiguration
  ) throws(PublishedError) {
    try arguments.refuseOthers(than: [
      "block", "layers", "num_classes", "zero_init_residual", "groups", "width_per_group",
      "replace_stride_with_dilation",
    ])
    sizes.groups = try arguments.size("groups", default: sizes.groups, atMost: widest)
    sizes.widthPerGroup = try arguments.size(
      "width_per_group", default: sizes.widthPerGroup, atMost: widest)
    sizes.zeroInitialResiduals = try arguments.bool("zero_init_residual", default: false)
    sizes.classes = try configuration.classes(atLeast: 1)
    let dilates = try arguments.bools(
      "replace_stride_with_dilation", default: [false, false, false])
    try arguments.require(
      dilates.count == 3, "replace_stride_with_dilation", "has \(dilates.count) entries",
      "give three")
    sizes.dilatedStages = (0..<3).filter { dilates[$0] }.map { $0 + 1 }
    try arguments.require(
      sizes.block == .bottleneck || sizes.dilatedStages.isEmpty, "replace_stride_with_dilation",
      "dilates basic blocks", "choose bottlenecks, or no dilation")
  }

  private static func readTimm(
    _ configuration: ModelConfiguration, _ arguments: ModelConfiguration,
    _ sizes: inout ResNetConfiguration
  ) throws(PublishedError) {
    try arguments.refuseOthers(than: [
      "block", "layers", "num_classes", "in_chans", "output_stride", "global_pool", "cardinality",
      "base_width", "stem_width", "stem_type", "replace_stem_pool", "block_reduce_first",
      "down_kernel_size", "avg_down", "channels", "act_layer", "norm_layer", "drop_rate",
      "drop_path_rate", "drop_block_rate", "zero_init_last",
    ])
    try arguments.requireBatchNorm()
    sizes.widths = try arguments.sizes("channels", default: sizes.widths, atMost: widest)
    try arguments.require(
      sizes.widths.count == 4, "channels", "has \(sizes.widths.count) stages", "give four")
    sizes.groups = try arguments.size("cardinality", default: sizes.groups, atMost: widest)
    sizes.widthPerGroup = try arguments.size(
      "base_width", default: sizes.widthPerGroup, atMost: widest)
    sizes.reduction = try arguments.size("block_reduce_first", default: 1)
    try readStem(arguments, &sizes.stem)
    try readShortcut(arguments, &sizes.shortcut)
    let stride = try arguments.integer("output_stride", default: 32)
    try arguments.require(
      [8, 16, 32].contains(stride), "output_stride", "is \(stride)", "it must be 8, 16 or 32")
    sizes.dilatedStages = (2..<4).filter { 4 << $0 > stride }
    sizes.activation = try arguments.activation("act_layer", default: .relu)
    sizes.pooling = try configuration.globalPooling()
    sizes.dropout = try arguments.rate("drop_rate")
    sizes.stochasticDepth = try arguments.rate("drop_path_rate")
    try arguments.require(
      try arguments.rate("drop_block_rate") == 0, "drop_block_rate", "is not 0",
      "leaving out parts of maps is not supported")
    sizes.zeroInitialResiduals = try arguments.bool("zero_init_last", default: true)
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
  }

  private static func readStem(
    _ arguments: ModelConfiguration, _ stem: inout ResNetConfiguration.Stem
  ) throws(PublishedError) {
    let isDeep = !stem.before.isEmpty
    let isTiered = isDeep && stem.before[0] != stem.before[1]
    let type = try arguments.text(
      "stem_type", default: isTiered ? "deep_tiered" : isDeep ? "deep" : "")
    // The width counts in deep stems alone; others have 64 channels.
    let width = try arguments.size(
      "stem_width", default: isDeep ? stem.before[1] : 64, atMost: widest)
    let tiered = type.contains("tiered")
    stem = type.contains("deep") ? .deep(width, isTiered: tiered) : .imageNet
    try arguments.require(
      stem.before.allSatisfy { $0 > 0 }, "stem_width", "is \(width)",
      "tiered stems need at least 4")
    stem.poolsByConvolution = try arguments.bool("replace_stem_pool", default: false)
  }

  private static func readShortcut(
    _ arguments: ModelConfiguration, _ shortcut: inout ResNetConfiguration.Shortcut
  ) throws(PublishedError) {
    shortcut.averages = try arguments.bool("avg_down", default: shortcut.averages)
    shortcut.kernel = try arguments.size("down_kernel_size", default: 1, atMost: widest)
    try arguments.require(
      shortcut.kernel % 2 == 1, "down_kernel_size", "is \(shortcut.kernel)", "it must be odd")
  }
}

extension ResNetConfiguration.Stem {
  /// Three 3x3 convolutions in place of a large one (timm's `stem_type`).
  fileprivate static func deep(_ width: Int, isTiered: Bool = false) -> Self {
    Self(
      channels: 2 * width, kernel: 3, before: [isTiered ? 3 * (width / 4) : width, width])
  }
}
