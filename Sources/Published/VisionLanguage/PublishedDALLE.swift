internal import Documents
public import Layers
public import Models
public import Tensors

/// DALL·E's Transformer under the names of DALLE-pytorch. Arguments are those of its `DALLE`, with the sizes of its
/// `vae`: `num_image_tokens` and `image_fmap_size`.
public struct PublishedDALLE: PublishedModel {
  public var model: DALLE

  public static let card = ArchitectureCard(
    "DALL·E", family: "vision and language", layouts: ["DALLE-pytorch"],
    source: "Ramesh et al., arXiv:2102.12092")

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "dalle-pytorch" && configuration.architecture == "DALLE"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: [
      "dim", "num_text_tokens", "text_seq_len", "num_image_tokens", "image_fmap_size", "depth",
      "heads", "dim_head", "attn_types", "attn_dropout", "ff_dropout", "loss_img_weight",
      "reversible", "sparse_attn", "rotary_emb", "shift_tokens", "stable", "sandwich_norm",
      "share_input_output_emb", "ignore_index", "optimize_for_inference",
    ])
    for (name, usual) in [("rotary_emb", true), ("shift_tokens", true)] {
      try arguments.require(
        try !arguments.bool(name, default: usual), name, "is true", "only false is supported")
    }
    for name in [
      "reversible", "sparse_attn", "stable", "sandwich_norm", "share_input_output_emb",
    ] { try arguments.refuse(name, "only false is supported") }
    var sizes = DALLEConfiguration()
    sizes.width = try arguments.size("dim", atMost: widest)
    sizes.vocabulary = try arguments.size("num_text_tokens", default: 10000)
    sizes.text = try arguments.size("text_seq_len", default: 256, atMost: 1 << 16)
    sizes.codes = try arguments.size("num_image_tokens", default: 8192)
    let side = try arguments.size("image_fmap_size", default: 32, atMost: 256)
    sizes.grid = [side, side]
    sizes.layers = try arguments.size("depth", atMost: 4096)
    sizes.heads = try arguments.size("heads", default: 8, atMost: widest)
    sizes.headWidth = try arguments.size("dim_head", default: 64, atMost: widest)
    sizes.inner = 4 * sizes.width
    (sizes.isGated, sizes.hasQueryBias, sizes.wraps) = (true, false, false)
    sizes.dropout = try arguments.rate("attn_dropout")
    try arguments.require(
      try arguments.rate("ff_dropout") == sizes.dropout, "ff_dropout", "differs from attn_dropout",
      "make them equal")
    sizes.patterns = try Self.patterns(arguments)
    sizes.pictureWeight = try arguments.positive("loss_img_weight", default: 7)
    sizes.layerScale = sizes.layers > 24 ? 1e-6 : sizes.layers > 18 ? 1e-5 : 0.1
    model = DALLE(sizes, key: key)
  }

  private static func patterns(_ arguments: ModelConfiguration) throws(PublishedError)
    -> [DALLEConfiguration.Pattern]
  {
    let names = try arguments.texts("attn_types", default: ["full"])
    let known: [String: DALLEConfiguration.Pattern] = [
      "full": .all, "axial_row": .row, "axial_col": .column, "conv_like": .square(5),
    ]
    let patterns = names.compactMap { known[$0] }
    try arguments.require(
      !patterns.isEmpty && patterns.count == names.count, "attn_types", "is \(names)",
      "name \"full\", \"axial_row\", \"axial_col\" or \"conv_like\"")
    return patterns
  }

  public var names: WeightNames {
    let (attention, feedForward) = (
      "transformer.layers.layers.*.0", "transformer.layers.layers.*.1"
    )
    return [
      "image_pos_emb.rows": "image_pos_emb.weights.0",
      "image_pos_emb.columns": "image_pos_emb.weights.1",
      "blocks.*.norm1": "\(attention).fn.norm", "blocks.*.scale1": "\(attention).scale",
      "blocks.*.self_attn.in_proj_weight": "\(attention).fn.fn.to_qkv.weight",
      "blocks.*.self_attn.out_proj": "\(attention).fn.fn.to_out.0",
      "blocks.*.norm2": "\(feedForward).fn.norm", "blocks.*.scale2": "\(feedForward).scale",
      "blocks.*.linear1": "\(feedForward).fn.fn.net.0",
      "blocks.*.linear2": "\(feedForward).fn.fn.net.3", "norm": "to_logits.0",
      "head": "to_logits.1",
    ]
  }

  public var ignored: [String] { ["vae", "logits_mask", "transformer.pos_emb"] }

  // MARK: Use

  private func sequence(_ inputs: ModelInputs) throws(PublishedError) -> Tensor {
    let sizes = model.configuration
    let texts = try inputs.ids("text", below: sizes.vocabulary)
    func require(_ name: String, _ length: Int, _ wanted: Int, _ isExact: Bool)
      throws(PublishedError)
    {
      guard length == wanted || !isExact && length < wanted else {
        throw .input(name: name, problem: "it has \(length) tokens, not \(wanted)")
      }
    }
    try require("text", texts.shape[1], sizes.text, true)
    guard inputs["image"] != nil else { return model.sequence(texts: texts) }
    let codes = try inputs.ids("image", below: sizes.codes)
    try require("image", codes.shape[1], sizes.places, false)
    guard codes.shape[0] == texts.shape[0] else {
      throw .input(name: "image", problem: "there are not as many pictures as texts")
    }
    return model.sequence(texts: texts, codes: codes)
  }

  /// Where the library has the lowest number for what cannot come next, so have these.
  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let ids = try sequence(inputs)
    let longest = model.configuration.text + model.configuration.places
    let logits = model(ids.sliced(1, 0..<min(ids.shape[1], longest)), phase)
    return ["logits": maximum(logits, -Double(Float.greatestFiniteMagnitude))]
  }

  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let ids = try sequence(inputs)
    guard ids.shape[1] == 1 + model.configuration.text + model.configuration.places else {
      throw .input(name: "image", problem: "the loss is that of whole pictures")
    }
    return model.loss(ids, phase)
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
