internal import Documents
internal import Layers
internal import Models

/// What a constructor of timm's EfficientNets gives its generator.
struct TimmEfficientNet {
  var rows = EfficientNetConfiguration.baseline
  var width = 1.0
  var depth = 1.0
  var stem = 32
  var activation = Activation.silu
  /// Lite ones leave stem, head and the depth of the outer stages as they are.
  var isLite = false
  /// Whether the head is as wide in all sizes.
  var fixesHead = false
  /// Below which share of their number channels are not rounded.
  var limit = 0.9
  /// Whether it pads and normalises as the original in TensorFlow.
  var isOriginal = false

  /// nil where no constructor is called so.
  init?(_ name: String) {
    var name = name[...]
    if name.hasPrefix("tf_") {
      isOriginal = true
      name.removeFirst(3)
    }
    if name.hasPrefix("efficientnet_lite") {
      guard let size = name.last, "01234".contains(size), name.count == 18 else { return nil }
      _ = scale("b\(size)")
      (activation, isLite, fixesHead) = (.relu6, true, true)
      for i in rows.indices { rows[i].squeezes = false }
    } else if name.hasPrefix("efficientnetv2_") {
      let size = String(name.dropFirst("efficientnetv2_".count))
      if let rows = EfficientNetConfiguration.second[size] {
        (self.rows, stem, fixesHead) = (rows, rows[0].channels, size != "s")
      } else {
        guard ["b0", "b1", "b2", "b3"].contains(size), isOriginal else { return nil }
        _ = scale(size)
        (rows, limit) = (EfficientNetConfiguration.secondBaseline, 0)
      }
    } else {
      guard name.hasPrefix("efficientnet_") else { return nil }
      if !scale(String(name.dropFirst("efficientnet_".count))) { return nil }
    }
  }

  private mutating func scale(_ size: String) -> Bool {
    let larger = ["b8": (2.2, 3.6), "l2": (4.3, 5.3)]
    guard
      let scale = PublishedEfficientNet.scales[size].map({ ($0.width, $0.depth) }) ?? larger[size]
    else { return false }
    (width, depth) = scale
    return true
  }
}

extension PublishedEfficientNet {
  static func timm(_ configuration: ModelConfiguration) throws(PublishedError) -> Sizes {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: [
      "channel_multiplier", "depth_multiplier", "channel_divisor", "group_size", "act_layer",
      "bn_eps", "bn_momentum", "num_classes", "in_chans", "stem_kernel_size", "fix_stem",
      "output_stride", "pad_type", "norm_layer", "drop_rate", "drop_path_rate", "global_pool",
      "se_layer",
    ])
    try arguments.requireBatchNorm()
    guard let timm = TimmEfficientNet(configuration.architecture) else {
      throw .unknownArchitecture(name: configuration.architecture, file: configuration.file)
    }
    let scaling = try scaling(arguments, timm)
    let fixesStem = try arguments.bool("fix_stem", default: timm.isLite)
    let stem = fixesStem ? timm.stem : scaling.scaled(timm.stem)
    var sizes = Sizes(
      stem: stem, stages: scaling.stages(timm.rows, stem: stem),
      head: timm.fixesHead ? 1280 : scaling.scaled(1280))
    try checkChannels(sizes, arguments)
    sizes.activation = try arguments.activation("act_layer", default: timm.activation)
    sizes.epsilon = try arguments.real("bn_eps", default: timm.isOriginal ? 1e-3 : 1e-5)
    sizes.momentum = try arguments.real("bn_momentum", default: 0.1)
    let padding = try arguments.text("pad_type", default: timm.isOriginal ? "same" : "")
    try arguments.require(
      ["", "same"].contains(padding.lowercased()), "pad_type", "is \"\(padding)\"",
      "it must be \"\" or \"same\"")
    sizes.padding = padding.isEmpty ? .symmetric : .tensorFlow
    sizes.stemKernel = try arguments.size("stem_kernel_size", default: 3, atMost: widest)
    try arguments.require(
      sizes.stemKernel % 2 == 1, "stem_kernel_size", "is \(sizes.stemKernel)", "it must be odd")
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
    sizes.pooling = try configuration.globalPooling()
    sizes.dropout = try arguments.rate("drop_rate")
    sizes.stochasticDepth = try arguments.rate("drop_path_rate")
    return sizes
  }

  /// Whether squeeze and excitation is the one that timm's other networks have, with other names and rounding.
  static func usesGeneralGates(_ arguments: ModelConfiguration) throws(PublishedError) -> Bool {
    let name = try arguments.text("se_layer", default: "")
    try arguments.require(
      ["", "se"].contains(name), "se_layer", "is \"\(name)\"", "it must be \"se\", or left out")
    return name == "se"
  }

  private static func scaling(_ arguments: ModelConfiguration, _ timm: TimmEfficientNet)
    throws(PublishedError) -> Scaling
  {
    var scaling = Scaling(
      width: try arguments.positive("channel_multiplier", default: timm.width))
    let stages = timm.rows.count
    if let depths = arguments.values["depth_multiplier"]?.elements {
      scaling.depth = depths.compactMap(\.real)
      try arguments.require(
        scaling.depth.count == stages && depths.count == stages
          && scaling.depth.allSatisfy { 0 < $0 && $0 < 100 },
        "depth_multiplier", "has \(depths.count) entries",
        "give one positive number, or one for each of \(stages) stages")
    } else {
      let depth = try arguments.positive("depth_multiplier", default: timm.depth)
      scaling.depth = [Double](repeating: depth, count: stages)
    }
    if timm.isLite { (scaling.depth[0], scaling.depth[stages - 1]) = (1, 1) }
    scaling.divisor = try arguments.size("channel_divisor", default: 8, atMost: widest)
    scaling.limit = timm.limit
    scaling.outputStride = try arguments.size("output_stride", default: 32)
    if arguments.has("group_size") {
      scaling.groupSize = try arguments.integer("group_size")
      try arguments.require(
        scaling.groupSize! >= 0, "group_size", "is \(scaling.groupSize!)",
        "it must not be negative")
    }
    // A quarter of the block's input, by way of its inner channels; halves go to even numbers.
    let isGeneral = try usesGeneralGates(arguments)
    scaling.squeezed = { _, inner, expansion in
      let channels = Double(inner) * (0.25 / expansion)
      return isGeneral
        ? Scaling().rounded(channels, divisor: 8, limit: 0)
        : Int(channels.rounded(.toNearestOrEven))
    }
    return scaling
  }

  /// Refuses groups that channels do not divide into, and gates that nothing decides.
  private static func checkChannels(_ sizes: Sizes, _ arguments: ModelConfiguration)
    throws(PublishedError)
  {
    var inputs = sizes.stem
    for block in sizes.stages.joined() {
      let channels = [
        block.inner, block.kind == .fused ? inputs : block.inner,
        block.kind == .plain ? block.outputs : block.inner,
      ]
      try arguments.require(
        block.groups > 0 && channels.allSatisfy { $0 % block.groups == 0 }, "group_size",
        "does not divide the channels \(channels) of a block", "choose a divisor, or leave it out")
      try arguments.require(
        block.squeezed != 0, "channel_multiplier",
        "leaves a block of \(inputs) channels none for its gates", "choose a greater one")
      inputs = block.outputs
    }
  }
}
