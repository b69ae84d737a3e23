internal import Documents
internal import Layers
public import Models
public import Tensors

/// BART in transformers' layout, and mBART, whose norms come first.
public struct PublishedBART: PublishedEncoderDecoder {
  public var model: EncoderDecoder
  public let shift: LabelShift

  public static let card = ArchitectureCard(
    "BART", family: "language", layouts: ["transformers"],
    source: "Lewis et al., arXiv:1910.13461; mBART: Liu et al., arXiv:2001.08210",
    sizes: [
      .init(
        "bart-base",
        #"{"model_type": "bart", "d_model": 768, "encoder_layers": 6, "decoder_layers": 6, "#
          + #""encoder_attention_heads": 12, "decoder_attention_heads": 12, "#
          + #""encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072}"#),
      .init("bart-large", #"{"model_type": "bart"}"#),
      .init(
        "mbart-large",
        #"{"model_type": "mbart", "vocab_size": 250027, "scale_embedding": true}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("bart", ["BartForConditionalGeneration", "BartModel"])
      || configuration.isTransformers("mbart", ["MBartForConditionalGeneration", "MBartModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let isMultilingual = configuration.isTransformers(
      "mbart", ["MBartForConditionalGeneration", "MBartModel"])
    var sizes = try configuration.bartSizes(vocabulary: 50265) {
      $0.isNormFirst = isMultilingual
      $0.hasLastNorm = isMultilingual
      $0.addUnusedPlaces()
    }
    if configuration.architecture.hasSuffix("Model") {
      (sizes.head, sizes.hasLogitsBias) = (.none, false)
    }
    sizes.padding = try configuration.padding(default: 1, vocabulary: sizes.vocabulary)
    var shift = try configuration.labelShift(
      padding: 1, start: isMultilingual ? nil : 2, vocabulary: sizes.vocabulary)
    shift.readsSource = true
    (model, self.shift) = (EncoderDecoder(sizes, key: key), shift)
  }

  public var names: WeightNames { model.configuration.bartNames }
  public var optionalPrefix: String { "model." }
  public var ignored: [String] { .bartCopies + model.configuration.tiedHead }
}

/// Marian in transformers' layout: the original Transformer.
public struct PublishedMarian: PublishedEncoderDecoder {
  public var model: EncoderDecoder
  public let shift: LabelShift

  public static let card = ArchitectureCard(
    "Marian", family: "language", layouts: ["transformers"],
    source: "Vaswani et al., arXiv:1706.03762; Junczys-Dowmunt et al., arXiv:1804.00344",
    sizes: [
      .init(
        "opus-mt-en-de",
        #"{"model_type": "marian", "d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "#
          + #""encoder_attention_heads": 8, "decoder_attention_heads": 8, "#
          + #""encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048, "activation_function": "swish", "#
          + #""scale_embedding": true}"#)
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("marian", ["MarianMTModel", "MarianModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes = try configuration.bartSizes(vocabulary: 58101) {
      $0.hasEmbeddingNorm = false
      // The library's tables end; beyond them there is nothing to compare with.
      $0.positions = .sinusoidal
    }
    let targets = try configuration.size("decoder_vocab_size", default: sizes.vocabulary)
    if try configuration.bool("share_encoder_decoder_embeddings", default: true) {
      try configuration.require(
        targets == sizes.vocabulary, "decoder_vocab_size", "is \(targets)",
        "both sides share a table of \(sizes.vocabulary) tokens")
    } else {
      sizes.decoderVocabulary = targets
    }
    sizes.padding = try configuration.padding(
      default: 58100, vocabulary: min(sizes.vocabulary, targets))
    let width = sizes.encoder.width
    try configuration.require(width % 2 == 0, "d_model", "is \(width)", "it must be even")
    if configuration.architecture == "MarianModel" {
      (sizes.head, sizes.hasLogitsBias) = (.none, false)
    }
    shift = try configuration.labelShift(padding: 58100, start: 58100, vocabulary: targets)
    model = EncoderDecoder(sizes, key: key)
  }

  public var names: WeightNames { model.configuration.bartNames }
  public var optionalPrefix: String { "model." }
  public var ignored: [String] {
    let tables = ["", "model."].flatMap { prefix in
      ["encoder", "decoder"].map { "\(prefix)\($0).embed_positions" }
    }
    return .bartCopies + model.configuration.tiedHead + tables
  }
}

extension WeightNames {
  /// The rules for the projections of an attention; `names` are those of q, k, v and of the output.
  static func attention(
    _ ours: String, _ theirs: String,
    _ names: (q: String, k: String, v: String, output: String) = (
      "q_proj", "k_proj", "v_proj", "out_proj"
    )
  ) -> [(String, String)] {
    let projections = [("q", names.q), ("k", names.k), ("v", names.v)]
    return projections.flatMap { own, other in
      ["weight", "bias"].map { ("\(ours).\(own)_proj_\($0)", "\(theirs).\(other).\($0)") }
    } + [("\(ours).out_proj", "\(theirs).\(names.output)")]
  }

  /// BART's names, which fairseq began.
  static let bart = WeightNames(bartRules)
  static let bartRules: [(String, String)] =
    attention("*.layers.*.self_attn", "model.*.layers.*.self_attn")
    + attention("*.layers.*.multihead_attn", "model.*.layers.*.encoder_attn") + [
      ("tokens", "model.shared"), ("*.positions", "model.*.embed_positions"),
      ("*.embedding_norm", "model.*.layernorm_embedding"), ("*.norm", "model.*.layer_norm"),
      ("*.layers.*.linear1", "model.*.layers.*.fc1"),
      ("*.layers.*.linear2", "model.*.layers.*.fc2"),
      ("*.layers.*.norm1", "model.*.layers.*.self_attn_layer_norm"),
      ("decoder.layers.*.norm2", "model.decoder.layers.*.encoder_attn_layer_norm"),
      ("encoder.layers.*.norm2", "model.encoder.layers.*.final_layer_norm"),
      ("decoder.layers.*.norm3", "model.decoder.layers.*.final_layer_norm"),
      ("head", "lm_head"), ("logits_bias", "final_logits_bias"),
    ]
}

extension TokenStackConfiguration {
  /// BART's tables of places begin with two rows that belong to none.
  mutating func addUnusedPlaces() {
    guard case .learned(let count, _) = positions else { return }
    positions = .learned(count: count, offset: 2)
  }
}

extension [String] {
  /// The shared table under other names, and versions.
  static let bartCopies = ["", "model."].flatMap { prefix in
    [
      "shared", "encoder.embed_tokens", "decoder.embed_tokens", "encoder.version",
      "decoder.version",
    ].map { prefix + $0 }
  }
}

extension EncoderDecoderConfiguration {
  /// BART's names, where the sides may have tables of their own.
  fileprivate var bartNames: WeightNames {
    guard decoderVocabulary != nil else { return .bart }
    let own: WeightNames = [
      "tokens": "model.encoder.embed_tokens", "decoder_tokens": "model.decoder.embed_tokens",
    ]
    return own.then(.bart)
  }

  /// What a file may hold twice.
  var tiedHead: [String] { head == .own ? [] : ["lm_head.weight"] }
}

extension ModelConfiguration {
  /// What the configurations of BART, mBART and Marian say.
  func bartSizes(
    vocabulary: Int, _ adapt: (inout TokenStackConfiguration) -> Void
  ) throws(PublishedError) -> EncoderDecoderConfiguration {
    let width = try size("d_model", default: 1024, atMost: widest)
    var sizes = EncoderDecoderConfiguration(
      vocabulary: try size("vocab_size", default: vocabulary),
      encoder: try bartSide("encoder", width, adapt), decoder: try bartSide("decoder", width, adapt)
    )
    sizes.embeddingScale =
      try bool("scale_embedding", default: false) ? Double(width).squareRoot() : 1
    sizes.deviation = try deviation("init_std")
    if try !bool("tie_word_embeddings", default: true) {
      (sizes.head, sizes.decoderVocabulary) = (.own, sizes.vocabulary)
    }
    sizes.hasLogitsBias = true
    return sizes
  }

  private func bartSide(
    _ side: String, _ width: Int, _ adapt: (inout TokenStackConfiguration) -> Void
  ) throws(PublishedError) -> TokenStackConfiguration {
    let heads = try size("\(side)_attention_heads", default: 16, atMost: widest)
    try require("\(side)_attention_heads", heads, divides: "d_model", width)
    var sizes = TokenStackConfiguration(
      width: width, layers: try size("\(side)_layers", default: 12, atMost: 4096), heads: heads,
      inner: try size("\(side)_ffn_dim", default: 4096, atMost: 8 * widest),
      positions: .learned(count: try size("max_position_embeddings", default: 1024)))
    sizes.activation = try activation("activation_function", default: .gelu)
    sizes.dropout = try rate("dropout", default: 0.1)
    sizes.attentionDropout = try rate("attention_dropout")
    sizes.innerDropout = try rate("activation_dropout")
    sizes.layerDrop = try rate("\(side)_layerdrop")
    sizes.deviation = try deviation("init_std")
    adapt(&sizes)
    return sizes
  }
}
