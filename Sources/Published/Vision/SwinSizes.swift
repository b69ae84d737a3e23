internal import Documents
internal import Layers
internal import Models

/// What the three libraries' configurations of Swin Transformers say.
extension PublishedSwin {
  typealias Sizes = SwinConfiguration

  static let torchvisionSizes: [String: Sizes] = {
    var sizes: [String: Sizes] = ["swin_t": .tiny, "swin_s": .small, "swin_b": .base]
    for (name, rate) in [("swin_t", 0.2), ("swin_s", 0.3), ("swin_b", 0.5)] {
      sizes[name]!.stochasticDepth = rate
    }
    return sizes
  }()

  static func torchvision(_ configuration: ModelConfiguration) throws(PublishedError) -> Sizes {
    let arguments = try configuration.arguments
    var known: Set = [
      "num_classes", "dropout", "attention_dropout", "stochastic_depth_prob", "mlp_ratio",
    ]
    var sizes: Sizes
    if let named = torchvisionSizes[configuration.architecture] {
      sizes = named
    } else {
      known.formUnion(["patch_size", "embed_dim", "depths", "num_heads", "window_size"])
      sizes = Sizes(stages: try stages(arguments, .tiny, isRequired: true))
      let window = try arguments.pair("window_size")
      try arguments.requireWindow(window)
      for (i, stage) in sizes.stages.enumerated() {
        try arguments.require("num_heads", stage.heads, divides: "embed_dim", stage.width)
        (sizes.stages[i].window, sizes.stages[i].shift) = (window, window.map { $0 / 2 })
      }
      sizes.patch = try arguments.pair("patch_size")
    }
    try arguments.refuseOthers(than: known)
    for i in sizes.stages.indices {
      sizes.stages[i].inner = try arguments.innerWidth(
        "mlp_ratio", default: 4, of: sizes.stages[i].width)
    }
    sizes.dropout = try arguments.rate("dropout")
    sizes.innerDropout = sizes.dropout
    sizes.attentionDropout = try arguments.rate("attention_dropout")
    sizes.stochasticDepth = try arguments.rate(
      "stochastic_depth_prob", default: sizes.stochasticDepth)
    sizes.classes = try configuration.classes(atLeast: 1)
    return sizes
  }

  /// Widths, layers and heads of all stages.
  static func stages(
    _ values: ModelConfiguration, _ named: Sizes, isRequired: Bool = false
  ) throws(PublishedError) -> [Sizes.Stage] {
    let width = try values.size(
      "embed_dim", default: isRequired ? nil : named.stages[0].width, atMost: widest)
    let layers = try values.sizes(
      "depths", default: isRequired ? nil : named.stages.map(\.layers), atMost: 4096)
    let heads = try values.sizes(
      "num_heads", default: isRequired ? nil : named.stages.map(\.heads))
    try values.require(
      (1...10).contains(layers.count), "depths", "has \(layers.count) stages", "give 1 to 10")
    try values.require(
      heads.count == layers.count, "num_heads", "has \(heads.count) stages",
      "give as many as \"depths\" has, \(layers.count)")
    return layers.indices.map {
      Sizes.Stage(width: width << $0, layers: layers[$0], heads: heads[$0])
    }
  }

  // MARK: timm

  static func timmSizes(_ name: String) -> (sizes: Sizes, image: Int)? {
    let name = name.prefix { $0 != "." }
    let named: [Substring: Sizes] = [
      "tiny": .tiny, "small": .small, "base": .base, "large": .large,
    ]
    if let match = name.wholeMatch(of: /swin_(tiny|small|base|large)_patch(\d+)_window(\d+)_(\d+)/),
      var sizes = named[match.1], let patch = Int(match.2), let window = Int(match.3),
      let image = Int(match.4), patch > 0, window > 0
    {
      sizes.patch = [patch, patch]
      for i in sizes.stages.indices { sizes.stages[i].window = [window, window] }
      return (sizes, image)
    }
    guard let match = name.wholeMatch(of: /swin_s3_(tiny|small|base)_224/) else { return nil }
    var sizes = match.1 == "tiny" ? Sizes.tiny : .small
    if match.1 == "base" { sizes.stages[2].layers = 30 }
    for (i, window) in [match.1 == "small" ? 14 : 7, match.1 == "small" ? 14 : 7, 14, 7]
      .enumerated()
    {
      sizes.stages[i].window = [window, window]
    }
    return (sizes, 224)
  }

  private static let timmArguments: Set<String> = [
    "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depths",
    "num_heads", "head_dim", "window_size", "always_partition", "strict_img_size",
    "dynamic_img_size", "mlp_ratio", "qkv_bias", "drop_rate", "proj_drop_rate", "attn_drop_rate",
    "drop_path_rate", "weight_init",
  ]

  /// - Returns: also the only size of pictures, where there is but one.
  static func timm(_ configuration: ModelConfiguration) throws(PublishedError)
    -> (sizes: Sizes, image: [Int]?)
  {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: timmArguments)
    let (named, side) = timmSizes(configuration.architecture) ?? (.tiny, 224)
    var sizes = Sizes(stages: try stages(arguments, named))
    let image = try configuration.timmImage(default: [side, side])
    sizes.patch = try arguments.pair("patch_size", default: named.patch[0], named.patch[1])
    try arguments.requireGrid(image, sizes.patch, "img_size")
    let grid = zip(image, sizes.patch).map { $0 / $1 }
    sizes.shifting = .fixed
    try readTimmStages(&sizes, arguments, named, grid)
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
    sizes.pooling = try configuration.globalPooling()
    sizes.hasQueryBias = try arguments.bool("qkv_bias", default: true)
    sizes.headDropout = try arguments.rate("drop_rate")
    sizes.dropout = try arguments.rate("proj_drop_rate")
    sizes.innerDropout = sizes.dropout
    sizes.attentionDropout = try arguments.rate("attn_drop_rate")
    sizes.stochasticDepth = try arguments.rate("drop_path_rate", default: 0.1)
    let isStrict = try arguments.bool("strict_img_size", default: true)
    let isDynamic = try arguments.bool("dynamic_img_size", default: false)
    return (sizes, isStrict && !isDynamic ? image : nil)
  }

  /// Heads, inner widths and windows; windows are not larger than a stage's map, unless they are always to be cut.
  private static func readTimmStages(
    _ sizes: inout Sizes, _ arguments: ModelConfiguration, _ named: Sizes, _ grid: [Int]
  ) throws(PublishedError) {
    let count = sizes.stages.count
    let isFixed = try arguments.bool("always_partition", default: false)
    let heads = try arguments.perStage("head_dim", count) { $0.integer }
    let ratios = try arguments.perStage("mlp_ratio", count) { $0.real }
    let windows = try timmWindows(
      arguments, count,
      default: count == named.stages.count
        ? named.stages.map(\.window) : .init(repeating: [7, 7], count: count))
    for i in 0..<count {
      let stage = sizes.stages[i]
      if let head = heads?[i] {
        try arguments.require(
          (1...widest).contains(head), "head_dim", "is \(head)", "it must be at least 1")
        sizes.stages[i].headWidth = head
      } else {
        try arguments.require("num_heads", stage.heads, divides: "embed_dim", stage.width)
      }
      let ratio = ratios?[i] ?? 4
      try arguments.require(
        0 < ratio && ratio < 100, "mlp_ratio", "is \(ratio)", "it must lie between 0 and 100")
      let inner = Int(Double(stage.width) * ratio)
      sizes.stages[i].inner = inner == 0 ? stage.width : inner
      let map = grid.map { ($0 + (1 << i) - 1) >> i }
      let window = isFixed ? windows[i] : zip(map, windows[i]).map { min($0, $1) }
      sizes.stages[i].window = window
      sizes.stages[i].shift = zip(zip(map, window), windows[i]).map { sizes, wanted in
        isFixed || sizes.0 > sizes.1 ? wanted / 2 : 0
      }
    }
  }

  /// One size, height and width, or one of either for each stage.
  private static func timmWindows(
    _ arguments: ModelConfiguration, _ stages: Int, default windows: [[Int]]
  ) throws(PublishedError) -> [[Int]] {
    var windows = windows
    if let value = arguments.values["window_size"], arguments.has("window_size") {
      func pair(_ value: JSONValue) -> [Int] {
        let sizes = value.integer.map { [$0, $0] } ?? value.elements?.compactMap(\.integer) ?? []
        return sizes.count == 1 ? sizes + sizes : sizes
      }
      let parts = value.elements ?? []
      let isOne = value.integer != nil || parts.count == 2 && parts.allSatisfy { $0.integer != nil }
      windows = isOne ? .init(repeating: pair(value), count: stages) : parts.map(pair)
    }
    try arguments.require(
      windows.count == stages && windows.allSatisfy { $0.count == 2 }, "window_size",
      "has \(windows.count) entries", "give one size, or one for each of \(stages) stages")
    for window in windows { try arguments.requireWindow(window) }
    return windows
  }

  // MARK: transformers

  static func transformers(_ values: ModelConfiguration) throws(PublishedError) -> Sizes {
    var sizes = Sizes(stages: try stages(values, .tiny))
    let window = try values.size("window_size", default: 7)
    try values.requireWindow([window, window])
    for (i, stage) in sizes.stages.enumerated() {
      try values.require("num_heads", stage.heads, divides: "embed_dim", stage.width)
      sizes.stages[i].inner = Int(
        try values.positive("mlp_ratio", default: 4) * Double(stage.width))
      try values.require(
        sizes.stages[i].inner > 0, "mlp_ratio", "leaves nothing inside", "make it larger")
      (sizes.stages[i].window, sizes.stages[i].shift) = (
        [window, window], [window / 2, window / 2]
      )
    }
    sizes.patch = try values.pair("patch_size", default: 4)
    sizes.inputs = try values.size("num_channels", default: 3, atMost: widest)
    let image = try values.pair("image_size", default: 224)
    if try values.bool("use_absolute_embeddings", default: false) {
      try values.requireGrid(image, sizes.patch, "image_size")
      sizes.grid = zip(image, sizes.patch).map { $0 / $1 }
    }
    sizes.shifting = .byMap
    sizes.padsPictures = true
    sizes.isFused = false
    sizes.hasQueryBias = try values.bool("qkv_bias", default: true)
    sizes.activation = try values.activation("hidden_act", default: .gelu)
    sizes.epsilon = try values.epsilon("layer_norm_eps", default: 1e-5)
    sizes.dropout = try values.rate("hidden_dropout_prob")
    sizes.tokenDropout = sizes.dropout
    sizes.attentionDropout = try values.rate("attention_probs_dropout_prob")
    sizes.stochasticDepth = try values.rate("drop_path_rate", default: 0.1)
    sizes.classes =
      values.architecture == "SwinForImageClassification" ? try LabelledClasses(values).count : 0
    return sizes
  }
}

extension ModelConfiguration {
  /// A number for all stages or one for each; nil where there is none.
  fileprivate func perStage<T>(_ name: String, _ stages: Int, _ convert: (JSONValue) -> T?)
    throws(PublishedError) -> [T?]?
  {
    guard let value = values[name], has(name) else { return nil }
    let parts = value.elements ?? [JSONValue](repeating: value, count: stages)
    let numbers = parts.map { $0.isNull ? nil : convert($0) }
    try require(
      parts.count == stages && !zip(parts, numbers).contains { !$0.isNull && $1 == nil }, name,
      "has no number for each stage", "give one, or one for each of \(stages) stages")
    return numbers
  }

  /// Refuses windows whose scores would not fit into memory.
  func requireWindow(_ window: [Int]) throws(PublishedError) {
    try require(
      window.allSatisfy { (1...64).contains($0) }, "window_size", "is \(window)",
      "sizes must lie between 1 and 64")
  }
}
