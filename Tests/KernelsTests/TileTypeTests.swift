import CKernels
import Foundation
import Testing

@Suite struct TileTypeTests {
  /// Takes memory of one type to another through one instruction.
  private func convert<In: BitwiseCopyable, Out: BitwiseCopyable>(
    _ x: [In], _ from: apus_type, _ lane: apus_lane, _ to: apus_type, _ type: Out.Type,
    _ operation: apus_tile_operation = APUS_TILE_COPY, on set: String? = nil
  ) -> [Out] {
    apply(operation, lane, [x], from: from, to: to, as: type, on: set)
  }

  private static let halves = (0...UInt32(UInt16.max)).map { UInt16($0) }

  @Test("All 16-bit floats load exactly and return as themselves", arguments: instructionSets)
  func exhaustive(set: String) {
    let x = Self.halves
    let wide = convert(x, APUS_BFLOAT16, APUS_LANE_F32, APUS_FLOAT32, Float.self, on: set)
    #expect(zip(x, wide).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
    let back = convert(wide, APUS_FLOAT32, APUS_LANE_F32, APUS_BFLOAT16, UInt16.self, on: set)
    #expect(zip(zip(x, wide), back).allSatisfy { $0.1.isNaN ? $1 == $0.0 | 0x40 : $1 == $0.0 })
    let half = convert(x, APUS_FLOAT16, APUS_LANE_F32, APUS_FLOAT32, Float.self, on: set)
    #expect(zip(x, half).allSatisfy { $1.bitPattern == Self.float(ofHalf: $0).bitPattern })
    let again = convert(half, APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT16, UInt16.self, on: set)
    #expect(zip(zip(x, half), again).allSatisfy { $0.1.isNaN ? $1 == $0.0 | 0x200 : $1 == $0.0 })
  }

  /// float16 by its definition; a NaN becomes quiet and keeps its payload.
  private static func float(ofHalf bits: UInt16) -> Float {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let fraction = Int(bits & 0x3FF)
    switch Int(bits >> 10) & 31 {
    case 0: return sign * Float(fraction) * 0x1p-24
    case 31 where fraction == 0: return sign * .infinity
    case 31:
      let payload = UInt32(fraction) << 13 | 0x7FC0_0000
      return Float(bitPattern: payload | UInt32(bits & 0x8000) << 16)
    case let exponent:
      return sign * Float(fraction + 1024)
        * Float(sign: .plus, exponent: exponent - 25, significand: 1)
    }
  }

  @Test("Narrow floats round to the nearest, halves to even", arguments: instructionSets)
  func rounding(set: String) {
    // All values between neighbours: below the middle, at it and above it.
    let steps = Self.halves.filter { $0 & 0x7FFF < 0x7BFF }
    let low = steps.map(Self.float(ofHalf:))
    let high = steps.map { Self.float(ofHalf: $0 + 1) }
    for (k, up) in [(0.25, false), (0.75, true)] {
      let x = zip(low, high).map { $0 + ($1 - $0) * Float(k) }
      let y = convert(x, APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT16, UInt16.self, on: set)
      #expect(zip(steps, y).allSatisfy { $1 == $0 + (up ? 1 : 0) })
    }
    let middle = zip(low, high).map { ($0 + $1) / 2 }
    let y = convert(middle, APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT16, UInt16.self, on: set)
    #expect(zip(steps, y).allSatisfy { $1 == $0 + ($0 & 1) })
    let beyond = convert(
      [65519, 65520, -1e9, .infinity] as [Float], APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT16,
      UInt16.self,
      on: set)
    #expect(beyond == [0x7BFF, 0x7C00, 0xFC00, 0x7C00] as [UInt16])
    let rounded = convert(
      [1.00390625, 1.01171875, 1.004] as [Float], APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT32,
      Float.self,
      APUS_TILE_ROUND_BF16, on: set)
    #expect(rounded == [1, 1.015625, 1.0078125])
    let halfRounded = convert(
      [1.00048828125, 3.3, 1e6] as [Float], APUS_FLOAT32, APUS_LANE_F32, APUS_FLOAT32, Float.self,
      APUS_TILE_ROUND_F16, on: set)
    #expect(halfRounded == [1, 3.30078125, .infinity])
  }

  @Test("Conversions to integers saturate and make NaN 0", arguments: instructionSets)
  func saturation(set: String) {
    let x: [Float] = [
      1.9, -1.9, 3e9, -3e9, .nan, .infinity, -.infinity, 2_147_483_520, 1e19, -1e19,
    ]
    let narrow = convert(
      x, APUS_FLOAT32, APUS_LANE_F32, APUS_INT32, Int32.self, APUS_TILE_TO_I32, on: set)
    #expect(
      narrow == [1, -1, .max, .min, 0, .max, .min, 2_147_483_520, .max, .min] as [Int32])
    let wide = convert(
      x, APUS_FLOAT32, APUS_LANE_F32, APUS_INT64, Int64.self, APUS_TILE_TO_I64, on: set)
    #expect(
      wide == [1, -1, 3_000_000_000, -3_000_000_000, 0, .max, .min, 2_147_483_520, .max, .min]
        as [Int64])
    let doubles = x.map(Double.init)
    #expect(
      convert(
        doubles, APUS_FLOAT64, APUS_LANE_F64, APUS_INT32, Int32.self, APUS_TILE_TO_I32, on: set)
        == narrow)
    #expect(
      convert(
        doubles, APUS_FLOAT64, APUS_LANE_F64, APUS_INT64, Int64.self, APUS_TILE_TO_I64, on: set)
        == wide)
    #expect(
      convert(
        doubles, APUS_FLOAT64, APUS_LANE_F64, APUS_FLOAT32, Float.self, APUS_TILE_TO_F32, on: set)[
          0] == 1.9)
    let longs: [Int64] = [1 << 40 | 7, -3, .max]
    #expect(
      convert(longs, APUS_INT64, APUS_LANE_I64, APUS_INT32, Int32.self, APUS_TILE_TO_I32, on: set)
        == [7, -3, -1] as [Int32])
    #expect(
      convert(longs, APUS_INT64, APUS_LANE_I64, APUS_FLOAT32, Float.self, APUS_TILE_TO_F32, on: set)
        == longs.map { Float($0) })
    #expect(
      convert(
        longs, APUS_INT64, APUS_LANE_I64, APUS_FLOAT64, Double.self, APUS_TILE_TO_F64, on: set)
        == longs.map { Double($0) })
    let ints: [Int32] = [-1, .max, 16_777_217]
    #expect(
      convert(ints, APUS_INT32, APUS_LANE_I32, APUS_FLOAT32, Float.self, APUS_TILE_TO_F32, on: set)
        == ints.map { Float($0) })
    #expect(
      convert(ints, APUS_INT32, APUS_LANE_I32, APUS_FLOAT64, Double.self, APUS_TILE_TO_F64, on: set)
        == ints.map { Double($0) })
    #expect(
      convert(ints, APUS_INT32, APUS_LANE_I32, APUS_INT64, Int64.self, APUS_TILE_TO_I64, on: set)
        == ints.map { Int64($0) })
    #expect(
      convert(ints, APUS_INT32, APUS_LANE_I32, APUS_UINT8, UInt8.self, on: set) == [255, 255, 1]
        as [UInt8])
    #expect(
      convert(ints, APUS_INT32, APUS_LANE_I32, APUS_BOOL, UInt8.self, on: set) == [1, 1, 1]
        as [UInt8])
    #expect(
      convert([0, 5, 255] as [UInt8], APUS_UINT8, APUS_LANE_I32, APUS_INT32, Int32.self, on: set)
        == [0, 5, 255] as [Int32])
  }

  @Test("Integers wrap, divide and shift as defined", arguments: instructionSets)
  func integers(set: String) {
    check(Int32.self, APUS_INT32, APUS_LANE_I32, set)
    check(Int64.self, APUS_INT64, APUS_LANE_I64, set)
  }

  private func check<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ type: T.Type, _ memory: apus_type, _ lane: apus_lane, _ set: String
  ) {
    let values: [T] = [0, 1, -1, 2, 3, -7, 100, .max, .min, T(T.bitWidth - 1), T(T.bitWidth)]
    let x = values.flatMap { a in values.map { _ in a } }
    let y = values.flatMap { _ in values }
    func power(_ a: T, _ b: T) -> T {
      if b < 0 { return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0 }
      var (result, base, left): (T, T, T) = (1, a, b)
      while left > 0 {
        if left & 1 == 1 { result = result &* base }
        base = base &* base
        left >>= 1
      }
      return result
    }
    func inside(_ b: T) -> Bool { b >= 0 && b < T.bitWidth }
    let binary: [(apus_tile_operation, (T, T) -> T)] = [
      (APUS_TILE_ADD, { $0 &+ $1 }), (APUS_TILE_SUBTRACT, { $0 &- $1 }),
      (APUS_TILE_MULTIPLY, { $0 &* $1 }), (APUS_TILE_MAXIMUM, max), (APUS_TILE_MINIMUM, min),
      (APUS_TILE_DIVIDE, { $1 == 0 ? -1 : $1 == -1 ? 0 &- $0 : $0 / $1 }),
      (APUS_TILE_REMAINDER, { $1 == 0 ? $0 : $1 == -1 ? 0 : $0 % $1 }),
      (APUS_TILE_AND, { $0 & $1 }), (APUS_TILE_OR, { $0 | $1 }), (APUS_TILE_XOR, { $0 ^ $1 }),
      (APUS_TILE_POWER, power),
      (APUS_TILE_SHIFT_LEFT, { inside($1) ? $0 << $1 : 0 }),
      (
        APUS_TILE_SHIFT_RIGHT,
        { inside($1) ? T(truncatingIfNeeded: $0.magnitudeOfBits >> T.Magnitude($1)) : 0 }
      ),
      (APUS_TILE_RELU_GRADIENT, { $0 <= 0 ? 0 : $1 }),
    ]
    for (operation, reference) in binary {
      let z = apply(operation, lane, [x, y], from: memory, to: memory, as: T.self, on: set)
      #expect(z == zip(x, y).map(reference), "operation \(operation.rawValue)")
    }
    let unary: [(apus_tile_operation, (T) -> T)] = [
      (APUS_TILE_NEGATE, { 0 &- $0 }), (APUS_TILE_ABS, { $0 < 0 ? 0 &- $0 : $0 }),
      (APUS_TILE_SIGN, { $0.signum() }), (APUS_TILE_SQUARE, { $0 &* $0 }),
      (APUS_TILE_RELU, { max($0, 0) }),
    ]
    for (operation, reference) in unary {
      let z = apply(operation, lane, [x], from: memory, to: memory, as: T.self, on: set)
      #expect(z == x.map(reference), "operation \(operation.rawValue)")
    }
    comparisons(x, y, memory, lane, set)
  }

  private func comparisons<T: Comparable & BitwiseCopyable>(
    _ x: [T], _ y: [T], _ memory: apus_type, _ lane: apus_lane, _ set: String
  ) {
    let all: [(apus_tile_operation, (T, T) -> Bool)] = [
      (APUS_TILE_EQUAL, { $0 == $1 }), (APUS_TILE_NOT_EQUAL, { $0 != $1 }),
      (APUS_TILE_LESS, { $0 < $1 }), (APUS_TILE_LESS_EQUAL, { $0 <= $1 }),
    ]
    for (operation, reference) in all {
      let z = apply(operation, lane, [x, y], from: memory, to: APUS_INT32, as: Int32.self, on: set)
      #expect(z == zip(x, y).map { reference($0, $1) ? 1 : 0 }, "operation \(operation.rawValue)")
    }
  }

  @Test("Float arithmetic of two and three operands", arguments: instructionSets)
  func floats(set: String) {
    let values: [Float] = [0, -0.0, 1, -1, 2.5, -3.25, 1e15, .infinity, -.infinity, .nan, 0.1, 7]
    let x = values.flatMap { a in values.map { _ in a } }
    let y = values.flatMap { _ in values }
    comparisons(x, y, APUS_FLOAT32, APUS_LANE_F32, set)
    comparisons(x.map(Double.init), y.map(Double.init), APUS_FLOAT64, APUS_LANE_F64, set)
    let both: [(apus_tile_operation, (Double, Double) -> Double)] = [
      (APUS_TILE_ADD, { $0 + $1 }), (APUS_TILE_SUBTRACT, { $0 - $1 }),
      (APUS_TILE_MULTIPLY, { $0 * $1 }),
      (APUS_TILE_DIVIDE, { $0 / $1 }), (APUS_TILE_REMAINDER, { fmod($0, $1) }),
      (APUS_TILE_POWER, { pow($0, $1) }), (APUS_TILE_ATAN2, { atan2($0, $1) }),
      (APUS_TILE_SIGMOID_GRADIENT, { $1 * ($0 * (1 - $0)) }),
      (APUS_TILE_TANH_GRADIENT, { $1 * (1 - $0 * $0) }),
      (APUS_TILE_AXPY, { $0 * 3 + $1 }), (APUS_TILE_AFFINE_MULTIPLY, { ($0 * 3 + -2) * $1 }),
      (APUS_TILE_MULTIPLY_ADD, { $0 * $1 + 2.5 }),
    ]
    for (operation, reference) in both {
      let third =
        operation == APUS_TILE_MULTIPLY_ADD ? [[Float](repeating: 2.5, count: x.count)] : []
      let z = apply(
        operation, APUS_LANE_F32, [x, y] + third, from: APUS_FLOAT32, to: APUS_FLOAT32,
        as: Float.self, on: set, immediates: (3, -2))
      let wrong = zip(zip(x, y), z).filter { pair, z in
        let exact = reference(Double(pair.0), Double(pair.1))
        if abs(exact) > 1e37 { return !(abs(z) > 1e37) }
        return !(unitsInLastPlace(z, exact) <= 3 || abs(Double(z) - exact) < 3e-7)
      }
      #expect(wrong.isEmpty, "operation \(operation.rawValue): \(wrong)")
      let wide = apply(
        operation, APUS_LANE_F64, ([x, y] + third).map { $0.map(Double.init) }, from: APUS_FLOAT64,
        to: APUS_FLOAT64, as: Double.self, on: set, immediates: (3, -2))
      let exact = zip(x, y).map { reference(Double($0), Double($1)) }
      #expect(agree(wide, exact, 1e-15), "operation \(operation.rawValue)")
    }
  }

  @Test("Selection and predicates", arguments: instructionSets)
  func predicates(set: String) {
    let x: [Float] = [0, 1, .nan, .infinity, -0.0, -.infinity, .leastNonzeroMagnitude]
    func flags(_ operation: apus_tile_operation) -> [[Int32]] {
      [
        apply(
          operation, APUS_LANE_F32, [x], from: APUS_FLOAT32, to: APUS_INT32, as: Int32.self, on: set
        ),
        apply(
          operation, APUS_LANE_F64, [x.map(Double.init)], from: APUS_FLOAT64, to: APUS_INT32,
          as: Int32.self, on: set),
      ]
    }
    for lane in 0..<2 {
      #expect(flags(APUS_TILE_IS_NAN)[lane] == x.map { $0.isNaN ? 1 : 0 })
      #expect(flags(APUS_TILE_IS_FINITE)[lane] == x.map { $0.isFinite ? 1 : 0 })
      #expect(flags(APUS_TILE_TO_BOOL)[lane] == x.map { $0 != 0 ? 1 : 0 })
    }
    #expect(
      apply(
        APUS_TILE_NOT, APUS_LANE_I32, [[0, 1, 5] as [Int32]], from: APUS_INT32, to: APUS_INT32,
        as: Int32.self, on: set) == [1, 0, 0] as [Int32])
    #expect(
      apply(
        APUS_TILE_WRAP_U8, APUS_LANE_I32, [[256, -1] as [Int32]], from: APUS_INT32, to: APUS_INT32,
        as: Int32.self, on: set) == [0, 255] as [Int32])
    for (lane, type) in [(APUS_LANE_F64, APUS_FLOAT64), (APUS_LANE_I64, APUS_INT64)] {
      // The mask's register is narrower than that of the result, and free after it.
      let count = 1000
      let result = Memory(count, of: Int64(0))
      var program = TileProgram(columns: count, registers: 2)
      program.inputs = [
        access(stride: 0, step: 1, type: APUS_UINT8, buffer: 0),
        access(stride: 0, step: 1, type: type, buffer: 1),
        access(stride: 0, step: 0, type: type, buffer: 2),
      ]
      program.instructions = [
        instruction(APUS_TILE_NOT, APUS_LANE_I32, to: 0, 2),
        instruction(APUS_TILE_SELECT, lane, to: 1, 0, 3, 4),
      ]
      program.outputs = [output(access(stride: 0, step: 1, type: type, buffer: 3), source: 1)]
      let mask = (0..<count).map { UInt8($0 * 7 % 3 == 0 ? 1 : 0) }
      let y = (0..<count).map { Int64($0) << 33 }
      #expect(program.run(on: set, [Memory(mask), Memory(y), Memory([Int64(-5)]), result]))
      #expect(result.values(Int64.self) == zip(mask, y).map { $0 == 0 ? $1 : -5 })
    }
  }

  @Test("Operations without a form for their lane are refused")
  func refusals() {
    #expect(apus_tiles_supports(APUS_TILE_EXP, APUS_LANE_F32) != 0)
    #expect(apus_tiles_supports(APUS_TILE_EXP, APUS_LANE_I32) == 0)
    var program = TileProgram(columns: 4, registers: 1)
    program.inputs = [access(stride: 0, step: 1, type: APUS_INT32, buffer: 0)]
    program.instructions = [instruction(APUS_TILE_EXP, APUS_LANE_I32, to: 0, 1)]
    program.outputs = [output(access(stride: 0, step: 1, type: APUS_INT32, buffer: 1), source: 0)]
    #expect(!program.run([Memory(4, of: Int32(0)), Memory(4, of: Int32(0))]))
    program.instructions = [instruction(APUS_TILE_EXP, APUS_LANE_F32, to: 0, 1)]
    #expect(!program.run([Memory(4, of: Int32(0)), Memory(4, of: Int32(0))]))
  }
}

extension FixedWidthInteger {
  /// The bits as an unsigned number.
  fileprivate var magnitudeOfBits: Magnitude { Magnitude(truncatingIfNeeded: self) }
}
