public import Layers
public import Models
public import Tensors

/// The speaker encoder of the package Resemblyzer, from its `pretrained.pt`: a training checkpoint, of which the weights alone
/// are read.
///
/// Input `mels`: spectrograms [batch, frames, 40]. Outputs: `embeds`, of length 1, and `hidden`, the last state of every
/// layer, [layers, batch, 256].
public struct PublishedVoiceEncoder: PublishedInference {
  public var model: VoiceEncoder
  public let names: WeightNames = ["lstm": "model_state.lstm", "linear": "model_state.linear"]
  public var optionalPrefix: String { "model_state." }
  /// What only training needs.
  public var ignored: [String] {
    let similarity = ["similarity_weight", "similarity_bias"]
    return similarity + similarity.map { "model_state.\($0)" } + ["optimizer_state"]
  }

  public static let card = ArchitectureCard(
    "Voice encoder", family: "audio", layouts: ["resemblyzer"],
    source: "Wan et al., arXiv:1710.10467; github.com/resemble-ai/Resemblyzer",
    sizes: [.init("resemblyzer", #"{"library": "resemblyzer", "architecture": "VoiceEncoder"}"#)])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "resemblyzer" && configuration.architecture == "VoiceEncoder"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    model = VoiceEncoder(key: key)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> [String: Tensor]
  {
    let mels = try inputs("mels", rank: 3)
    guard mels.shape[1] > 0, mels.shape[2] == 40 else {
      throw .input(name: "mels", problem: "its shape is \(mels.shape), not [batch, frames, 40]")
    }
    let (states, embedding) = model(mels)
    return ["embeds": embedding, "hidden": stack(states)]
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
