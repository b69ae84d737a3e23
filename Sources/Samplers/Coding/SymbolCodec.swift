internal import Layers
public import Models
internal import Tensors

/// A codec of sequences of one length, such as pictures, by a model of their symbols.
///
/// All sequences of a batch are coded side by side, place by place in the model's order. Where a model reads symbol by
/// symbol, both ends do. Else the encoder, which knows all symbols, asks the model once, and the decoder asks it again for
/// every place: it gets the same bits of the same probabilities, since those do not depend on later places.
public struct SymbolCodec<Model: SymbolModel>: LosslessCodec {
  private let model: Model
  private let length: Int
  private let batch: Int
  /// The distributions of all places; nil where the model reads symbol by symbol.
  private let all: (@Sendable ([Int32]) -> [Float])?
  /// A reader of one batch: the distributions of the places in the model's order, given the symbols known so far.
  private let reader: @Sendable () -> (_ known: [Int32], _ step: Int) -> [Float]

  /// - Parameter length: symbols of a sequence.
  public init(_ model: Model, length: Int) {
    let batch = Self.batch(model, length)
    let order = model.order(of: length)
    let every = compiled { (model: Model, symbols: Tensor) in
      model.logits(of: symbols).cast(to: .float32).softmax()
    }
    let single = compiled { (model: Model, asked: Pair<Tensor, Tensor>) in
      let logits = model.logits(of: asked.first).cast(to: .float32)
      return logits.swapped(0, 1).rows(asked.second).squeezed(0).softmax()
    }
    @Sendable func symbols(_ known: [Int32]) -> Tensor { Tensor(known, shape: [batch, length]) }
    self.init(
      model, length, batch, all: { every(model, symbols($0)).floats() },
      reader: {
        { known, step in single(model, Pair(symbols(known), Tensor([Int32(order[step])]))).floats()
        }
      })
  }

  private init(
    _ model: Model, _ length: Int, _ batch: Int, all: (@Sendable ([Int32]) -> [Float])?,
    reader: @escaping @Sendable () -> (_ known: [Int32], _ step: Int) -> [Float]
  ) {
    self.model = model
    self.length = length
    self.batch = batch
    self.all = all
    self.reader = reader
  }

  /// Sequences that are coded side by side: at most 64 MB of probabilities.
  private static func batch(_ model: Model, _ length: Int) -> Int {
    max(1, min(64, (1 << 24) / (length * model.alphabet)))
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
      // Every batch has the same size, so that there is one program: zeros stand in for missing sequences.
      var known = bytes[(rows.lowerBound * length)..<(rows.upperBound * length)].map(Int32.init)
      known += [Int32](repeating: 0, count: batch * length - known.count)
      let table = all?(known)
      let read = reader()
      for (step, place) in order.enumerated() {
        let here = table == nil ? read(known, step) : []
        for row in 0..<rows.count {
          let symbol = Int(known[row * length + place])
          let probabilities =
            table.map { $0[((row * length + place) * levels)...].prefix(levels) }
            ?? here[(row * levels)...].prefix(levels)
          SymbolFrequencies(probabilities).encode(symbol, to: &encoder)
          bits += SymbolFrequencies.bits(probabilities[probabilities.startIndex + symbol])
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
      var known = [Int32](repeating: 0, count: batch * length)
      let read = reader()
      for (step, place) in order.enumerated() {
        let table = read(known, step)
        for row in 0..<rows.count {
          let frequencies = SymbolFrequencies(table[(row * levels)...].prefix(levels))
          known[row * length + place] = Int32(frequencies.decode(from: &decoder))
        }
      }
      bytes += known.prefix(rows.count * length).map { UInt8($0) }
    }
    return bytes
  }

  /// The items of each batch.
  private func parts(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: batch).map { $0..<min(count, $0 + batch) }
  }
}

extension SymbolCodec where Model: SteppingSymbolModel {
  /// A codec whose cost of a place does not grow with the places before it.
  public init(stepping model: Model, length: Int) {
    let batch = Self.batch(model, length)
    let order = model.order(of: length)
    let step = CompiledStep<SymbolReading<Model>, Pair<Tensor, Tensor>, Tensor>.reading()
    self.init(model, length, batch, all: nil) {
      var state = SymbolReading(model: model, memory: model.memory(batch: batch, length: length))
      return { known, place in
        let previous = (0..<batch).map { row in
          place == 0 ? -1 : known[row * length + order[place - 1]]
        }
        return step(&state, Pair(Tensor(previous), Tensor([Int32(place)], shape: []))).floats()
      }
    }
  }
}

/// A model and what it has read.
private struct SymbolReading<Model: SteppingSymbolModel>: Module {
  var model: Model
  var memory: Model.Memory

  mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor.buffer("memory", &memory)
  }
}

extension CompiledStep where Batch == Pair<Tensor, Tensor>, Result == Tensor {
  /// Reads the symbol before a place and gives the place's distributions.
  fileprivate static func reading<Model: SteppingSymbolModel>() -> CompiledStep
  where State == SymbolReading<Model> {
    compiled { (state: inout SymbolReading<Model>, input: Pair<Tensor, Tensor>) in
      state.model.next(after: input.first, step: input.second, &state.memory).cast(to: .float32)
        .softmax()
    }
  }
}
