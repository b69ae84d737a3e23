internal import Documents
public import Layers
public import Models
public import Tensors

/// ProphetNet in transformers' layout.
public struct PublishedProphetNet: PublishedGenerator {
  public var model: ProphetNet
  public let shift: LabelShift
  private let smoothing: Double
  /// The loss counts all streams, not the first alone.
  private let countsAllStreams: Bool

  public static let card = ArchitectureCard(
    "ProphetNet", family: "language", layouts: ["transformers"],
    source: "Qi et al., arXiv:2001.04063",
    sizes: [
      .init("prophetnet-large", #"{"model_type": "prophetnet"}"#),
      .init(
        "xprophetnet-large", #"{"model_type": "xlm-prophetnet", "vocab_size": 250012}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    // For many languages it is the same network.
    [("prophetnet", "ProphetNet"), ("xlm-prophetnet", "XLMProphetNet")].contains { type, name in
      configuration.isTransformers(type, ["\(name)ForConditionalGeneration", "\(name)Model"])
    }
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let vocabulary = try configuration.size("vocab_size", default: 30522)
    let shift = try configuration.labelShift(padding: 0, start: 0, vocabulary: vocabulary)
    let buckets = try configuration.size("num_buckets", default: 32, atMost: widest)
    try configuration.require(buckets > 1, "num_buckets", "is 1", "it must be at least 2")
    var sizes = ProphetNetConfiguration(
      vocabulary: vocabulary, encoder: try configuration.prophetSide("encoder", shift.padding),
      decoder: try configuration.prophetSide("decoder", shift.padding),
      streams: try configuration.size("ngram", default: 2, atMost: 1024), buckets: buckets,
      longestDistance: try configuration.size("relative_max_distance", default: 128))
    sizes.padding = shift.padding
    sizes.mixesPlaces = true
    try configuration.require(
      try configuration.bool("add_cross_attention", default: true), "add_cross_attention",
      "is false", "the decoder attends to the encoder")
    if try !configuration.bool("tie_word_embeddings", default: true) {
      (sizes.head, sizes.hasOwnTable) = (.own, true)
    }
    if configuration.architecture.hasSuffix("ProphetNetModel") { sizes.head = .none }
    smoothing = try configuration.rate("eps")
    countsAllStreams = try !configuration.bool("disable_ngram_loss", default: false)
    self.shift = shift
    model = ProphetNet(sizes, key: key)
  }

  // MARK: Names

  public var names: WeightNames {
    let projections = (q: "query_proj", k: "key_proj", v: "value_proj", output: "out_proj")
    let layers = "prophetnet.decoder.layers.*"
    let own: [(String, String)] =
      model.configuration.hasOwnTable
      ? [
        ("tokens", "prophetnet.encoder.word_embeddings"),
        ("decoder_tokens", "prophetnet.decoder.word_embeddings"),
      ] : [("tokens", "prophetnet.word_embeddings")]
    let attentions =
      WeightNames.attention(
        "encoder.layers.*.self_attn", "prophetnet.encoder.layers.*.self_attn", projections)
      + WeightNames.attention("blocks.*.self_attn", "\(layers).self_attn", projections)
      + WeightNames.attention("blocks.*.multihead_attn", "\(layers).cross_attn", projections)
    return WeightNames(
      own + attentions + part("encoder.layers.*", "prophetnet.encoder.layers.*", lastNorm: 2)
        + part("blocks.*", layers, lastNorm: 3) + [
          ("blocks.*.norm2", "\(layers).cross_attn_layer_norm"),
          ("blocks.*.relative", "\(layers).self_attn.relative_pos_embeddings"),
          ("*.positions", "prophetnet.*.position_embeddings"),
          ("*.embedding_norm", "prophetnet.*.embeddings_layer_norm"),
          ("streams", "prophetnet.decoder.ngram_embeddings"), ("head", "lm_head"),
        ])
  }

  /// The rules for what layers of both sides have.
  private func part(_ ours: String, _ theirs: String, lastNorm: Int) -> [(String, String)] {
    [
      ("\(ours).linear1", "\(theirs).feed_forward.intermediate"),
      ("\(ours).linear2", "\(theirs).feed_forward.output"),
      ("\(ours).norm1", "\(theirs).self_attn_layer_norm"),
      ("\(ours).norm\(lastNorm)", "\(theirs).feed_forward_layer_norm"),
    ]
  }

  public var optionalPrefix: String { "prophetnet." }
  /// The shared table under other names.
  public var ignored: [String] {
    ["", "prophetnet."].flatMap { prefix in
      ["word_embeddings", "encoder.word_embeddings", "decoder.word_embeddings"]
        .map { prefix + $0 }
    } + (model.configuration.head == .own ? [] : ["lm_head"])
  }

  // MARK: Use

  public var generator: ProphetNet { model }
  public var canWrite: Bool { model.configuration.head != .none }

  public func source(of inputs: ModelInputs) throws(PublishedError) -> EncodedSource {
    let ids = try inputs.ids("input_ids", below: model.configuration.vocabulary)
    let mask = try inputs.padding("attention_mask", like: ids)
    return EncodedSource(states: model.encoderStates(ids, mask: mask).last!, mask: mask)
  }

  private func text(_ inputs: ModelInputs) throws(PublishedError) -> PairInputs {
    let count = model.configuration.vocabulary
    // Predicting streams stand one place further. The encoder's last vector serves all places beyond.
    return try PairInputs(
      inputs, vocabulary: count, targets: count, shift,
      longest: (.max, model.configuration.decoder.longest - 1))
  }

  private func states(of text: PairInputs, _ phase: Phase) -> (
    encoder: [Tensor], decoder: [Tensor]
  ) {
    let encoder = model.encoderStates(text.source, mask: text.sourceMask, phase.fork(0))
    let decoder = model.decoderStates(
      text.target, mask: text.targetMask, memory: encoder.last!, memoryMask: text.sourceMask,
      phase.fork(1))
    return (encoder, decoder)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let text = try text(inputs)
    let (encoder, decoder) = states(of: text, phase)
    let (length, streams) = (text.target.shape[1], model.configuration.streams)
    var outputs = ["encoder_last_hidden_state": encoder.last!]
    for (i, state) in encoder.enumerated() { outputs["encoder_hidden_states.\(i)"] = state }
    for (i, state) in decoder.enumerated() {
      outputs["decoder_hidden_states.\(i)"] = state.sliced(1, 0..<length)
      outputs["decoder_ngram_hidden_states.\(i)"] = state.sliced(1, length..<state.shape[1])
    }
    outputs["last_hidden_state"] = outputs["decoder_hidden_states.\(decoder.count - 1)"]
    outputs["last_hidden_state_ngram"] = outputs["decoder_ngram_hidden_states.\(decoder.count - 1)"]
    guard model.configuration.head != .none else { return outputs }
    let logits = model.logits(of: decoder.last!)
    outputs["logits"] = logits.element(1, 0)
    if streams > 1 { outputs["logits_ngram"] = logits.sliced(1, 1..<streams) }
    if text.labels != nil { outputs["loss"] = loss(logits, text.labels!) }
    return outputs
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let text = try text(inputs)
    guard let labels = text.labels, model.configuration.head != .none else {
      throw .input(name: "labels", problem: "there are none, or the network has no head for them")
    }
    return loss(model.logits(of: states(of: text, phase).decoder.last!), labels)
  }

  /// All streams are asked for the same labels: each one reads less of what comes before them.
  private func loss(_ logits: Tensor, _ labels: Tensor) -> Tensor {
    let counted = countsAllStreams ? logits : logits.sliced(1, 0..<1)
    return crossEntropy(
      counted, labels.expanded(1).broadcast(to: Array(counted.shape.dropLast())),
      smoothing: smoothing)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}

extension ModelConfiguration {
  fileprivate func prophetSide(_ side: String, _ padding: Int) throws(PublishedError)
    -> TokenStackConfiguration
  {
    let width = try size("hidden_size", default: 1024, atMost: widest)
    let heads = try size("num_\(side)_attention_heads", default: 16, atMost: widest)
    try require("num_\(side)_attention_heads", heads, divides: "hidden_size", width)
    let places = try size("max_position_embeddings", default: 512)
    // The first place's vector is the one behind padding's, and predicting streams need one more.
    try require(
      places > padding + 2, "max_position_embeddings", "is \(places)",
      "it must be more than \"pad_token_id\" \(padding) and 2")
    var sizes = TokenStackConfiguration(
      width: width, layers: try size("num_\(side)_layers", default: 12, atMost: 4096),
      heads: heads, inner: try size("\(side)_ffn_dim", default: 4096, atMost: 8 * widest),
      positions: .learned(count: places - padding - 1, offset: padding + 1))
    sizes.activation = try activation("activation_function", default: .gelu)
    sizes.dropout = try rate("dropout", default: 0.1)
    sizes.attentionDropout = try rate("attention_dropout", default: 0.1)
    sizes.innerDropout = try rate("activation_dropout", default: 0.1)
    sizes.deviation = try deviation("init_std")
    return sizes
  }
}
