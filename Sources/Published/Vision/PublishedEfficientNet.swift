internal import Documents
internal import Layers
public import Models
public import Tensors

/// EfficientNet, EfficientNet-Lite and EfficientNetV2 in torchvision's and timm's layouts, EfficientNet-Lite also under the
/// names of efficientnet-lite-pytorch.
public struct PublishedEfficientNet: PublishedClassifier {
  public var model: EfficientNet
  public let names: WeightNames
  public let olderNames: WeightNames
  public var channels: Int { model.configuration.inputs }

  public static let card = ArchitectureCard(
    "EfficientNet", family: "vision",
    layouts: ["torchvision", "timm", "efficientnet-lite-pytorch"],
    source: "Tan and Le, arXiv:1905.11946 and arXiv:2104.00298",
    sizes: scales.keys.sorted().map {
      .init("efficientnet_\($0)", config("torchvision", "efficientnet_\($0)"))
    }
      + ["s", "m", "l"].map {
        .init("efficientnet_v2_\($0)", config("torchvision", "efficientnet_v2_\($0)"))
      }
      + ["", "tf_"].flatMap { original in
        (0..<5).map { "\(original)efficientnet_lite\($0)" }.map { .init($0, config("timm", $0)) }
      })

  private static func config(_ library: String, _ name: String) -> String {
    let edge = edges[String(name.split(separator: "_", maxSplits: 1)[1])] ?? 224
    return #"{"library": "\#(library)", "architecture": "\#(name)", "#
      + #""pretrained_cfg": {"input_size": [3, \#(edge), \#(edge)]}}"#
  }

  /// Pixels of the edges of the pictures that published weights are for.
  private static let edges = [
    "b0": 224, "b1": 240, "b2": 288, "b3": 300, "b4": 380, "b5": 456, "b6": 528, "b7": 600,
    "v2_s": 384, "v2_m": 480, "v2_l": 480, "lite0": 224, "lite1": 240, "lite2": 260, "lite3": 300,
    "lite4": 380,
  ]

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    let name = configuration.architecture
    return switch configuration.library {
    case "torchvision": name == "EfficientNet" || torchvisionTables[name] != nil
    case "timm": TimmEfficientNet(name) != nil
    default: false
    }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let isTimm = configuration.library == "timm"
    let sizes = try isTimm ? Self.timm(configuration) : Self.torchvision(configuration)
    model = EfficientNet(sizes, key: key)
    names =
      try isTimm
      ? Self.timmNames(sizes, generalGates: Self.usesGeneralGates(configuration.arguments))
      : Self.torchvisionNames(sizes)
    olderNames = isTimm ? Self.liteNames(sizes) : [:]
  }

  // MARK: Names

  private static func torchvisionNames(_ sizes: EfficientNetConfiguration) -> WeightNames {
    var rules = unit("stem", "features.0") + unit("head", "features.\(sizes.stages.count + 1)")
    for (i, blocks) in sizes.stages.enumerated() {
      for (j, block) in blocks.enumerated() {
        let (ours, theirs) = ("stages.\(i).\(j)", "features.\(i + 1).\(j)")
        var parts = ["spatial"]
        if block.kind == .inverted { parts.insert("expand", at: 0) }
        if block.squeezed != nil { parts.append("squeeze") }
        if block.kind != .plain { parts.append("project") }
        for (place, part) in parts.enumerated() {
          rules += unit("\(ours).\(part)", "\(theirs).block.\(place)")
        }
      }
    }
    rules += sizes.stages.indices.map { ("stages.\($0)", "features.\($0 + 1)") }
    return WeightNames(rules + [("classifier", "classifier.1"), ("pooled", "avgpool")])
  }

  private static func unit(_ ours: String, _ theirs: String) -> [(String, String)] {
    [("\(ours).conv", "\(theirs).0"), ("\(ours).bn", "\(theirs).1"), (ours, theirs)]
  }

  private static func timmNames(_ sizes: EfficientNetConfiguration, generalGates: Bool)
    -> WeightNames
  {
    func unit(_ ours: String, _ convolution: String, _ norm: String) -> [(String, String)] {
      [("\(ours).conv", convolution), ("\(ours).bn", norm), (ours, norm)]
    }
    var rules = unit("stem", "conv_stem", "bn1") + unit("head", "conv_head", "bn2")
    for (i, blocks) in sizes.stages.enumerated() {
      for (j, block) in blocks.enumerated() {
        let units =
          switch block.kind {
          case .depthwise: ["spatial": "conv_dw", "project": "conv_pw"]
          case .inverted: ["expand": "conv_pw", "spatial": "conv_dw", "project": "conv_pwl"]
          case .fused: ["spatial": "conv_exp", "project": "conv_pwl"]
          case .plain: ["spatial": "conv"]
          }
        let (ours, theirs) = ("stages.\(i).\(j)", "blocks.\(i).\(j)")
        for (place, part) in ["expand", "spatial", "project"].filter({ units[$0] != nil })
          .enumerated()
        {
          rules += unit("\(ours).\(part)", "\(theirs).\(units[part]!)", "\(theirs).bn\(place + 1)")
        }
      }
    }
    rules += [
      ("stages.*.*.squeeze.fc1", "blocks.*.*.se." + (generalGates ? "fc1" : "conv_reduce")),
      ("stages.*.*.squeeze.fc2", "blocks.*.*.se." + (generalGates ? "fc2" : "conv_expand")),
      ("stages.*.*.squeeze", "blocks.*.*.se"), ("stages", "blocks"), ("pooled", "global_pool"),
    ]
    return WeightNames(rules)
  }
}

// MARK: - EfficientNet-Lite

extension PublishedEfficientNet {
  /// The names of efficientnet-lite-pytorch by timm's: blocks are counted through all stages, and a norm is called by its
  /// place in a block that widens.
  private static func liteNames(_ sizes: EfficientNetConfiguration) -> WeightNames {
    var rules = [
      ("conv_stem", "_conv_stem"), ("bn1", "_bn0"), ("conv_head", "_conv_head"), ("bn2", "_bn1"),
      ("classifier", "_fc"),
    ]
    var place = 0
    for (i, blocks) in sizes.stages.enumerated() {
      for (j, block) in blocks.enumerated() {
        let (timm, lite) = ("blocks.\(i).\(j)", "_blocks.\(place)")
        let widens = block.kind == .inverted
        let units = [
          ("conv_pw", "_expand_conv"), ("conv_dw", "_depthwise_conv"),
          (widens ? "conv_pwl" : "conv_pw", "_project_conv"),
        ]
        for (number, unit) in units.dropFirst(widens ? 0 : 1).enumerated() {
          rules.append(("\(timm).\(unit.0)", "\(lite).\(unit.1)"))
          rules.append(("\(timm).bn\(number + 1)", "\(lite)._bn\(number + (widens ? 0 : 1))"))
        }
        place += 1
      }
    }
    return WeightNames(rules)
  }
}

// MARK: - torchvision

extension PublishedEfficientNet {
  typealias Sizes = EfficientNetConfiguration
  typealias Row = EfficientNetConfiguration.Row
  typealias Scaling = EfficientNetConfiguration.Scaling

  /// Width, depth, and dropout before the classifier (arXiv:1905.11946, eq. 3 and appendix).
  static let scales: [String: (width: Double, depth: Double, dropout: Double)] = [
    "b0": (1, 1, 0.2), "b1": (1, 1.1, 0.2), "b2": (1.1, 1.2, 0.3), "b3": (1.2, 1.4, 0.3),
    "b4": (1.4, 1.8, 0.4), "b5": (1.6, 2.2, 0.4), "b6": (1.8, 2.6, 0.5), "b7": (2, 3.1, 0.5),
  ]

  /// By constructor: scaling, dropout, rows, channels of the stem and of the head.
  private static let torchvisionTables: [String: Sizes] = {
    var tables: [String: Sizes] = [:]
    for (name, scale) in scales {
      var sizes = Sizes.scaled(Scaling(width: scale.width, depth: scale.depth))
      sizes.head = 4 * sizes.stages.last!.last!.outputs
      sizes.dropout = scale.dropout
      if ["b5", "b6", "b7"].contains(name) { (sizes.epsilon, sizes.momentum) = (1e-3, 0.01) }
      tables["efficientnet_\(name)"] = sizes
    }
    for (name, dropout) in [("s", 0.2), ("m", 0.3), ("l", 0.4)] {
      var sizes = Sizes.scaled(Scaling(), rows: Sizes.second[name]!)
      (sizes.epsilon, sizes.dropout) = (1e-3, dropout)
      tables["efficientnet_v2_\(name)"] = sizes
    }
    return tables
  }()

  private static func torchvision(_ configuration: ModelConfiguration) throws(PublishedError)
    -> Sizes
  {
    let arguments = try configuration.arguments
    var known: Set = ["num_classes", "dropout", "stochastic_depth_prob"]
    var sizes: Sizes
    if let table = torchvisionTables[configuration.architecture] {
      sizes = table
    } else {
      known.formUnion(["settings", "width_mult", "depth_mult", "last_channel"])
      sizes = try explicit(arguments)
    }
    try arguments.refuseOthers(than: known)
    sizes.dropout = try arguments.rate("dropout", default: sizes.dropout)
    sizes.stochasticDepth = try arguments.rate("stochastic_depth_prob", default: 0.2)
    sizes.classes = try configuration.classes(atLeast: 1)
    return sizes
  }

  /// The class itself, with a row of numbers for each stage: expansion, kernel, stride, inputs, outputs, layers.
  private static func explicit(_ arguments: ModelConfiguration) throws(PublishedError) -> Sizes {
    func require(_ condition: Bool, _ problem: String, _ mend: String) throws(PublishedError) {
      try arguments.require(condition, "settings", problem, mend)
    }
    let scaling = Scaling(
      width: try arguments.positive("width_mult", default: 1),
      depth: try arguments.positive("depth_mult", default: 1))
    let settings = arguments.values["settings"]?.elements ?? []
    try require(!settings.isEmpty, "lists no stages", "give six numbers for each")
    var rows: [Row] = []
    var (stem, channels) = (0, 0)
    for row in settings {
      let expansion = row.elements?.first?.real ?? 0
      let rest = row.elements?.dropFirst().compactMap(\.integer) ?? []
      let text = String(decoding: row.encoded().prefix(60), as: UTF8.self)
      try require(
        rest.count == 5 && row.elements?.count == 6 && rest.allSatisfy { (1...widest) ~= $0 }
          && expansion > 0 && expansion < 1000, "has the stage \(text)",
        "give expansion, kernel, stride, channels in and out, and layers: six positive numbers")
      try require(
        rest[0] % 2 == 1 && rest[1] <= 2, "has the stage \(text)",
        "kernels are odd and strides 1 or 2")
      let inputs = scaling.scaled(rest[2])
      if rows.isEmpty {
        stem = inputs
      } else {
        try require(
          inputs == channels, "has \(inputs) channels (scaled) behind a stage of \(channels)",
          "let every stage begin with the channels of the one before")
      }
      channels = scaling.scaled(rest[3])
      rows.append(
        Row(expansion, kernel: rest[0], stride: rest[1], rest[3], layers: rest[4]))
    }
    var unlimited = scaling
    unlimited.outputStride = .max
    return Sizes(
      stem: stem, stages: unlimited.stages(rows, stem: stem),
      head: try arguments.size("last_channel", default: 4 * channels, atMost: widest))
  }
}
