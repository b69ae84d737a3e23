internal import Documents
internal import Layers
public import Models
public import Tensors

/// T5 in transformers' layout, first version and 1.1.
public struct PublishedT5: PublishedEncoderDecoder {
  public var model: EncoderDecoder
  public let shift: LabelShift

  public static let card = ArchitectureCard(
    "T5", family: "language", layouts: ["transformers"],
    source: "Raffel et al., arXiv:1910.10683",
    sizes: [
      .init("t5-small", #"{"model_type": "t5"}"#),
      .init(
        "t5-base",
        #"{"model_type": "t5", "d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12}"#),
      .init(
        "t5-v1_1-small",
        #"{"model_type": "t5", "d_ff": 1024, "num_layers": 8, "num_heads": 6, "#
          + #""feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("t5", ["T5ForConditionalGeneration", "T5Model"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let layers = try configuration.size("num_layers", default: 6, atMost: 4096)
    var sizes = EncoderDecoderConfiguration(
      vocabulary: try configuration.size("vocab_size", default: 32128),
      encoder: try configuration.t5Side(layers: layers),
      decoder: try configuration.t5Side(
        layers: try configuration.size("num_decoder_layers", default: layers, atMost: 4096)))
    // Files of version 1.1 say that they are not tied; newer files say instead that states are not scaled.
    let isTied = try configuration.bool("tie_word_embeddings", default: true)
    sizes.head = isTied ? .tied : .own
    if try configuration.bool("scale_decoder_outputs", default: isTied) {
      sizes.outputScale = 1 / Double(sizes.encoder.width).squareRoot()
    }
    sizes.deviation = try configuration.deviation("initializer_factor", default: 1)
    if configuration.architecture == "T5Model" { sizes.head = .none }
    shift = try configuration.labelShift(padding: 0, start: 0, vocabulary: sizes.vocabulary)
    model = EncoderDecoder(sizes, key: key)
  }

  public var names: WeightNames {
    var rules: [(String, String)] = [("tokens", "shared"), ("head", "lm_head")]
    for (side, last) in [("encoder", 1), ("decoder", 2)] {
      let (ours, theirs) = ("\(side).layers.*", "\(side).block.*.layer")
      let names = (q: "q", k: "k", v: "v", output: "o")
      rules += WeightNames.attention("\(ours).self_attn", "\(theirs).0.SelfAttention", names)
      rules += WeightNames.attention("\(ours).multihead_attn", "\(theirs).1.EncDecAttention", names)
      let isGated = model.configuration.encoder.isGated
      let inner = "\(theirs).\(last).DenseReluDense"
      rules += [
        ("\(ours).linear1", isGated ? "\(inner).wi_1" : "\(inner).wi"),
        ("\(ours).linear_gate", "\(inner).wi_0"), ("\(ours).linear2", "\(inner).wo"),
        ("\(ours).norm1", "\(theirs).0.layer_norm"), ("\(ours).norm2", "\(theirs).1.layer_norm"),
        ("\(ours).norm3", "\(theirs).2.layer_norm"),
        ("\(side).relative", "\(side).block.0.layer.0.SelfAttention.relative_attention_bias"),
        ("\(side).norm", "\(side).final_layer_norm"),
      ]
    }
    return WeightNames(rules)
  }

  /// Copies of the table, and a bias that an old version had.
  public var ignored: [String] {
    [
      "encoder.embed_tokens", "decoder.embed_tokens",
      "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias",
    ] + model.configuration.tiedHead
  }
}

extension ModelConfiguration {
  fileprivate func t5Side(layers: Int) throws(PublishedError) -> TokenStackConfiguration {
    let buckets = try size("relative_attention_num_buckets", default: 32)
    let longest = try size("relative_attention_max_distance", default: 128)
    // The encoder halves them, and half of those are for single distances.
    try require(
      buckets >= 4, "relative_attention_num_buckets", "is \(buckets)", "it must be at least 4")
    var sizes = TokenStackConfiguration(
      width: try size("d_model", default: 512, atMost: widest), layers: layers,
      heads: try size("num_heads", default: 8, atMost: widest),
      inner: try size("d_ff", default: 2048, atMost: 8 * widest),
      positions: .relative(buckets: buckets, longest: longest))
    sizes.headWidth = try size("d_kv", default: 64, atMost: widest)
    (sizes.activation, sizes.isGated) = try t5Activation()
    (sizes.norm, sizes.isNormFirst, sizes.hasLastNorm) = (.rms, true, true)
    (sizes.hasEmbeddingNorm, sizes.hasBias, sizes.isScaled) = (false, false, false)
    sizes.epsilon = try epsilon("layer_norm_epsilon", default: 1e-6)
    sizes.dropout = try rate("dropout_rate", default: 0.1)
    (sizes.attentionDropout, sizes.innerDropout) = (sizes.dropout, sizes.dropout)
    sizes.hasLastDropout = true
    sizes.deviation = nil
    return sizes
  }

  /// "relu", or "gated-" and a name; what is called gated GELU is the tanh form.
  private func t5Activation() throws(PublishedError) -> (Activation, isGated: Bool) {
    let text = try text("feed_forward_proj", default: "relu")
    let isGated = text.hasPrefix("gated-")
    let name = isGated ? String(text.dropFirst("gated-".count)) : text
    guard let activation = text == "gated-gelu" ? .geluTanh : Activation(name) else {
      throw .configuration(
        file: file, problem: "\"feed_forward_proj\" is \"\(text)\"",
        mend: "it must be an activation, such as \"relu\", or gated, such as \"gated-gelu\"")
    }
    return (activation, isGated)
  }
}
