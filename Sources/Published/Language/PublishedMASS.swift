internal import Documents
internal import Layers
public import Models
public import Tensors

/// MASS under the names of its authors' fairseq.
public struct PublishedMASS: PublishedEncoderDecoder {
  public var model: EncoderDecoder
  public let shift: LabelShift

  public static let card = ArchitectureCard(
    "MASS", family: "language", layouts: ["fairseq"], source: "Song et al., arXiv:1905.02450",
    sizes: [("base", 768, 6, 12), ("middle", 1024, 6, 16), ("big", 1024, 12, 16)].map {
      name, width, layers, heads in
      .init(
        "mass-\(name)",
        #"{"library": "fairseq", "architecture": "transformer_mass", "vocab_size": 30522, "#
          + #""arguments": {"encoder_embed_dim": \#(width), "encoder_layers": \#(layers), "#
          + #""encoder_attention_heads": \#(heads), "encoder_ffn_embed_dim": \#(4 * width)}}"#)
    })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "fairseq" && configuration.architecture == "transformer_mass"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    let sideSizes = ["embed_dim", "layers", "attention_heads", "ffn_embed_dim"]
    try arguments.refuseOthers(
      than: Set(sideSizes.flatMap { ["encoder_\($0)", "decoder_\($0)"] })
        .union(["max_source_positions", "activation_fn", "dropout"]))
    let vocabulary = try configuration.size("vocab_size")
    let width = try arguments.size("encoder_embed_dim", default: 768, atMost: widest)
    let heads = try arguments.size("encoder_attention_heads", default: 12, atMost: widest)
    try arguments.require("encoder_attention_heads", heads, divides: "encoder_embed_dim", width)
    for name in sideSizes where arguments.has("decoder_\(name)") {
      let (ours, theirs) = (
        try arguments.integer("decoder_\(name)"), try arguments.integer("encoder_\(name)")
      )
      try arguments.require(
        ours == theirs, "decoder_\(name)", "is \(ours)", "sides are alike: it must be \(theirs)")
    }
    // fairseq's tables begin with beginning, padding, end and unknown.
    let shift = try configuration.labelShift(padding: 1, start: 2, vocabulary: vocabulary)
    var sizes = EncoderDecoderConfiguration.mass(
      vocabulary: vocabulary,
      context: try arguments.size("max_source_positions", default: 512), width: width,
      layers: try arguments.size("encoder_layers", default: 6, atMost: 4096), heads: heads,
      inner: try arguments.size("encoder_ffn_embed_dim", default: 3072, atMost: 8 * widest),
      padding: shift.padding, dropout: try arguments.rate("dropout", default: 0.1))
    let activation = try arguments.activation("activation_fn", default: .gelu)
    (sizes.encoder.activation, sizes.decoder.activation) = (activation, activation)
    model = EncoderDecoder(sizes, key: key)
    self.shift = shift
  }

  public var names: WeightNames {
    WeightNames(
      WeightNames.attention("*.layers.*.self_attn", "*.layers.*.self_attn")
        + WeightNames.attention("*.layers.*.multihead_attn", "*.layers.*.encoder_attn") + [
          ("tokens", "encoder.embed_tokens"), ("*.positions", "*.embed_positions"),
          ("*.embedding_norm", "*.emb_layer_norm"),
          ("*.layers.*.linear1", "*.layers.*.fc1"), ("*.layers.*.linear2", "*.layers.*.fc2"),
          ("*.layers.*.norm1", "*.layers.*.self_attn_layer_norm"),
          ("decoder.layers.*.norm2", "decoder.layers.*.encoder_attn_layer_norm"),
          ("encoder.layers.*.norm2", "encoder.layers.*.final_layer_norm"),
          ("decoder.layers.*.norm3", "decoder.layers.*.final_layer_norm"),
        ])
  }

  /// The table again, and versions.
  public var ignored: [String] {
    ["decoder.embed_tokens", "decoder.embed_out", "encoder.version", "decoder.version"]
  }
}
