internal import Documents
internal import Layers
public import Models
public import Tensors

/// Llama in transformers' layout.
public struct PublishedLlama: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "Llama", family: "language", layouts: ["transformers"],
    source: "Touvron et al., arXiv:2302.13971",
    sizes: [
      .init("llama-2-7b", #"{"model_type": "llama"}"#),
      .init(
        "llama-3-8b",
        #"{"model_type": "llama", "vocab_size": 128256, "intermediate_size": 14336, "#
          + #""num_key_value_heads": 8, "rope_theta": 500000}"#),
      .init(
        "llama-3.2-1b",
        #"{"model_type": "llama", "vocab_size": 128256, "hidden_size": 2048, "#
          + #""intermediate_size": 8192, "num_hidden_layers": 16, "num_key_value_heads": 8, "#
          + #""head_dim": 64, "rope_theta": 500000, "tie_word_embeddings": true}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("llama", ["LlamaForCausalLM", "LlamaModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes = try configuration.llamaSizes(vocabulary: 32000, inner: 11008, context: 2048)
    sizes.hasBias = try configuration.bool("attention_bias", default: false)
    sizes.hasOutputBias = sizes.hasBias
    sizes.hasFeedForwardBias = try configuration.bool("mlp_bias", default: false)
    let shards = try configuration.integer("pretraining_tp", default: 1)
    try configuration.require(
      shards >= 1, "pretraining_tp", "is \(shards)", "it must be at least 1")
    if configuration.architecture == "LlamaModel" { sizes.head = .none }
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames { .llama }
  public var optionalPrefix: String { "model." }
  public var ignored: [String] { .rotaryTables + model.configuration.tiedHead }
}

/// Qwen2 in transformers' layout.
public struct PublishedQwen2: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "Qwen2", family: "language", layouts: ["transformers"],
    source: "Yang et al., arXiv:2407.10671",
    sizes: [
      .init(
        "qwen2-0.5b",
        #"{"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "#
          + #""num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "#
          + #""rope_theta": 1000000, "tie_word_embeddings": true}"#),
      .init(
        "qwen2-7b",
        #"{"model_type": "qwen2", "vocab_size": 152064, "hidden_size": 3584, "#
          + #""intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "#
          + #""num_key_value_heads": 4, "rope_theta": 1000000}"#),
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("qwen2", ["Qwen2ForCausalLM", "Qwen2Model"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes = try configuration.llamaSizes(vocabulary: 151936, inner: 22016, context: 32768)
    (sizes.hasBias, sizes.hasOutputBias, sizes.hasFeedForwardBias) = (true, false, false)
    sizes.windows = try configuration.windowsOfQwen2(layers: sizes.layers)
    if configuration.architecture == "Qwen2Model" { sizes.head = .none }
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames { .llama }
  public var optionalPrefix: String { "model." }
  public var ignored: [String] { .rotaryTables + model.configuration.tiedHead }
}

extension WeightNames {
  static let llama: WeightNames = [
    "wte": "model.embed_tokens", "ln_f": "model.norm",
    "h.*.ln_1": "model.layers.*.input_layernorm",
    "h.*.ln_2": "model.layers.*.post_attention_layernorm",
    "h.*.attn.c_proj": "model.layers.*.self_attn.o_proj",
    "h.*.attn": "model.layers.*.self_attn",
    "h.*.mlp.c_fc": "model.layers.*.mlp.up_proj",
    "h.*.mlp.c_gate": "model.layers.*.mlp.gate_proj",
    "h.*.mlp.c_proj": "model.layers.*.mlp.down_proj",
  ]
}

extension [String] {
  /// Tables of angles in old files.
  static let rotaryTables = ["", "model."].map { "\($0)layers.*.self_attn.rotary_emb.inv_freq" }
}

extension ModelConfiguration {
  /// What the configurations of Llama and Qwen2 say.
  fileprivate func llamaSizes(vocabulary: Int, inner: Int, context: Int) throws(PublishedError)
    -> GPTConfiguration
  {
    let width = try size("hidden_size", default: 4096, atMost: widest)
    let heads = try size("num_attention_heads", default: 32, atMost: widest)
    try require("num_attention_heads", heads, divides: "hidden_size", width)
    let keyHeads = try size("num_key_value_heads", default: heads, atMost: widest)
    try require("num_key_value_heads", keyHeads, divides: "num_attention_heads", heads)
    let headWidth = try size("head_dim", default: width / heads, atMost: widest)
    try require(headWidth % 2 == 0, "head_dim", "is \(headWidth)", "it must be even")
    var sizes = GPTConfiguration(
      vocabulary: try size("vocab_size", default: vocabulary),
      context: try size("max_position_embeddings", default: context), width: width,
      layers: try size("num_hidden_layers", default: 32, atMost: 4096), heads: heads,
      inner: try size("intermediate_size", default: inner, atMost: 8 * widest),
      epsilon: try epsilon("rms_norm_eps", default: 1e-6))
    (sizes.keyHeads, sizes.headWidth) = (keyHeads, headWidth)
    sizes.attentionDropout = try rate("attention_dropout")
    sizes.activation = try activation("hidden_act", default: .silu)
    (sizes.isGated, sizes.norm, sizes.isFused, sizes.hasSmallResiduals) = (true, .rms, false, false)
    sizes.deviation = try deviation()
    sizes.padding = try padding(default: nil, vocabulary: sizes.vocabulary)
    sizes.rotary = try rotary(width: headWidth, context: sizes.context)
    sizes.head =
      try bool("tie_word_embeddings", default: false) ? .tied : .own(sizes.vocabulary)
    return sizes
  }

  /// How many tokens each layer sees.
  fileprivate func windowsOfQwen2(layers: Int) throws(PublishedError) -> [Int?] {
    let uses = try bool("use_sliding_window", default: false)
    // null is no window, and silence 4096.
    let window =
      uses && (values["sliding_window"] == nil || has("sliding_window"))
      ? try size("sliding_window", default: 4096) : nil
    let first = try integer("max_window_layers", default: 28)
    let kinds = try texts(
      "layer_types",
      default: (0..<layers).map {
        window != nil && $0 >= first ? "sliding_attention" : "full_attention"
      })
    try require(
      kinds.count == layers, "layer_types", "describes \(kinds.count) layers",
      "describe as many as \"num_hidden_layers\" says, \(layers)")
    let unknown = kinds.first { $0 != "full_attention" && $0 != "sliding_attention" }
    try require(
      unknown == nil, "layer_types", "has the kind \"\(unknown ?? "")\"",
      "kinds are \"full_attention\" and \"sliding_attention\"")
    try require(
      window != nil || !kinds.contains("sliding_attention"), "layer_types",
      "has layers that see a window", "give \"use_sliding_window\" and \"sliding_window\"")
    return kinds.map { $0 == "sliding_attention" ? window : nil }
  }
}
