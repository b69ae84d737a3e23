import CKernels
import Testing

/// Accesses of all kinds against the formula of tiles.h.
@Suite struct TileAccessTests {
  /// What an access of int32 values may look like, for a space of `rows` by `columns`.
  static func patterns(_ rows: Int, _ columns: Int) -> [apus_access] {
    func of(
      _ stride: Int, _ step: Int, _ divisor: Int = 1, _ modulus: Int = 1 << 40,
      _ kind: apus_access_kind = APUS_MEMORY
    ) -> apus_access {
      access(
        stride: stride, step: step, type: APUS_INT32, buffer: 0, divisor: divisor,
        modulus: modulus, kind: kind)
    }
    return [
      of(columns, 1), of(0, 1), of(1, 0), of(0, 0), of(columns + 3, 1), of(columns, 1, 1, 3),
      of(columns, 1, 2), of(columns, 1, 2, 2), of(2, 0, 3, 2), of(1, 0, 1, 5), of(3, 0),
      of(0, 1, 2, 3), of(columns, 1, 1, 1), of(columns, 1, 1, 1 << 40, APUS_INDEX),
      of(0, 1, 1, 1, APUS_INDEX), of(7, 0, 2, 3, APUS_INDEX), of(100, 1, 1, 4, APUS_INDEX),
      of(0, 0, 1, 1, APUS_INDEX),
    ]
  }

  static func position(_ a: apus_access, _ row: Int, _ column: Int) -> Int {
    (row / Int(a.divisor)) % Int(a.modulus) * Int(a.stride) + column * Int(a.step)
  }

  static let shapes: [(Int, Int)] =
    (1...70).map { (5 + $0 % 7, $0) } + [
      (1, 5000), (5000, 1), (700, 3), (211, 10), (100, 32), (33, 100), (9, 300), (3, 511), (3, 512),
      (2, 513), (5, 1000), (2, 140_000), (1, 300_001), (0, 5), (5, 0), (20_000, 17), (1, 1),
      (1, 15),
      (1, 16), (1, 17), (3000, 70),
    ]

  @Test("Two inputs of every pattern are found where the formula says", arguments: shapes)
  func pairs(shape: (Int, Int)) {
    let (rows, columns) = shape
    let patterns = Self.patterns(rows, columns)
    let isLarge = rows * columns > 20_000
    for (i, first) in patterns.enumerated() {
      for (k, second) in patterns.enumerated() where k == (i * 5 + 3) % patterns.count || !isLarge {
        check(rows, columns, first, second)
      }
    }
  }

  private func check(_ rows: Int, _ columns: Int, _ first: apus_access, _ second: apus_access) {
    let reach = max(
      Self.position(first, max(rows - 1, 0), max(columns - 1, 0)),
      rows * columns + 4 * rows + columns)
    let x = Memory((0...reach).map { Int32(truncatingIfNeeded: $0 &* 2_654_435_761) >> 8 })
    let y = Memory((0...reach).map { Int32(truncatingIfNeeded: $0 &* 40_503) & 0xFFFFF })
    let result = Memory(rows * columns, of: Int32(-7))
    var program = TileProgram(rows: rows, columns: columns, registers: 2)
    var other = second
    other.buffer = 1
    program.inputs = [first, other]
    program.instructions = [
      instruction(APUS_TILE_MULTIPLY, APUS_LANE_I32, to: 0, 2, 4),
      instruction(APUS_TILE_ADD, APUS_LANE_I32, to: 1, 0, 3),
    ]
    program.literals = [apus_tile_literal(lane: 1, real: 0, integer: 3)]
    program.outputs = [
      output(access(stride: columns, step: 1, type: APUS_INT32, buffer: 2), source: 1)
    ]
    #expect(program.run([x, y, result]))
    let xs = x.values(Int32.self)
    let ys = y.values(Int32.self)
    let values = result.values(Int32.self)
    var wrong = 0
    for row in 0..<rows {
      for column in 0..<columns {
        let at = Self.position(first, row, column)
        let bt = Self.position(second, row, column)
        let a = first.kind == 1 ? Int32(truncatingIfNeeded: at) : xs[at]
        let b = second.kind == 1 ? Int32(truncatingIfNeeded: bt) : ys[bt]
        if values[row * columns + column] != a &* 3 &+ b { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(rows) x \(columns): \(first) and \(second)")
  }

  @Test("Outputs in wider rows, in several places and in the input's own memory are written")
  func outputs() {
    for (rows, columns) in [(7, 5), (40, 33), (3, 700), (1, 900), (900, 1)] {
      let count = rows * columns
      let x = Memory((0..<count).map { Float($0) })
      let wide = Memory(rows * (columns + 2), of: Float(-1))
      let half = Memory(count, of: UInt16(0))
      var program = TileProgram(rows: rows, columns: columns, registers: 1)
      program.inputs = [access(stride: columns, step: 1, type: APUS_FLOAT32, buffer: 0)]
      program.instructions = [
        instruction(APUS_TILE_AFFINE, APUS_LANE_F32, to: 0, 1, immediates: (2, 1))
      ]
      let full = access(stride: columns, step: 1, type: APUS_BFLOAT16, buffer: 2)
      program.outputs = [
        output(access(stride: columns + 2, step: 1, type: APUS_FLOAT32, buffer: 1), source: 0),
        output(full, source: 0),
        output(access(stride: columns, step: 1, type: APUS_FLOAT32, buffer: 0), source: 0),
      ]
      #expect(program.run([x, wide, half]))
      let expected = (0..<count).map { Float(2 * $0 + 1) }
      #expect(x.values(Float.self) == expected)
      let padded = (0..<rows).flatMap { row -> [Float] in
        let line: [Float] = Array(expected[row * columns..<(row + 1) * columns])
        return line + [-1, -1]
      }
      #expect(wide.values(Float.self) == padded)
      let rounded = expected.map { value -> UInt16 in
        let bits = value.bitPattern
        return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
      }
      #expect(half.values(UInt16.self) == rounded)
    }
  }

  @Test("Rows are summed and their extremes found", arguments: instructionSets)
  func reductions(set: String) {
    for (rows, columns) in [
      (3, 0), (5, 1), (50, 3), (40, 16), (33, 70), (4, 513), (2, 5000), (1, 400_001), (3000, 10),
      (2, 200_000), (0, 3),
    ] {
      var numbers = Numbers(seed: 11)
      let x = numbers.floats(rows * columns)
      let outputs = (0..<3).map { _ in Memory(rows, of: Float(-9)) }
      var program = TileProgram(rows: rows, columns: columns, registers: 1)
      program.inputs = [access(stride: columns, step: 1, type: APUS_FLOAT32, buffer: 0)]
      program.instructions = [
        instruction(APUS_TILE_AFFINE, APUS_LANE_F32, to: 0, 1, immediates: (2, 0))
      ]
      for (i, store) in [APUS_ROW_SUM, APUS_ROW_MAX, APUS_ROW_MIN].enumerated() {
        program.outputs.append(
          output(
            access(stride: 1, step: 0, type: APUS_FLOAT32, buffer: 1 + i), source: 0, store: store))
      }
      #expect(program.run(on: set, [Memory(x)] + outputs))
      let lines = (0..<rows).map { x[$0 * columns..<($0 + 1) * columns].map { 2 * Double($0) } }
      #expect(agree(outputs[0].values(Float.self), lines.map { $0.reduce(0, +) }, 1e-5))
      #expect(agree(outputs[1].values(Float.self), lines.map { $0.max() ?? -.infinity }, 0))
      #expect(agree(outputs[2].values(Float.self), lines.map { $0.min() ?? .infinity }, 0))
    }
  }

  @Test("NaN wins the extremes of a row wherever it stands")
  func extremesOfNaN() {
    for columns in [2, 17, 600] {
      for position in [0, 1, columns / 2, columns - 1] {
        var x = [Float](repeating: 1, count: columns)
        x[position] = .nan
        let outputs = (0..<2).map { _ in Memory(1, of: Float(0)) }
        var program = TileProgram(rows: 1, columns: columns, registers: 0)
        program.inputs = [access(stride: columns, step: 1, type: APUS_FLOAT32, buffer: 0)]
        for (i, store) in [APUS_ROW_MAX, APUS_ROW_MIN].enumerated() {
          program.outputs.append(
            output(
              access(stride: 1, step: 0, type: APUS_FLOAT32, buffer: 1 + i), source: 0,
              store: store))
        }
        #expect(program.run([Memory(x)] + outputs))
        #expect(outputs[0].values(Float.self)[0].isNaN && outputs[1].values(Float.self)[0].isNaN)
      }
    }
  }

  @Test("Reductions of the other lanes keep their type")
  func otherReductions() {
    let rows = 9
    let columns = 37
    let integers = (0..<rows * columns).map { Int32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    func lines<T>(_ x: [T]) -> [[T]] {
      (0..<rows).map { Array(x[$0 * columns..<($0 + 1) * columns]) }
    }
    func reduce<T: BitwiseCopyable>(_ x: [T], _ type: apus_type, _ store: apus_store) -> [T] {
      let result = Memory(rows, of: x[0])
      var program = TileProgram(rows: rows, columns: columns, registers: 0)
      program.inputs = [access(stride: columns, step: 1, type: type, buffer: 0)]
      program.outputs = [
        output(access(stride: 1, step: 0, type: type, buffer: 1), source: 0, store: store)
      ]
      #expect(program.run([Memory(x), result]))
      return result.values(T.self)
    }
    #expect(
      reduce(integers, APUS_INT32, APUS_ROW_SUM) == lines(integers).map { $0.reduce(0, &+) })
    #expect(reduce(integers, APUS_INT32, APUS_ROW_MAX) == lines(integers).map { $0.max()! })
    let wide = integers.map { Int64($0) << 20 }
    #expect(reduce(wide, APUS_INT64, APUS_ROW_SUM) == lines(wide).map { $0.reduce(0, &+) })
    #expect(reduce(wide, APUS_INT64, APUS_ROW_MIN) == lines(wide).map { $0.min()! })
    let doubles = integers.map { Double($0) / 3 }
    #expect(
      agree(
        reduce(doubles, APUS_FLOAT64, APUS_ROW_SUM), lines(doubles).map { $0.reduce(0, +) }, 1e-12))
    #expect(reduce(doubles, APUS_FLOAT64, APUS_ROW_MAX) == lines(doubles).map { $0.max()! })
  }
}
