import Samplers
import Testing

@Suite struct RangeCoderTests {
  private struct Numbers {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  @Test(arguments: 1...40)
  func `What was written is read, in as many bits as the frequencies say`(seed: Int) {
    var numbers = Numbers(state: UInt64(seed))
    let alphabet = [1, 2, 3, 17, 256, 50_000][numbers.below(6)]
    // Flat, peaked, and with impossible symbols.
    let sharpness = Float([0.0, 1, 40][numbers.below(3)])
    let weights = (0..<alphabet).map { _ in
      1 / (1 + sharpness * Float(numbers.below(1000)))
    }
    let sum = weights.reduce(0, +)
    let table = SymbolFrequencies(weights.map { $0 / sum })
    let symbols = (0..<numbers.below(2000)).map { _ in
      numbers.below(3) == 0 ? numbers.below(alphabet) : 0
    }
    var encoder = RangeEncoder()
    for symbol in symbols { table.encode(symbol, to: &encoder) }
    let bytes = encoder.finished()
    var decoder = RangeDecoder(bytes)
    #expect(symbols.allSatisfy { table.decode(from: &decoder) == $0 })
    let bits = symbols.reduce(0.0) { $0 + table.bits(of: $1) }
    #expect(Double(bytes.count * 8) < bits * (1 + 1e-5) + 16)
  }

  @Test func `Certain symbols cost nothing, and carries pass through every byte`() {
    // The last of many symbols again and again drives the lower end to just below a carry.
    for frequency in [UInt32(1), 2, 255, 65_535] {
      var encoder = RangeEncoder()
      let total: UInt32 = 1 << 24
      let choices = (0..<3000).map { $0 % 97 == 96 ? 0 : 1 }
      for choice in choices {
        let (start, size) = choice == 1 ? (total - frequency, frequency) : (0, total - frequency)
        encoder.encode(start: start, frequency: size, of: total)
      }
      var decoder = RangeDecoder(encoder.finished())
      for choice in choices {
        let isLast = decoder.target(of: total) >= total - frequency
        #expect(isLast == (choice == 1))
        let (start, size) = isLast ? (total - frequency, frequency) : (0, total - frequency)
        decoder.advance(start: start, frequency: size, of: total)
      }
    }
    var encoder = RangeEncoder()
    for _ in 0..<1000 { encoder.encode(start: 0, frequency: 1, of: 1) }
    #expect(encoder.finished().count <= 1)
  }

  @Test func `Any bytes are read without a trap`() {
    var numbers = Numbers(state: 9)
    for length in 0..<50 {
      var decoder = RangeDecoder((0..<length).map { _ in UInt8(numbers.below(256)) })
      let table = SymbolFrequencies([0.1, 0.2, .nan, 0.7, -1])
      for _ in 0..<200 { #expect((0..<5).contains(table.decode(from: &decoder))) }
    }
  }
}
