internal import Layers
public import Models
public import Tensors

/// GPT-2 in transformers' layout.
public struct PublishedGPT2: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "GPT-2", family: "language", layouts: ["transformers"],
    source: "Radford et al. 2019, Language models are unsupervised multitask learners",
    sizes: [
      ("gpt2", 768, 12, 12), ("gpt2-medium", 1024, 24, 16), ("gpt2-large", 1280, 36, 20),
      ("gpt2-xl", 1600, 48, 25),
    ].map { name, width, layers, heads in
      .init(
        name,
        #"{"model_type": "gpt2", "n_embd": \#(width), "n_layer": \#(layers), "n_head": \#(heads)}"#)
    })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("gpt2", ["GPT2LMHeadModel", "GPT2Model"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    var sizes = try configuration.gptSizes(vocabulary: 50257, context: 1024)
    if configuration.architecture == "GPT2Model" { sizes.head = .none }
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames { .gpt }
  public var optionalPrefix: String { "transformer." }
  /// Masks that old files hold, and the tied head.
  public var ignored: [String] { .gptMasks + model.configuration.tiedHead }
}

extension WeightNames {
  /// GPT-2's own names within the whole network.
  static let gpt: WeightNames = [
    "wte": "transformer.wte", "wpe": "transformer.wpe", "h": "transformer.h",
    "ln_f": "transformer.ln_f",
  ]
}

extension [String] {
  static let gptMasks = ["", "transformer."].flatMap { prefix in
    ["bias", "masked_bias"].map { "\(prefix)h.*.attn.\($0)" }
  }
}

extension GPTConfiguration {
  /// What a file may hold twice.
  var tiedHead: [String] { if case .own = head { [] } else { ["lm_head.weight"] } }
}

extension ModelConfiguration {
  /// What the configurations of GPT-2 and ImageGPT say.
  func gptSizes(vocabulary: Int, context: Int, activation: Activation = .geluTanh)
    throws(PublishedError) -> GPTConfiguration
  {
    let width = try size("n_embd", default: 768, atMost: widest)
    let heads = try size("n_head", default: 12, atMost: widest)
    try require("n_head", heads, divides: "n_embd", width)
    var sizes = GPTConfiguration(
      vocabulary: try size("vocab_size", default: vocabulary),
      context: try size("n_positions", default: context), width: width,
      layers: try size("n_layer", default: 12, atMost: 4096), heads: heads,
      inner: try size("n_inner", default: 4 * width, atMost: 8 * widest),
      dropout: try rate("resid_pdrop", default: 0.1),
      epsilon: try epsilon("layer_norm_epsilon", default: 1e-5))
    sizes.embeddingDropout = try rate("embd_pdrop", default: 0.1)
    sizes.attentionDropout = try rate("attn_pdrop", default: 0.1)
    sizes.activation = try self.activation("activation_function", default: activation)
    sizes.isScaled = try bool("scale_attn_weights", default: true)
    sizes.isScaledByLayer = try bool("scale_attn_by_inverse_layer_idx", default: false)
    sizes.deviation = try deviation()
    try refuse("add_cross_attention", "only the decoder alone is supported")
    // The order of operations in half precision: float32 knows no difference.
    _ = try bool("reorder_and_upcast_attn", default: false)
    sizes.head =
      try bool("tie_word_embeddings", default: true) ? .tied : .own(sizes.vocabulary)
    return sizes
  }
}
