import Layers
import Models
import Samplers
import Tensors
import Testing

@Suite struct SymbolCodecTests {
  private func check<Model: SymbolModel>(
    _ model: Model, _ codec: SymbolCodec<Model>, _ items: [[Int]]
  ) throws {
    let length = items[0].count
    let bytes = items.flatMap { $0.map { UInt8($0) } }
    let coded = try codec.encode(bytes)
    #expect(try codec.decode(coded.bytes, count: bytes.count) == bytes)
    let symbols = Tensor(
      items.flatMap { $0.map { Int32($0) } }, shape: [items.count, length])
    let nats = model.logProbability(of: symbols).floats().reduce(0.0) { $0 - Double($1) }
    let bits = nats / 0.6931471805599453
    #expect(abs(coded.claimedBits - bits) < 1e-5 * bits + 1e-3)
    #expect(Double(8 * coded.bytes.count) < bits * 1.001 + 64)
    #expect(throws: CodingError.self) { try codec.encode([UInt8](repeating: 0, count: length + 1)) }
    #expect(throws: CodingError.self) {
      try codec.encode([UInt8](repeating: UInt8(model.alphabet), count: length))
    }
  }

  private func items(_ count: Int, _ length: Int, below levels: Int) -> [[Int]] {
    (0..<count).map { i in (0..<length).map { ($0 * $0 + 7 * i + i * $0 / 3) % levels } }
  }

  @Test func `Models code what they say, to the bit`() throws {
    let key = RandomKey(seed: 5)
    let nade = NADE(NADEConfiguration(length: 60, hidden: 20), key: key.fork(0)).redrawn(key)
    try check(nade, SymbolCodec(nade, length: 60), items(130, 60, below: 2))
    try check(nade, SymbolCodec(stepping: nade, length: 60), items(70, 60, below: 2))
    let made = MADE(MADEConfiguration(length: 33, hidden: [40, 40]), key: key.fork(1)).redrawn(key)
    try check(made, SymbolCodec(made, length: 33), items(70, 33, below: 2))
    let gpt = SequenceGPT(
      alphabet: 7, GPTConfiguration(vocabulary: 8, context: 25, width: 16, layers: 2, heads: 2),
      key: key.fork(2)
    ).redrawn(key)
    try check(gpt, SymbolCodec(gpt, length: 25), items(5, 25, below: 7))
    try check(gpt, SymbolCodec(stepping: gpt, length: 25), items(66, 25, below: 7))
  }
}

extension Module {
  /// Weights that are not near 0.
  fileprivate func redrawn(_ key: RandomKey) -> Self {
    var place = 0
    return mapTensors { tensor in
      place += 1
      guard tensor.dataType == .float32, tensor.rank > 0 else { return tensor }
      return tensor + key.fork(place).normal(tensor.shape) * 0.3
    }
  }
}
