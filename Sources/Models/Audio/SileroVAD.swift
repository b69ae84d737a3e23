public import Layers
public import Tensors

/// Silero's voice activity detector at 16 kHz (github.com/snakers4/silero-vad, version 6): how likely every 32 milliseconds
/// of sound are speech. Short-time spectra by a convolution, four more convolutions, an LSTM that remembers what was heard.
///
///     var state = vad.start(batch: 1)
///     let probabilities = vad(samples, &state)   // [1, 512 · n] → [1, n]
public struct SileroVAD: Module {
  /// Samples of a second.
  public static let rate = 16_000
  /// Samples that one probability is about.
  public static let chunk = 512
  /// Samples before a chunk that are heard with it.
  public static let context = 64

  /// What was heard so far.
  public struct State: Module {
    /// The last samples, [batch, 64].
    public var context: Tensor
    public var memory: RecurrentState

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("context", &context)
      visitor("memory", &memory)
    }
  }

  /// Sines and cosines under a window: [258, 1, 256].
  public var spectrum: Convolution
  public var convolutions: [Convolution]
  public var cell: LSTMCell
  /// From the memory to one number.
  public var head: Convolution

  public init(key: RandomKey) {
    spectrum = Convolution(
      inputs: 1, outputs: 258, kernel: [256], stride: [128], hasBias: false, key: key.fork(0))
    let channels = [129, 128, 64, 64, 128]
    convolutions = [1, 2, 2, 1].enumerated().map { i, stride in
      Convolution(
        inputs: channels[i], outputs: channels[i + 1], kernel: [3], stride: [stride],
        padding: .symmetric([1]), key: key.fork(1).fork(i))
    }
    cell = LSTMCell(inputs: 128, width: 128, key: key.fork(2))
    head = Convolution(inputs: 128, outputs: 1, kernel: [1], key: key.fork(3))
  }

  /// The state before the first sample: silence.
  public func start(batch: Int) -> State {
    State(context: .zeros([batch, Self.context]), memory: cell.start(batch: batch))
  }

  /// Hears what follows on `state`: a whole recording, or a stream piece by piece.
  /// - Parameter samples: [batch, samples] between −1 and 1, 16,000 a second. Zeros fill up the last chunk.
  /// - Returns: the probability of speech in every chunk, [batch, chunks].
  public func callAsFunction(_ samples: Tensor, _ state: inout State) -> Tensor {
    let (batch, count) = (samples.shape[0], samples.shape[1])
    let chunks = (count + Self.chunk - 1) / Self.chunk
    guard chunks > 0 else { return .zeros([batch, 0]) }
    let rest = chunks * Self.chunk - count
    let sound = concatenate(
      [state.context, samples.padded([(low: 0, high: 0), (low: 0, high: rest)])], axis: 1)
    let length = sound.shape[1]
    state.context = sound.sliced(1, (length - Self.context)..<length)
    let (end, hidden) = scan(state.memory, over: cell.projected(features(of: sound, chunks))) {
      memory, x in
      cell.advance(&memory, x)
      return memory.hidden
    }
    state.memory = end
    return head(hidden.relu()).sigmoid().squeezed(-1).transposed()
  }

  /// What the LSTM sees of sound [batch, 64 + 512 · chunks]: [chunks, batch, 128].
  private func features(of sound: Tensor, _ chunks: Int) -> Tensor {
    let windows = (0..<chunks).map { i in
      sound.sliced(1, i * Self.chunk..<(i + 1) * Self.chunk + Self.context)
    }
    let x = concatenate(windows).expanded(-1)
      .padded([(0, 0), (0, Self.context), (0, 0)], mode: .reflect)
    let parts = spectrum(x).split(-1, into: 2)
    let magnitudes = (parts[0].square() + parts[1].square()).sqrt()
    let y = convolutions.reduce(magnitudes) { $1($0).relu() }
    return y.reshaped([chunks, sound.shape[0], 128])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("spectrum", &spectrum)
    visitor("convolutions", &convolutions)
    visitor("cell", &cell)
    visitor("head", &head)
  }
}
