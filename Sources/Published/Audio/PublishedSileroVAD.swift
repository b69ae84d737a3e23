public import Layers
public import Models
public import Tensors

/// Silero's voice activity detector at 16 kHz, from `silero_vad_16k.safetensors` of the package silero-vad.
///
/// Input `x`: samples [batch, samples] between −1 and 1. Outputs: `output`, the probability of speech in every chunk of 512,
/// and the LSTM's last state, `state.h` and `state.c`.
public struct PublishedSileroVAD: PublishedInference {
  public var model: SileroVAD
  public let names: WeightNames = [
    "spectrum": "stft_conv", "cell": "lstm_cell", "head": "final_conv",
    "convolutions.0": "conv1", "convolutions.1": "conv2", "convolutions.2": "conv3",
    "convolutions.3": "conv4",
  ]

  public static let card = ArchitectureCard(
    "Silero VAD", family: "audio", layouts: ["silero-vad"],
    source: "github.com/snakers4/silero-vad",
    sizes: [
      .init("silero_vad_16k", #"{"library": "silero-vad", "architecture": "silero_vad_16k"}"#)
    ])

  public static func reads(_ configuration: ModelConfiguration) -> Bool {
    configuration.library == "silero-vad" && configuration.architecture == "silero_vad_16k"
  }

  public init(_ configuration: ModelConfiguration, key: RandomKey) throws(PublishedError) {
    model = SileroVAD(key: key)
  }

  public func outputs(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError)
    -> [String: Tensor]
  {
    let samples = try inputs("x", rank: 2)
    var state = model.start(batch: samples.shape[0])
    var outputs = ["output": model(samples, &state)]
    outputs["state.h"] = state.memory.hidden
    outputs["state.c"] = state.memory.cell
    return outputs
  }

  public mutating func visit(_ visitor: inout Visitor) { visitor.inline(&model) }
}
