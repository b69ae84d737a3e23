internal import Documents
internal import Layers
public import Models
public import Tensors

/// GPT-Neo in transformers' layout: GPT-3's alternation of layers that see all tokens and layers that see the last ones.
public struct PublishedGPTNeo: PublishedDecoder {
  public var model: GPT

  public static let card = ArchitectureCard(
    "GPT-Neo", family: "language", layouts: ["transformers"],
    source: "GPT-3: Brown et al., arXiv:2005.14165; Black et al. 2021, GPT-Neo",
    sizes: [
      ("gpt-neo-125M", 768, 12, 12), ("gpt-neo-1.3B", 2048, 24, 16), ("gpt-neo-2.7B", 2560, 32, 20),
    ]
    .map { name, width, layers, heads in
      .init(
        name,
        #"{"model_type": "gpt_neo", "hidden_size": \#(width), "num_layers": \#(layers), "#
          + #""num_heads": \#(heads), "attention_types": [[["global", "local"], \#(layers / 2)]]}"#)
    })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.isTransformers("gpt_neo", ["GPTNeoForCausalLM", "GPTNeoModel"])
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let width = try configuration.size("hidden_size", default: 2048, atMost: widest)
    let heads = try configuration.size("num_heads", default: 16, atMost: widest)
    try configuration.require("num_heads", heads, divides: "hidden_size", width)
    var sizes = GPTConfiguration(
      vocabulary: try configuration.size("vocab_size", default: 50257),
      context: try configuration.size("max_position_embeddings", default: 2048), width: width,
      layers: try configuration.size("num_layers", default: 24, atMost: 4096), heads: heads,
      inner: try configuration.size("intermediate_size", default: 4 * width, atMost: 8 * widest),
      dropout: try configuration.rate("resid_dropout"),
      epsilon: try configuration.epsilon("layer_norm_epsilon", default: 1e-5))
    sizes.embeddingDropout = try configuration.rate("embed_dropout")
    sizes.attentionDropout = try configuration.rate("attention_dropout")
    sizes.activation = try configuration.activation("activation_function", default: .geluTanh)
    (sizes.isFused, sizes.hasBias, sizes.isScaled) = (false, false, false)
    sizes.hasSmallResiduals = false
    sizes.deviation = try configuration.deviation()
    sizes.windows = try configuration.windowsOfGPTNeo(layers: sizes.layers)
    sizes.head =
      try configuration.bool("tie_word_embeddings", default: true)
      ? .tied : .own(sizes.vocabulary)
    if configuration.architecture == "GPTNeoModel" { sizes.head = .none }
    model = GPT(sizes, key: key)
  }

  public var names: WeightNames {
    let names: WeightNames = [
      "h.*.attn.c_proj": "transformer.h.*.attn.attention.out_proj",
      "h.*.attn": "transformer.h.*.attn.attention",
    ]
    return names.then(.gpt)
  }
  public var optionalPrefix: String { "transformer." }
  public var ignored: [String] {
    ["", "transformer."].flatMap { prefix in
      ["bias", "masked_bias"].map { "\(prefix)h.*.attn.attention.\($0)" }
    } + model.configuration.tiedHead
  }
}

extension ModelConfiguration {
  /// How many tokens each layer sees: `attention_types` lists kinds, and how often they are repeated.
  fileprivate func windowsOfGPTNeo(layers: Int) throws(PublishedError) -> [Int?] {
    let window = try size("window_size", default: 256)
    var kinds: [String] = []
    if has("attention_types") {
      for item in values["attention_types"]?.elements ?? [] {
        let pair = item.elements ?? []
        let names = pair.first?.elements?.compactMap(\.string) ?? []
        let count = pair.last?.integer ?? 0
        try require(
          pair.count == 2 && !names.isEmpty && (0...4096).contains(count), "attention_types",
          "has an entry that is no list of kinds and a number", "write [[[\"global\"], 12]]")
        for _ in 0..<count { kinds += names }
      }
    } else {
      kinds = (0..<24).map { $0 % 2 == 0 ? "global" : "local" }
    }
    try require(
      kinds.count == layers, "attention_types", "describes \(kinds.count) layers",
      "describe as many as \"num_layers\" says, \(layers)")
    let unknown = kinds.first { $0 != "global" && $0 != "local" }
    try require(
      unknown == nil, "attention_types", "has the kind \"\(unknown ?? "")\"",
      "kinds are \"global\" and \"local\"")
    return kinds.map { $0 == "local" ? window : nil }
  }
}
