internal import Documents
public import Layers
public import Models
internal import Objectives
public import Tensors

/// DALL·E's discrete variational autoencoder under the names of OpenAI's `dall_e` package: its `Encoder`, its `Decoder`, or
/// both as `encoder` and `decoder` of one file.
public struct PublishedDiscreteAutoencoder: PublishedModel {
  public var encoder: DiscreteStack?
  public var decoder: DiscreteStack?
  private let sizes: DiscreteAutoencoderConfiguration

  public static let card = ArchitectureCard(
    "DALL·E dVAE", family: "vision and language", layouts: ["dall_e"],
    source: "Ramesh et al., arXiv:2102.12092",
    sizes: ["Encoder", "Decoder"].map {
      .init("dall-e \($0.lowercased())", #"{"library": "dall_e", "architecture": "\#($0)"}"#)
    })

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "dall_e"
      && ["Encoder", "Decoder", "DiscreteVAE"].contains(configuration.architecture)
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    let arguments = try configuration.arguments
    try arguments.refuseOthers(than: [
      "group_count", "n_hid", "n_init", "n_blk_per_group", "input_channels", "output_channels",
      "vocab_size", "use_mixed_precision", "requires_grad", "device",
    ])
    let groups = try arguments.integer("group_count", default: 4)
    try arguments.require(groups == 4, "group_count", "is \(groups)", "it must be 4")
    let isEncoder = configuration.architecture != "Decoder"
    sizes = DiscreteAutoencoderConfiguration(
      channels: try arguments.size(
        isEncoder ? "input_channels" : "output_channels", default: 3, atMost: widest),
      width: try arguments.size("n_hid", default: 256, atMost: 8192),
      blocks: try arguments.size("n_blk_per_group", default: 2, atMost: 256),
      codes: try arguments.size("vocab_size", default: 8192, atMost: 1 << 20),
      start: try arguments.size("n_init", default: 128, atMost: widest))
    try arguments.require(
      sizes.width % 4 == 0, "n_hid", "is \(sizes.width)", "it must be divisible by 4")
    if isEncoder { encoder = DiscreteAutoencoder.encoder(sizes, key: key.fork(0)) }
    if configuration.architecture != "Encoder" {
      decoder = DiscreteAutoencoder.decoder(sizes, key: key.fork(1))
    }
  }

  /// Groups and blocks count from 1, and convolutions call their tensors `w` and `b`.
  public var names: WeightNames {
    var rules: [(String, String)] = []
    for side in ["encoder", "decoder"] {
      let theirs = encoder != nil && decoder != nil ? "\(side).blocks" : "blocks"
      func convolution(_ own: String, _ other: String) {
        rules.append(("\(side).\(own).weight", "\(theirs).\(other).w"))
        rules.append(("\(side).\(own).bias", "\(theirs).\(other).b"))
      }
      convolution("input", "input")
      convolution("output", "output.conv")
      for i in 0..<4 {
        for j in 0..<sizes.blocks {
          let (own, other) = ("groups.\(i).\(j)", "group_\(i + 1).block_\(j + 1)")
          convolution("\(own).id_path", "\(other).id_path")
          for k in 0..<4 {
            convolution("\(own).res_path.\(k)", "\(other).res_path.conv_\(k + 1)")
          }
        }
      }
    }
    return WeightNames(rules)
  }

  // MARK: Use

  /// Input `x`: pictures for the encoder, in 0.1 … 0.9; one-hot codes, or their weights, for the decoder alone.
  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> [String:
    Tensor]
  {
    let x = try inputs.pictures("x", channels: encoder == nil ? sizes.codes : sizes.channels)
    guard x.count > 0, encoder == nil || x.shape[1] % 8 == 0 && x.shape[2] % 8 == 0 else {
      throw .input(
        name: "x",
        problem: "its shape is \(inputs["x"]!.shape), but height and width must be divisible by 8")
    }
    let logits = encoder.map { $0(x) }
    let codes = logits.map { $0.argmax(-1) }
    let parameters = decoder.map { $0(codes?.oneHot(sizes.codes) ?? x) }
    var outputs: [String: Tensor] = [:]
    outputs["logits"] = (logits ?? parameters)?.channelsLeading
    outputs["codes"] = codes?.cast(to: .int64)
    if logits != nil { outputs["parameters"] = parameters?.channelsLeading }
    outputs["pictures"] = parameters.map { parameters in
      let logit = parameters.sliced(-1, 0..<sizes.channels)
      return PixelDistribution.logitLaplace.mean(stack([logit, logit], axis: -1)).channelsLeading
    }
    return outputs
  }

  /// Of the decoder, what a picture `target` costs, in nats of a sample; of the encoder, the divergence of the codes from
  /// the uniform distribution, in nats of a picture; of both, their sum for soft codes without noise.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    let x = try inputs.pictures("x", channels: encoder == nil ? sizes.codes : sizes.channels)
    let logits = encoder.map { $0(x) }
    let divergence = logits.map { DiscreteAutoencoder.divergence($0).mean() }
    guard let decoder else { return divergence! }
    let y = decoder(logits?.softmax(-1) ?? x)
    let target = encoder == nil ? try inputs.pictures("target", channels: sizes.channels) : x
    guard target.shape == Array(y.shape[..<3]) + [sizes.channels] else {
      throw .input(name: "target", problem: "its shape is not that of the pictures")
    }
    let parameters = y.reshaped(Array(y.shape[..<3]) + [2, sizes.channels]).swapped(3, 4)
    let cost = -PixelDistribution.logitLaplace.logProbability(
      of: (target - 0.1) * (255 / 0.8), parameters
    ).mean()
    return divergence.map { cost + $0 } ?? cost
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("encoder", &encoder)
    visitor("decoder", &decoder)
  }
}
