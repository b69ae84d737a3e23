internal import Documents
public import Layers
public import Models
public import Tensors

/// Florence-2 in transformers' layout.
public struct PublishedFlorence2: PublishedGenerator {
  public var model: Florence2
  private let shift: LabelShift

  public static let card = ArchitectureCard(
    "Florence-2", family: "vision and language", layouts: ["transformers"],
    source: "Xiao et al., arXiv:2311.06242; DaViT: Ding et al., arXiv:2204.03645",
    sizes: [
      .init("florence2", #"{"architectures": ["Florence2ForConditionalGeneration"]}"#)
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("florence2", ["Florence2ForConditionalGeneration"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let values = try configuration.part("text_config", isOptional: true)
    let kind = try values.text("model_type", default: "bart")
    try values.require(kind == "bart", "model_type", "is \"\(kind)\"", "only \"bart\" is supported")
    var text = try values.bartSizes(vocabulary: 50265) { $0.addUnusedPlaces() }
    try values.require(
      text.head == .tied, "tie_word_embeddings", "is false", "the head must be the token table")
    text.hasLogitsBias = false
    text.padding = try values.padding(default: 1, vocabulary: text.vocabulary)
    shift = try values.labelShift(padding: 1, start: 2, vocabulary: text.vocabulary)
    let pictures = try configuration.part("vision_config", isOptional: true)
    let width = try pictures.size("projection_dim", default: 1024, atMost: widest)
    try pictures.require(
      width == text.encoder.width, "projection_dim", "is \(width)",
      "it must be the text's width, \(text.encoder.width)")
    let sizes = Florence2Configuration(
      vision: try pictures.davit(), text: text,
      places: try pictures.size("max_position_embeddings", default: 50, atMost: widest),
      moments: try pictures.size("max_temporal_embeddings", default: 100, atMost: widest),
      imageToken: try configuration.integer("image_token_id", default: 51289))
    model = Florence2(sizes, key: key)
  }

  public var names: WeightNames {
    let blocks = model.vision.stages.enumerated().flatMap { i, blocks in
      blocks.indices.flatMap { j in
        let kind = j % 2 == 0 ? ("spatial_block", "window_attn") : ("channel_block", "channel_attn")
        let theirs = "model.vision_tower.blocks.\(i).\(j / 2).\(kind.0)"
        let ours = "vision.blocks.\(i).\(j)"
        return [("\(ours).attn", "\(theirs).\(kind.1)"), (ours, theirs)]
      }
    }
    return WeightNames(
      blocks + [
        ("vision", "model.vision_tower"), ("projector", "model.multi_modal_projector"),
      ]
        + WeightNames.bartRules.map {
          ("text.\($0.0)", $0.1.replacing(/^model\./, with: "model.language_model."))
        })
  }

  public var ignored: [String] {
    ["lm_head.weight"]
      + ["shared", "encoder.embed_tokens", "decoder.embed_tokens"].map {
        "model.language_model.\($0)"
      }
  }

  /// What a pass gives.
  private struct Pass {
    let pictures: Tensor?
    let memory: Tensor
    let states: Tensor
    let logits: Tensor
    let labels: Tensor?
  }

  public var generator: EncoderDecoder { model.text }
  public var canWrite: Bool { true }

  public func source(of inputs: ModelInputs) throws(PublishedError) -> EncodedSource {
    let ids = try inputs.ids("input_ids", below: model.configuration.text.vocabulary)
    try inputs.require(
      "input_ids", ids.shape[1], atMost: model.configuration.text.encoder.longest)
    let mask = try inputs.padding("attention_mask", like: ids)
    return EncodedSource(states: try memory(ids, mask, inputs, .inference).memory, mask: mask)
  }

  /// The pictures' tokens, and what the decoder attends to.
  private func memory(
    _ ids: Tensor, _ mask: Tensor?, _ inputs: ModelInputs, _ phase: Phase
  ) throws(PublishedError) -> (pictures: Tensor?, memory: Tensor) {
    var tokens: Tensor?
    if inputs["pixel_values"] != nil {
      let sizes = model.configuration.vision
      let pictures = try inputs.pictures("pixel_values", channels: sizes.inputs)
      let map = sizes.map(of: Array(pictures.shape[1...2]))
      guard pictures.shape[0] > 0, let map, map.max()! <= model.configuration.places else {
        throw .input(
          name: "pixel_values",
          problem: "its shape is \(inputs["pixel_values"]!.shape), too small, or its map is longer "
            + "than \(model.configuration.places)")
      }
      let own = model.tokens(of: pictures, phase.fork(0))
      let count = ids.integers().count { $0 == model.configuration.imageToken }
      guard count == own.shape[0] * own.shape[1] else {
        throw .input(
          name: "input_ids",
          problem: "it has \(count) image tokens for \(own.shape[0]) pictures of \(own.shape[1])")
      }
      tokens = own
    }
    return (tokens, model.memory(ids, mask: mask, pictures: tokens, phase.fork(1)))
  }

  private func pass(_ inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Pass {
    let text = try PairInputs(inputs, model.configuration.text, shift)
    let (tokens, memory) = try memory(text.source, text.sourceMask, inputs, phase)
    let states = model.text.decoderStates(
      text.target, mask: text.targetMask, memory: memory, memoryMask: text.sourceMask,
      phase.fork(2)
    ).last!
    return Pass(
      pictures: tokens, memory: memory, states: states, logits: model.text.logits(of: states),
      labels: text.labels)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let pass = try pass(inputs, phase)
    var outputs = [
      "encoder_last_hidden_state": pass.memory, "last_hidden_state": pass.states,
      "logits": pass.logits,
    ]
    outputs["image_features"] = pass.pictures
    outputs["loss"] = pass.labels.map { crossEntropy(pass.logits, $0) }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let pass = try pass(inputs, phase)
    guard let labels = pass.labels else {
      throw .input(name: "labels", problem: "it is missing")
    }
    return crossEntropy(pass.logits, labels)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

extension ModelConfiguration {
  fileprivate func davit() throws(PublishedError) -> DaViTConfiguration {
    let widths = try sizes("embed_dim", default: [128, 256, 512, 1024], atMost: widest)
    func list(_ name: String, _ value: [Int], least: Int = 1) throws(PublishedError) -> [Int] {
      let numbers = try integers(name, default: value)
      try require(
        numbers.count == widths.count && numbers.allSatisfy { (least...1024).contains($0) }, name,
        "is \(numbers)", "give a number of \(least) to 1024 for each of \(widths.count) stages")
      return numbers
    }
    let depths = try list("depths", [1, 1, 9, 1])
    let heads = try list("num_heads", [4, 8, 16, 32])
    let groups = try list("num_groups", [4, 8, 16, 32])
    let kernels = try list("patch_size", [7, 3, 3, 3])
    let strides = try list("patch_stride", [4, 2, 2, 2])
    let paddings = try list("patch_padding", [3, 1, 1, 1], least: 0)
    let first =
      has("patch_prenorm")
      ? values["patch_prenorm"]?.elements?.compactMap(\.bool) ?? [] : [false, true, true, true]
    try require(
      first.count == widths.count && !widths.isEmpty, "patch_prenorm",
      "has \(first.count) stages", "give true or false for each of \(widths.count)")
    try require(
      widths.last! % 2 == 0, "embed_dim", "ends with \(widths.last!)", "it must end even")
    let ratio = try positive("mlp_ratio", default: 4)
    var stages: [DaViTConfiguration.Stage] = []
    for (i, width) in widths.enumerated() {
      try require("num_heads", heads[i], divides: "embed_dim", width)
      try require("num_groups", groups[i], divides: "embed_dim", width)
      let inner = Int(Double(width) * ratio)
      try require(inner > 0, "mlp_ratio", "leaves nothing inside", "make it larger")
      stages.append(
        .init(
          width: width, layers: depths[i], heads: heads[i], groups: groups[i], inner: inner,
          kernel: kernels[i], stride: strides[i], padding: paddings[i], isNormFirst: first[i]))
    }
    let window = try size("window_size", default: 12)
    try requireWindow([window, window])
    var network = DaViTConfiguration(stages: stages, window: window)
    network.inputs = try size("in_channels", default: 3, atMost: widest)
    network.activation = try activation("activation_function", default: .gelu)
    network.hasQueryBias = try bool("qkv_bias", default: true)
    network.stochasticDepth = try rate("drop_path_rate", default: 0.1)
    return network
  }
}
