public import Layers
public import Models
internal import Objectives
public import Tensors

/// ResNet, ResNeXt and wide ResNet in torchvision's and timm's layouts, which are one.
public struct PublishedResNet: PublishedModel {
  public var model: ResNet

  public static let card = ArchitectureCard(
    "ResNet", family: "vision", layouts: ["torchvision", "timm"],
    source: "He et al., arXiv:1512.03385; groups: Xie et al., arXiv:1611.05431",
    sizes: sizes.keys.sorted().map {
      .init($0, #"{"library": "torchvision", "architecture": "\#($0)"}"#)
    })

  private static let sizes: [String: ResNetConfiguration] = [
    "resnet18": .resnet18, "resnet34": .resnet34, "resnet50": .resnet50, "resnet101": .resnet101,
    "resnet152": .resnet152, "resnext50_32x4d": .resnext50,
    "resnext101_32x8d": .init(
      block: .bottleneck, layers: [3, 4, 23, 3], groups: 32, widthPerGroup: 8),
    "resnext101_64x4d": .init(
      block: .bottleneck, layers: [3, 4, 23, 3], groups: 64, widthPerGroup: 4),
    "wide_resnet50_2": .wideResnet50,
    "wide_resnet101_2": .init(block: .bottleneck, layers: [3, 4, 23, 3], widthPerGroup: 128),
  ]

  /// Constructors that take every size as an argument.
  private static let general = ["resnet", "ResNet"]

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let name = configuration.architecture
    return ["torchvision", "timm"].contains(configuration.library)
      && (sizes[name] != nil || general.contains(name))
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    var sizes = Self.sizes[configuration.architecture] ?? .resnet50
    if arguments.has("block") { sizes.block = try Self.block(arguments) }
    sizes.layers = try arguments.sizes("layers", default: sizes.layers)
    sizes.widths = try arguments.sizes("channels", default: sizes.widths)
    sizes.groups = try arguments.size(
      "groups", default: try arguments.size("cardinality", default: sizes.groups))
    sizes.widthPerGroup = try arguments.size(
      "width_per_group", default: try arguments.size("base_width", default: sizes.widthPerGroup))
    sizes.inputs = try arguments.size("in_chans", default: sizes.inputs)
    sizes.stem.channels = try arguments.size("stem_width", default: sizes.stem.channels)
    let classes = try arguments.integer(
      "num_classes", default: configuration.integer("num_classes", default: sizes.classes))
    try arguments.require(classes >= 0, "num_classes", "is \(classes)", "it must not be negative")
    sizes.classes = classes
    try arguments.require(
      sizes.layers.count == sizes.widths.count, "layers", "has \(sizes.layers.count) stages",
      "give as many as there are widths, \(sizes.widths.count)")
    if sizes.block == .bottleneck {
      for width in sizes.widths {
        try arguments.require(
          width * sizes.widthPerGroup % 64 == 0 || sizes.groups == 1, "channels", "has \(width)",
          "groups need multiples of 64")
      }
    }
    model = ResNet(sizes, key: key)
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
        mend: "it must be \"basic\" or \"bottleneck\"")
    }
    return block
  }

  public var names: WeightNames { [:] }
  /// The batches that PyTorch's norms have seen.
  public var ignored: [String] { [] }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    var copy = model
    let maps = copy.maps(try inputs.pictures("x", channels: model.configuration.inputs), phase)
    let features = globalAveragePooling(maps.last!)
    var outputs = [
      "logits": copy.fc(features, phase), "maxpool": maps[0].channelsLeading,
      "avgpool": features.expanded(-1).expanded(-1),
    ]
    for i in model.stages.indices { outputs["layer\(i + 1)"] = maps[i + 1].channelsLeading }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    crossEntropy(
      model(try inputs.pictures("x", channels: model.configuration.inputs), phase),
      try inputs("labels"))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
