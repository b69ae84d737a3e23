public import Layers
public import Models
internal import Tensors

/// A codec of bytes by a model of tokens: a text is cut into streams that are read side by side.
///
/// A model with a short context starts anew at every window, with the token before it; so the bits are those that the
/// model's loss over such windows says. Encoder and decoder take the same steps.
public struct TextCodec<Model: TokenModel<Nothing>>: LosslessCodec {
  private let model: Model
  private let window: Int
  private let tokens: @Sendable ([UInt8]) -> [Int]
  private let bytes: @Sendable ([Int]) -> [UInt8]
  private let step: ReadingStep<Model> = .reading()

  /// - Parameters:
  ///   - window: tokens after which the model starts anew.
  ///   - tokens: the tokens of bytes.
  ///   - bytes: the bytes of tokens.
  public init(
    _ model: Model, window: Int, tokens: @escaping @Sendable ([UInt8]) -> [Int],
    bytes: @escaping @Sendable ([Int]) -> [UInt8]
  ) {
    self.model = model
    self.window = window
    self.tokens = tokens
    self.bytes = bytes
  }

  public var itemByteCount: Int { 1 }
  public var levels: Int { 256 }

  public func encode(_ text: [UInt8]) throws(CodingError) -> CodedBytes {
    let known = tokens(text)
    guard bytes(known) == text else { throw .notReproduced }
    var encoder = RangeEncoder()
    var bits = 0.0
    // The number of tokens goes first: decoders know the number of bytes only.
    for shift in stride(from: 0, to: 32, by: 8) {
      let byte = UInt32(truncatingIfNeeded: known.count >> shift) & 255
      encoder.encode(start: byte, frequency: 1, of: 256)
    }
    walk(known.count) { place, probabilities in
      SymbolFrequencies(probabilities).encode(known[place], to: &encoder)
      bits += SymbolFrequencies.bits(probabilities[probabilities.startIndex + known[place]])
      return known[place]
    }
    return CodedBytes(bytes: encoder.finished(), claimedBits: bits)
  }

  public func decode(_ code: [UInt8], count: Int) throws(CodingError) -> [UInt8] {
    var decoder = RangeDecoder(code)
    var length = 0
    for shift in stride(from: 0, to: 32, by: 8) {
      let byte = decoder.target(of: 256)
      decoder.advance(start: byte, frequency: 1, of: 256)
      length |= Int(byte) << shift
    }
    // A token stands for a byte at least.
    guard length <= count else { throw .notReproduced }
    var known = [Int](repeating: 0, count: length)
    walk(length) { place, probabilities in
      known[place] = SymbolFrequencies(probabilities).decode(from: &decoder)
      return known[place]
    }
    let text = bytes(known)
    guard text.count == count else { throw .notReproduced }
    return text
  }

  /// Visits every place of all streams with what the model expects there, and learns the token from `visit`.
  private func walk(_ count: Int, _ visit: (_ place: Int, ArraySlice<Float>) -> Int) {
    guard count > 0 else { return }
    let windows = (count + window - 1) / window
    let streams = min(64, windows)
    // Whole windows each.
    let length = (windows + streams - 1) / streams * window
    var last = [Int32](repeating: Int32(tokens([10]).first ?? 0), count: streams)
    var state = ReadingState(model: model, memory: memory(streams))
    for place in 0..<length {
      if place > 0, place % window == 0 { state.memory = memory(streams) }
      let reading = Reading(ids: Tensor(last, shape: [streams, 1]), rows: nil, count: 1)
      let logits = step(&state, reading)
      let table = logits.softmax().floats()
      let vocabulary = logits.shape[2]
      for stream in 0..<streams where stream * length + place < count {
        let row = table[(stream * vocabulary)..<((stream + 1) * vocabulary)]
        last[stream] = Int32(visit(stream * length + place, row))
      }
    }
  }

  private func memory(_ streams: Int) -> Model.Memory {
    model.memory(of: Nothing(), batch: streams, capacity: window, padding: nil).evaluated()
  }
}
