import CKernels
import Foundation
import Testing

@Suite struct RandomKernelTests {
  static func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: 4)
    unsafe apus_philox(counter, key, &words)
    return words
  }

  static func numbers<Value: BitwiseCopyable>(
    _ count: Int, _ kind: apus_random_kind, _ type: apus_type, key: Int64, _ zero: Value,
    on set: String? = nil
  ) -> [Value] {
    var random = apus_random(
      count: Int64(count), kind: Int32(kind.rawValue), type: Int32(type.rawValue))
    let output = Memory(count, of: zero)
    #expect(
      run(on: set, [Memory([key]), output]) {
        unsafe apus_random_prepare(&random, $0.pointer)
      })
    return output.values(Value.self)
  }

  @Test("Philox gives the published known answers")
  func knownAnswers() {
    let ones = UInt32.max
    #expect(
      Self.philox([0, 0, 0, 0], [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      Self.philox([ones, ones, ones, ones], [ones, ones])
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      Self.philox(
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test("An element depends on the key and its place alone", arguments: instructionSets)
  func places(set: String) {
    let key = Int64(bitPattern: 0x299f_31d0_a409_3822)
    for count in [0, 1, 3, 63, 64, 65, 1000, 100_003] {
      let bits = Self.numbers(count, APUS_RANDOM_BITS, APUS_INT32, key: key, Int32(0), on: set)
      let uniform = Self.numbers(
        count, APUS_RANDOM_UNIFORM, APUS_FLOAT32, key: key, Float(0), on: set)
      let wide = Self.numbers(
        count, APUS_RANDOM_UNIFORM, APUS_FLOAT64, key: key, 0.0, on: set)
      let words = (0..<(count + 3) / 2).flatMap {
        Self.philox([UInt32($0), 0, 0, 0], [0xa409_3822, 0x299f_31d0])
      }
      #expect(bits == words.prefix(count).map { Int32(bitPattern: $0) })
      #expect(uniform == words.prefix(count).map { Float($0 >> 8) * 0x1p-24 })
      #expect(
        wide
          == (0..<count).map {
            Double((UInt64(words[2 * $0]) << 32 | UInt64(words[2 * $0 + 1])) >> 11) * 0x1p-53
          })
    }
  }

  @Test("Normal numbers are Box and Muller's of the words", arguments: instructionSets)
  func normals(set: String) {
    let count = 200_000
    let words = Self.numbers(count, APUS_RANDOM_BITS, APUS_INT32, key: 5, Int32(0), on: set)
    let normal = Self.numbers(count, APUS_RANDOM_NORMAL, APUS_FLOAT32, key: 5, Float(0), on: set)
    let expected = (0..<count).map { i -> Double in
      let u = words[i & ~1...i | 1].map {
        Double((Float(UInt32(bitPattern: $0) >> 8) + 0.5) * 0x1p-24)
      }
      let radius = (-2 * log(u[0])).squareRoot()
      return radius * (i & 1 == 0 ? cos(2 * Double.pi * u[1]) : sin(2 * Double.pi * u[1]))
    }
    #expect(agree(normal, expected, 2e-6))
    let halves = Self.numbers(
      2 * count, APUS_RANDOM_UNIFORM, APUS_FLOAT64, key: 5, 0.0, on: set)
    let wide = Self.numbers(2 * count, APUS_RANDOM_NORMAL, APUS_FLOAT64, key: 5, 0.0, on: set)
    let expectedWide = (0..<2 * count).map { i -> Double in
      let radius = (-2 * log(halves[i & ~1] + 0x1p-54)).squareRoot()
      let angle = 2 * Double.pi * (halves[i | 1] + 0x1p-54)
      return radius * (i & 1 == 0 ? cos(angle) : sin(angle))
    }
    #expect(agree(wide, expectedWide, 1e-12))
    for sample in [normal.map(Double.init), wide] {
      let mean = sample.reduce(0, +) / Double(sample.count)
      let square = sample.reduce(0) { $0 + $1 * $1 } / Double(sample.count)
      let fourth = sample.reduce(0) { $0 + pow($1, 4) } / Double(sample.count)
      #expect(abs(mean) < 0.01 && abs(square - 1) < 0.015 && abs(fourth - 3) < 0.1)
    }
  }

  @Test("Kinds that do not fit their type are refused")
  func refusals() {
    var random = apus_random(count: 4, kind: 0, type: Int32(APUS_FLOAT32.rawValue))
    let refused = !run([]) { unsafe apus_random_prepare(&random, $0.pointer) }
    #expect(refused)
  }
}
