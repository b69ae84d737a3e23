internal import Documents
public import Layers
public import Models
public import Tensors

/// What the bridges of ViT and DeiT share.
public protocol PublishedVisionTransformer: PublishedModel {
  var model: ViT { get set }
  /// Of the classes, where transformers wrote the file.
  var labels: LabelledClasses? { get }
}

extension PublishedVisionTransformer {
  public var pictureSize: [Int]? {
    model.configuration.resamplesPositions ? nil : model.configuration.image
  }

  /// The pictures as the network takes them.
  func pictures(_ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let configuration = model.configuration
    let name = labels == nil ? "x" : "pixel_values"
    let pictures = try inputs.pictures(name, channels: configuration.inputs)
    let size = Array(pictures.shape[1...2])
    func require(_ condition: Bool, _ wanted: String) throws(PublishedError) {
      guard !condition else { return }
      throw .input(name: name, problem: "its shape is \(inputs[name]!.shape), but \(wanted)")
    }
    try require(pictures.shape[0] > 0, "there must be pictures")
    if configuration.resamplesPositions {
      let fits = zip(size, configuration.patch).allSatisfy {
        $0 > 0 && (configuration.padsPictures || $0 % $1 == 0)
      }
      try require(fits, "pictures are made of patches of \(configuration.patch) pixels")
    } else {
      try require(
        size == configuration.image,
        "pictures have \(configuration.image[0]) x \(configuration.image[1]) pixels")
    }
    return pictures
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pictures = try pictures(inputs)
    let names = names
    let (logits, inner) = Recording.of { model(pictures, phase) }
    var outputs = ["logits": logits]
    for (name, value) in inner {
      // Maps are pictures, tokens are not.
      outputs[names(name)] = value.rank == 4 ? value.channelsLeading : value
    }
    if labels != nil {
      outputs["last_hidden_state"] = inner["norm"]
      outputs["pooler_output"] = inner["pooled"]
    } else if model.configuration.resamplesPositions, let tokens = inner["patch_embed"] {
      // timm leaves such pictures' tokens in rows and columns.
      let rows = inner["patch_embed.proj"]?.shape[1] ?? 1
      outputs["patch_embed"] = tokens.reshaped([tokens.shape[0], rows, -1, tokens.shape[2]])
    }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pictures = try pictures(inputs)
    let logits = model(pictures, phase)
    if let labels { return try labels.loss(logits, inputs) }
    return try classLoss(logits, inputs.labels(of: pictures))
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

// MARK: - Configurations

extension ViTConfiguration {
  /// What transformers writes for ViT and its kin, without a head.
  static func transformers(
    _ values: ModelConfiguration, patch: Int = 16, activation: Activation = .gelu,
    epsilon: Double = 1e-12
  ) throws(PublishedError) -> Self {
    let (width, layers) = (
      try values.size("hidden_size", default: 768, atMost: widest),
      try values.size("num_hidden_layers", default: 12, atMost: 4096)
    )
    var sizes = Self(
      image: try values.pair("image_size", default: 224),
      patch: try values.pair("patch_size", default: patch), width: width, layers: layers,
      heads: try values.size("num_attention_heads", default: 12),
      inner: try values.size("intermediate_size", default: 3072, atMost: 1 << 20))
    if values.has("head_dim") {
      sizes.headWidth = try values.size("head_dim", atMost: widest)
    } else {
      try values.require("num_attention_heads", sizes.heads, divides: "hidden_size", width)
    }
    try values.requireGrid(sizes.image, sizes.patch, "image_size")
    sizes.inputs = try values.size("num_channels", default: 3, atMost: widest)
    sizes.activation = try values.activation("hidden_act", default: activation)
    sizes.epsilon = try values.epsilon("layer_norm_eps", default: epsilon)
    sizes.hasQueryBias = try values.bool("qkv_bias", default: true)
    sizes.isFused = false
    sizes.dropout = try values.rate("hidden_dropout_prob")
    sizes.tokenDropout = sizes.dropout
    sizes.attentionDropout = try values.rate("attention_probs_dropout_prob")
    sizes.classes = 0
    return sizes
  }

  /// What transformers' networks without a classifier put behind the class token.
  mutating func readPooler(_ values: ModelConfiguration) throws(PublishedError) {
    representation = .init(
      width: try values.size("pooler_output_size", default: width, atMost: widest),
      activation: try values.activation("pooler_act", default: .tanh))
  }

  /// timm's arguments over what a constructor's name stands for.
  static func timm(_ configuration: ModelConfiguration, _ named: Self) throws(PublishedError)
    -> Self
  {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: timmArguments)
    for name in ["qk_norm", "scale_attn_norm", "scale_mlp_norm"] {
      try arguments.require(
        try !arguments.bool(name, default: false), name, "is true", "such norms are not supported")
    }
    var sizes = named
    sizes.image = try configuration.timmImage(default: named.image)
    sizes.patch = try arguments.pair("patch_size", default: named.patch[0], named.patch[1])
    try arguments.requireGrid(sizes.image, sizes.patch, "img_size")
    sizes.inputs = try configuration.pictureChannels()
    sizes.classes = try configuration.classes()
    try sizes.readTimmBlocks(arguments, ratio: Double(named.inner) / Double(named.width))
    try sizes.readTimmTokens(arguments, configuration)
    return sizes
  }

  private static let timmArguments: Set<String> = [
    "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depth",
    "num_heads", "mlp_ratio", "qkv_bias", "qk_norm", "scale_attn_norm", "scale_mlp_norm",
    "proj_bias", "init_values", "class_token", "pos_embed", "no_embed_class", "reg_tokens",
    "pre_norm", "final_norm", "fc_norm", "pool_include_prefix", "dynamic_img_size",
    "dynamic_img_pad", "drop_rate", "pos_drop_rate", "proj_drop_rate", "attn_drop_rate",
    "drop_path_rate", "norm_layer", "act_layer", "weight_init", "fix_init",
  ]

  private mutating func readTimmBlocks(_ arguments: ModelConfiguration, ratio: Double)
    throws(PublishedError)
  {
    width = try arguments.size("embed_dim", default: width, atMost: widest)
    layers = try arguments.size("depth", default: layers, atMost: 4096)
    heads = try arguments.size("num_heads", default: heads)
    try arguments.require("num_heads", heads, divides: "embed_dim", width)
    inner = try arguments.innerWidth("mlp_ratio", default: ratio, of: width)
    hasQueryBias = try arguments.bool("qkv_bias", default: hasQueryBias)
    hasBias = try arguments.bool("proj_bias", default: true)
    if arguments.has("init_values") {
      let scale = try arguments.real("init_values")
      layerScale = scale == 0 ? nil : scale
    }
    activation = try arguments.activation("act_layer", default: activation)
    if arguments.has("norm_layer") {
      let name = try arguments.text("norm_layer").lowercased()
      try arguments.require(
        ["", "layernorm"].contains(name), "norm_layer", "is \"\(name)\"",
        "only \"layernorm\" is supported")
      epsilon = 1e-6
    }
    headDropout = try arguments.rate("drop_rate")
    tokenDropout = try arguments.rate("pos_drop_rate")
    dropout = try arguments.rate("proj_drop_rate")
    innerDropout = dropout
    attentionDropout = try arguments.rate("attn_drop_rate")
    stochasticDepth = try arguments.rate("drop_path_rate")
  }

  private mutating func readTimmTokens(
    _ arguments: ModelConfiguration, _ configuration: ModelConfiguration
  ) throws(PublishedError) {
    hasClassToken = try arguments.bool("class_token", default: hasClassToken)
    registers = try arguments.integer("reg_tokens", default: 0)
    try arguments.require(
      (0...widest).contains(registers), "reg_tokens", "is \(registers)",
      "it must lie between 0 and \(widest)")
    let kind = try arguments.text("pos_embed", default: "learn")
    try arguments.require(
      ["", "none", "learn"].contains(kind), "pos_embed", "is \"\(kind)\"",
      "it must be \"learn\" or \"none\"")
    let isApart = try arguments.bool("no_embed_class", default: positions == .patches)
    positions = kind != "learn" ? .none : isApart ? .patches : .all
    normalisesFirst = try arguments.bool("pre_norm", default: normalisesFirst)
    resamplesPositions = try arguments.bool("dynamic_img_size", default: false)
    padsPictures = try arguments.bool("dynamic_img_pad", default: false)
    try arguments.require(
      !padsPictures || resamplesPositions || zip(image, patch).allSatisfy { $0 % $1 == 0 },
      "dynamic_img_pad", "is true where positions are fixed", "set \"dynamic_img_size\" too")
    let name = try arguments.text(
      "global_pool", default: try configuration.text("global_pool", default: pooling.rawValue))
    guard let pooling = Pooling(rawValue: name) else {
      throw .configuration(
        file: arguments.file, problem: "\"global_pool\" is \"\(name)\"",
        mend: "it must be \"token\", \"avg\", \"max\", \"avgmax\" or \"\"")
    }
    try arguments.require(
      pooling != .token || hasClassToken, "global_pool",
      "is \"token\", but there is no class token",
      "choose \"avg\", or set \"class_token\"")
    // Constructors that pool by themselves norm before that.
    let wasToken = self.pooling == .token
    self.pooling = pooling
    poolsAllTokens = try arguments.bool("pool_include_prefix", default: false)
    let isPooled = try arguments.bool(
      "fc_norm", default: wasToken && ![.token, .none].contains(pooling))
    let hasNorm = try arguments.bool("final_norm", default: true)
    lastNorm = !hasNorm ? .none : isPooled ? .pooled : .tokens
  }
}

extension ModelConfiguration {
  /// Height and width; one number stands for both.
  func pair(_ name: String, default height: Int? = nil, _ width: Int? = nil)
    throws(PublishedError) -> [Int]
  {
    let sizes = try sizes(
      name, default: height.map { [$0, width ?? $0] }, atMost: 1 << 14)
    try require(
      [1, 2].contains(sizes.count), name, "is \(sizes)", "give one size, or height and width")
    return [sizes[0], sizes[sizes.count - 1]]
  }

  /// Refuses pictures smaller than a patch.
  func requireGrid(_ image: [Int], _ patch: [Int], _ name: String) throws(PublishedError) {
    let grid = zip(image, patch).map { $0 / $1 }
    try require(
      grid.allSatisfy { $0 > 0 }, name, "is \(image), less than a patch of \(patch)",
      "make pictures larger or patches smaller")
    try require(
      grid.reduce(1, *) <= 1 << 20, name, "is \(image), more than 2^20 patches of \(patch)",
      "make pictures smaller or patches larger")
  }

  /// The height and width of the pictures of a whole file of timm: an argument, or those that pretrained weights were made
  /// for.
  func timmImage(default size: [Int]) throws(PublishedError) -> [Int] {
    let weights = try part("pretrained_cfg", isOptional: true)
    let pictures = try weights.sizes("input_size", default: [3] + size)
    try weights.require(
      pictures.count == 3, "input_size", "is \(pictures)", "give channels, height and width")
    return try arguments.pair("img_size", default: pictures[1], pictures[2])
  }

  /// The inner width of feed-forward parts, by its ratio to the width.
  func innerWidth(_ name: String, default ratio: Double, of width: Int) throws(PublishedError)
    -> Int
  {
    let ratio = try positive(name, default: ratio)
    let inner = Int(Double(width) * ratio)
    return inner == 0 ? width : inner
  }
}
