public import Layers
public import Tensors

/// A voice as a vector of length 1, near those of the same speaker: the generalised end-to-end speaker encoder (Wan et al.,
/// arXiv:1710.10467), as Resemblyzer publishes it. Three layers of LSTM read a mel spectrogram; the last state is projected.
public struct VoiceEncoder: Module {
  public var lstm: LSTM
  public var linear: Linear

  /// - Parameters:
  ///   - mels: bands of the spectrogram.
  ///   - width: numbers of a state and of an embedding.
  public init(mels: Int = 40, width: Int = 256, layers: Int = 3, key: RandomKey) {
    lstm = LSTM(inputs: mels, width: width, layers: layers, key: key.fork(0))
    linear = Linear(inputs: width, outputs: width, key: key.fork(1))
  }

  /// The last state of every layer, [layers] of [batch, width], and the voices' embeddings, [batch, width].
  /// - Parameter mels: spectrograms, [batch, frames, bands]; published weights know 40 bands of 25 ms every 10 ms, and heard
  ///   160 frames at a time.
  public func callAsFunction(_ mels: Tensor) -> (states: [Tensor], embedding: Tensor) {
    let states = lstm(mels).state.map(\.hidden)
    let raw = linear(states[states.count - 1]).relu()
    return (states, raw / raw.square().sum([-1], keepsAxes: true).sqrt())
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("lstm", &lstm)
    visitor("linear", &linear)
  }
}
