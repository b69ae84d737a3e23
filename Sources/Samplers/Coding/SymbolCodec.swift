internal import Layers
public import Models
internal import Tensors

/// A codec of sequences of one length, such as pictures, by a model of their symbols.
///
/// All sequences of a batch are coded side by side, place by place in the model's order. The encoder knows all symbols and
/// asks the model once; the decoder asks it again for every place, and gets the same bits of the same probabilities, since
/// those do not depend on later places.
public struct SymbolCodec<Model: SymbolModel>: LosslessCodec {
  private let model: Model
  private let length: Int
  private let batch: Int
  private let probabilities: CompiledStep<Model, Place, Tensor>

  /// What is asked for: the distributions of a place behind the symbols that are known.
  private struct Place: Module {
    /// [batch, length], int32.
    var symbols: Tensor
    /// Int32, []; all places where it is nil.
    var place: Tensor?

    mutating func visit(_ visitor: inout Visitor) {
      visitor("symbols", &symbols)
      visitor("place", &place)
    }
  }

  /// - Parameter length: symbols of a sequence.
  public init(_ model: Model, length: Int) {
    self.model = model
    self.length = length
    // At most 64 MB of probabilities at a time.
    batch = max(1, min(64, (1 << 24) / (length * model.alphabet)))
    probabilities = compiled { (model: inout Model, asked: Place) in
      let logits = model.logits(of: asked.symbols).cast(to: .float32)
      guard let place = asked.place else { return logits.softmax() }
      // [batch · 1, alphabet]: the rows of the place.
      return logits.swapped(0, 1).rows(place.reshaped([1])).squeezed(0).softmax()
    }
  }

  public var itemByteCount: Int { length }
  public var levels: Int { model.alphabet }

  public func encode(_ bytes: [UInt8]) throws(CodingError) -> CodedBytes {
    guard bytes.count % length == 0 else {
      throw .notWholeItems(count: bytes.count, itemByteCount: length)
    }
    if let place = bytes.firstIndex(where: { $0 >= levels }) {
      throw .unknownValue(bytes[place], at: place, levels: levels)
    }
    var encoder = RangeEncoder()
    var bits = 0.0
    let order = model.order(of: length)
    for rows in parts(of: bytes.count / length) {
      let known = rows.flatMap { bytes[($0 * length)..<(($0 + 1) * length)].map(Int32.init) }
      let table = ask(known, place: nil)
      for place in order {
        for row in rows.indices {
          let symbol = Int(known[(row - rows.startIndex) * length + place])
          let start = ((row - rows.startIndex) * length + place) * levels
          let frequencies = SymbolFrequencies(table[start..<(start + levels)])
          frequencies.encode(symbol, to: &encoder)
          bits += SymbolFrequencies.bits(table[start + symbol])
        }
      }
    }
    return CodedBytes(bytes: encoder.finished(), claimedBits: bits)
  }

  public func decode(_ code: [UInt8], count: Int) throws(CodingError) -> [UInt8] {
    guard count % length == 0 else {
      throw .notWholeItems(count: count, itemByteCount: length)
    }
    var decoder = RangeDecoder(code)
    var bytes: [UInt8] = []
    let order = model.order(of: length)
    for rows in parts(of: count / length) {
      var known = [Int32](repeating: 0, count: rows.count * length)
      for place in order {
        let table = ask(known, place: place)
        for row in 0..<rows.count {
          let frequencies = SymbolFrequencies(table[(row * levels)..<((row + 1) * levels)])
          known[row * length + place] = Int32(frequencies.decode(from: &decoder))
        }
      }
      bytes += known.map { UInt8($0) }
    }
    return bytes
  }

  /// The items of each batch.
  private func parts(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: batch).map { $0..<min(count, $0 + batch) }
  }

  /// Every batch has the same size, so that there is one program: zeros stand in for missing sequences.
  private func ask(_ known: [Int32], place: Int?) -> [Float] {
    let zeros = [Int32](repeating: 0, count: batch * length - known.count)
    var model = model
    return probabilities(
      &model,
      Place(
        symbols: Tensor(known + zeros, shape: [batch, length]),
        place: place.map { Tensor([Int32($0)], shape: []) })
    ).floats()
  }
}
