internal import Documents
public import Layers
public import Models
internal import Objectives
public import Tensors

/// ALIGN in transformers' layout.
public struct PublishedALIGN: PublishedModel {
  public var model: ALIGN
  public let names: WeightNames

  public static let card = ArchitectureCard(
    "ALIGN", family: "vision and language", layouts: ["transformers"],
    source: "Jia et al., arXiv:2102.05918",
    sizes: [.init("kakaobrain/align-base", #"{"architectures": ["AlignModel"]}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("align", ["AlignModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let vision = try configuration.part("vision_config", isOptional: true).alignVision()
    let values = try configuration.part("text_config", isOptional: true)
    var text = BERTConfiguration(
      vocabulary: try values.size("vocab_size", default: 30522),
      kinds: try values.size("type_vocab_size", default: 2), stack: try values.bertStack(),
      head: .none)
    text.padding = try values.padding(default: 0, vocabulary: text.vocabulary)
    let width = try configuration.size("projection_dim", default: 640, atMost: widest)
    var sizes = ALIGNConfiguration(vision: vision, text: text)
    try configuration.require(
      sizes.vision.features == width, "projection_dim", "is \(width)",
      "it must be the channels of the last blocks, \(sizes.vision.features)")
    sizes.temperature = try configuration.real("temperature_init_value", default: 1)
    model = ALIGN(sizes, key: key)
    names = Self.names(sizes.vision)
  }

  private static func names(_ vision: EfficientNetConfiguration) -> WeightNames {
    let parts = [
      ("expand.conv", "expansion.expand_conv"), ("expand.bn", "expansion.expand_bn"),
      ("spatial.conv", "depthwise_conv.depthwise_conv"),
      ("spatial.bn", "depthwise_conv.depthwise_norm"), ("squeeze.fc1", "squeeze_excite.reduce"),
      ("squeeze.fc2", "squeeze_excite.expand"), ("project.conv", "projection.project_conv"),
      ("project.bn", "projection.project_bn"),
    ]
    var rules = [
      ("vision.stem.conv", "vision_model.embeddings.convolution"),
      ("vision.stem.bn", "vision_model.embeddings.batchnorm"),
    ]
    var place = 0
    for (i, stage) in vision.stages.enumerated() {
      for j in stage.indices {
        rules += parts.map {
          ("vision.stages.\(i).\(j).\($0.0)", "vision_model.encoder.blocks.\(place).\($0.1)")
        }
        place += 1
      }
    }
    return WeightNames(
      rules
        + PublishedBERT.encoderRules.map {
          ("text.\($0.0)", $0.1.replacing("bert.", with: "text_model.", maxReplacements: 1))
        })
  }

  public var ignored: [String] { ["text_model.embeddings.position_ids"] }

  /// What a pass gives.
  private struct Pass {
    let map: Tensor
    let pictures: Tensor
    let states: Tensor
    let pooled: Tensor?
    let texts: Tensor
    let logits: Tensor
  }

  private static func pass(
    _ model: inout ALIGN, _ inputs: ModelInputs, _ phase: Phase, pairs: Bool = false
  ) throws(PublishedError) -> Pass {
    let sizes = model.configuration
    var pictures = try inputs.pictures("pixel_values", channels: sizes.vision.inputs)
    guard pictures.count > 0, pictures.shape[1...2].min()! > 1 else {
      throw .input(
        name: "pixel_values", problem: "its shape is \(inputs["pixel_values"]!.shape): too small")
    }
    var ids = try inputs.ids("input_ids", below: sizes.text.vocabulary)
    try inputs.require("input_ids", ids.shape[1], atMost: sizes.text.stack.longest)
    var rest: [Tensor?] = [
      try inputs.padding("attention_mask", like: ids),
      inputs["token_type_ids"] == nil
        ? nil : try inputs.ids("token_type_ids", below: sizes.text.kinds, like: ids),
      inputs["position_ids"] == nil
        ? nil : try inputs.ids("position_ids", below: sizes.text.stack.longest, like: ids),
    ]
    if pairs {
      let count = min(ids.shape[0], pictures.shape[0])
      (pictures, ids) = (pictures.sliced(0, 0..<count), ids.sliced(0, 0..<count))
      rest = rest.map { $0?.sliced(0, 0..<count) }
    }
    let map = model.vision.map(pictures, phase.fork(0))
    let states = model.text.states(
      ids, kinds: rest[1], mask: rest[0], positions: rest[2], phase.fork(1)
    ).last!
    let seen = sizes.vision.pooling(map, phase).direction
    let read = model.textProjection(states.element(1, 0)).direction
    return Pass(
      map: map, pictures: seen, states: states, pooled: model.text.pooled(states), texts: read,
      logits: model.logits(texts: read, pictures: seen))
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    var copy = model
    let pass = try Self.pass(&copy, inputs, phase)
    var outputs = [
      "image_embeds": pass.pictures, "text_embeds": pass.texts, "logits_per_text": pass.logits,
      "logits_per_image": pass.logits.transposed(),
      "text_model_output.last_hidden_state": pass.states,
      "vision_model_output.last_hidden_state": pass.map.channelsLeading,
      "vision_model_output.pooler_output": model.configuration.vision.pooling(pass.map, phase),
    ]
    outputs["text_model_output.pooler_output"] = pass.pooled
    return outputs
  }

  /// Of the pictures and as many of the first texts.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    PairContrast.loss(try Self.pass(&model, inputs, phase, pairs: true).logits, smoothing: 0.1)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

extension ModelConfiguration {
  /// The vision tower: B7's numbers unless others are given.
  fileprivate func alignVision() throws(PublishedError) -> EfficientNetConfiguration {
    var scaling = EfficientNetConfiguration.Scaling(
      width: try positive("width_coefficient", default: 2))
    scaling.divisor = try size("depth_divisor", default: 8, atMost: widest)
    var network = EfficientNetConfiguration(
      stem: scaling.scaled(32), stages: try alignStages(scaling), head: 0)
    network.stemMargins = [0, 1]
    network.inputs = try size("num_channels", default: 3, atMost: widest)
    network.activation = try activation("hidden_act", default: .silu)
    network.epsilon = try epsilon("batch_norm_eps", default: 1e-3)
    network.momentum = try real("batch_norm_momentum", default: 0.99)
    network.stochasticDepth = try rate("drop_connect_rate", default: 0.2)
    let pooling = try text("pooling_type", default: "mean")
    try require(
      ["mean", "max"].contains(pooling), "pooling_type", "is \"\(pooling)\"",
      "it must be \"mean\" or \"max\"")
    network.pooling = pooling == "mean" ? .average : .max
    return network
  }

  private func alignStages(_ scaling: EfficientNetConfiguration.Scaling) throws(PublishedError)
    -> [[EfficientNetConfiguration.Block]]
  {
    let inputs = try sizes("in_channels", default: [32, 16, 24, 40, 80, 112, 192], atMost: widest)
    func list(_ name: String, _ value: [Int], atMost limit: Int) throws(PublishedError) -> [Int] {
      let numbers = try sizes(name, default: value, atMost: limit)
      try require(
        !numbers.isEmpty && numbers.count == inputs.count, name, "has \(numbers.count) stages",
        "give as many as \"in_channels\" has, \(inputs.count)")
      return numbers
    }
    let outputs = try list("out_channels", [16, 24, 40, 80, 112, 192, 320], atMost: widest)
    let kernels = try list("kernel_sizes", [3, 3, 5, 3, 5, 5, 3], atMost: 255)
    let strides = try list("strides", [1, 2, 2, 2, 1, 2, 1], atMost: 2)
    let repeats = try list("num_block_repeats", [1, 2, 2, 3, 3, 4, 1], atMost: 64)
    let ratios = try list("expand_ratios", [1, 6, 6, 6, 6, 6, 6], atMost: 1024)
    let depth = try positive("depth_coefficient", default: 3.1)
    let squeezing = try positive("squeeze_expansion_ratio", default: 0.25)
    let symmetric = Set(try integers("depthwise_padding", default: []))
    var (channels, place) = (scaling.scaled(32), 0)
    return try inputs.indices.map { i throws(PublishedError) in
      try require(
        scaling.scaled(inputs[i]) == channels, "in_channels",
        "has \(inputs[i]), \(scaling.scaled(inputs[i])) scaled, behind \(channels) channels",
        "let every stage begin with the channels of the one before, the first with 32")
      let count = Int((depth * Double(repeats[i])).rounded(.up))
      return try (0..<count).map { j throws(PublishedError) in
        let inner = channels * ratios[i]
        var block = EfficientNetConfiguration.Block(
          kind: ratios[i] == 1 ? .depthwise : .inverted, inner: inner,
          outputs: scaling.scaled(outputs[i]), kernel: kernels[i], stride: j == 0 ? strides[i] : 1,
          groups: inner, squeezed: max(1, Int(Double(channels) * squeezing)))
        let (half, isEven) = (kernels[i] / 2, symmetric.contains(place))
        try require(
          half > 0 || block.stride == 1 || isEven, "kernel_sizes", "has 1 for a stride of 2",
          "choose at least 2")
        let before = block.stride == 1 ? (kernels[i] - 1) / 2 : isEven ? half : half - 1
        block.margins = [before, half]
        block.skips = j > 0
        (channels, place) = (block.outputs, place + 1)
        return block
      }
    }
  }
}
