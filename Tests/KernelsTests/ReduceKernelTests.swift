import CKernels
import Testing

@Suite struct ReduceKernelTests {
  typealias Shape = (outer: Int, count: Int, inner: Int)
  static let shapes: [Shape] = [
    (1, 1, 1), (3, 5, 1), (7, 100, 1), (1, 100_003, 1), (2, 4096, 1), (40, 1031, 1), (5, 3, 7),
    (1, 1000, 3),
    (2, 77, 65), (1, 5000, 130), (3, 200, 31), (1, 2, 2000), (2, 0, 3), (0, 4, 4), (300, 9, 16),
    (1, 70_001, 2),
  ]

  /// Reduces naively in float64.
  private func fold(_ x: [Double], _ s: Shape, _ start: Double, _ step: (Double, Double) -> Double)
    -> [Double]
  {
    (0..<s.outer * s.inner).map { i in
      (0..<s.count).reduce(start) {
        step($0, x[(i / s.inner * s.count + $1) * s.inner + i % s.inner])
      }
    }
  }

  private func reduce<Value: BitwiseCopyable, Result: BitwiseCopyable>(
    _ x: [Value], _ s: Shape, _ operation: apus_reduction, _ type: apus_type,
    to resultType: apus_type,
    _ placeholder: Result, on set: String? = nil
  ) -> [Result] {
    var reduce = apus_reduce(
      outer: Int64(s.outer), count: Int64(s.count), inner: Int64(s.inner),
      operation: Int32(operation.rawValue), type: Int32(type.rawValue),
      result_type: Int32(resultType.rawValue))
    let output = Memory(s.outer * s.inner, of: placeholder)
    #expect(run(on: set, [Memory(x), output]) { unsafe apus_reduce_prepare(&reduce, $0.pointer) })
    return output.values(Result.self)
  }

  @Test("Floats are reduced as in float64", arguments: shapes, instructionSets)
  func floats(shape: Shape, set: String) {
    var numbers = Numbers(seed: 6)
    let x = numbers.floats(shape.outer * shape.count * shape.inner)
    let wide = x.map { Double($0) }
    let sum = fold(wide, shape, 0, +)
    let squares = fold(wide, shape, 0) { $0 + $1 * $1 }
    let highest = fold(wide, shape, -.infinity, max)
    let lowest = fold(wide, shape, .infinity, min)
    func f32(_ operation: apus_reduction) -> [Float] {
      reduce(x, shape, operation, APUS_FLOAT32, to: APUS_FLOAT32, Float(0), on: set)
    }
    func f64(_ operation: apus_reduction) -> [Double] {
      reduce(wide, shape, operation, APUS_FLOAT64, to: APUS_FLOAT64, 0.0, on: set)
    }
    #expect(agree(f32(APUS_REDUCE_SUM), sum, 2e-5))
    #expect(agree(f64(APUS_REDUCE_SUM), sum, 1e-12))
    #expect(agree(f32(APUS_REDUCE_SUM_OF_SQUARES), squares, 1e-6))
    #expect(agree(f64(APUS_REDUCE_SUM_OF_SQUARES), squares, 1e-12))
    #expect(agree(f32(APUS_REDUCE_MAX), highest, 0))
    #expect(agree(f64(APUS_REDUCE_MIN), lowest, 0))
    let near = x.map { 1 + $0 / 1024 }
    let product = fold(near.map { Double($0) }, shape, 1, *)
    let products = reduce(
      near, shape, APUS_REDUCE_PRODUCT, APUS_FLOAT32, to: APUS_FLOAT32, Float(0), on: set)
    #expect(agree(products, product, 1e-4))
  }

  @Test("Halves are summed in float32", arguments: shapes, instructionSets)
  func halves(shape: Shape, set: String) {
    var numbers = Numbers(seed: 7)
    let x = numbers.floats(shape.outer * shape.count * shape.inner).map { Float16($0) }
    let brains = x.map { UInt16(Float($0).bitPattern >> 16) }
    let sum = fold(x.map { Double($0) }, shape, 0, +)
    let brainSum = fold(brains.map { Double(Float(bitPattern: UInt32($0) << 16)) }, shape, 0, +)
    let result = reduce(
      x, shape, APUS_REDUCE_SUM, APUS_FLOAT16, to: APUS_FLOAT32, Float(0), on: set)
    #expect(agree(result, sum, 3e-6))
    let narrow = reduce(
      x, shape, APUS_REDUCE_SUM, APUS_FLOAT16, to: APUS_FLOAT16, Float16(0), on: set)
    #expect(narrow == result.map { Float16($0) })
    let brain = reduce(
      brains, shape, APUS_REDUCE_SUM, APUS_BFLOAT16, to: APUS_FLOAT32, Float(0), on: set)
    #expect(agree(brain, brainSum, 3e-6))
  }

  @Test("Integers wrap and bools are joined", arguments: shapes, instructionSets)
  func integers(shape: Shape, set: String) {
    var numbers = Numbers(seed: 8)
    let x = (0..<shape.outer * shape.count * shape.inner).map { _ in
      Int32(numbers.below(2001) - 1000)
    }
    let wide = x.map { Double($0) }
    let sum = fold(wide, shape, 0, +)
    let sums = reduce(x, shape, APUS_REDUCE_SUM, APUS_INT32, to: APUS_INT64, Int64(0), on: set)
    #expect(sums == sum.map { Int64($0) })
    let big = x.map { Int64($0) << 50 }
    let wrapped = reduce(big, shape, APUS_REDUCE_SUM, APUS_INT64, to: APUS_INT64, Int64(0), on: set)
    #expect(wrapped == sum.map { Int64($0) << 50 })
    let highest = fold(wide, shape, Double(Int32.min), max).map { Int32($0) }
    #expect(
      reduce(x, shape, APUS_REDUCE_MAX, APUS_INT32, to: APUS_INT32, Int32(0), on: set) == highest)
    let bools = x.map { UInt8($0 > -990 ? 1 : 0) }
    let bits = bools.map { Double($0) }
    let all = fold(bits, shape, 1, min).map { UInt8($0) }
    let any = fold(bits, shape, 0, max).map { UInt8($0) }
    #expect(
      reduce(bools, shape, APUS_REDUCE_ALL, APUS_BOOL, to: APUS_BOOL, UInt8(7), on: set) == all)
    #expect(
      reduce(bools, shape, APUS_REDUCE_ANY, APUS_BOOL, to: APUS_BOOL, UInt8(7), on: set) == any)
    let count = reduce(bools, shape, APUS_REDUCE_SUM, APUS_BOOL, to: APUS_INT64, Int64(0), on: set)
    #expect(count == fold(bits, shape, 0, +).map { Int64($0) })
  }

  @Test(
    "The place of an extreme is its first one", arguments: shapes.filter { $0.count > 0 },
    instructionSets)
  func positions(shape: Shape, set: String) {
    var numbers = Numbers(seed: 9)
    var x = (0..<shape.outer * shape.count * shape.inner).map { _ in Float(numbers.below(50)) }
    for i in stride(from: 13, to: x.count, by: 977) { x[i] = .nan }
    func place(_ better: (Float, Float) -> Bool) -> [Int64] {
      (0..<shape.outer * shape.inner).map { i in
        let column = (0..<shape.count).map {
          x[(i / shape.inner * shape.count + $0) * shape.inner + i % shape.inner]
        }
        var best = 0
        for (k, value) in column.enumerated()
        where !column[best].isNaN && (value.isNaN || better(value, column[best])) {
          best = k
        }
        return Int64(best)
      }
    }
    #expect(
      reduce(x, shape, APUS_REDUCE_ARGMAX, APUS_FLOAT32, to: APUS_INT64, Int64(0), on: set)
        == place(>))
    let narrow = reduce(
      x, shape, APUS_REDUCE_ARGMIN, APUS_FLOAT32, to: APUS_INT32, Int32(0), on: set)
    #expect(narrow == place(<).map { Int32($0) })
  }

  @Test("NaN wins maximum and minimum wherever it stands", arguments: instructionSets)
  func notANumber(set: String) {
    for (count, inner) in [(100, 1), (100, 20), (5000, 3)] {
      for place in [0, 17, count * inner - 1] {
        var x = [Float](repeating: 1, count: count * inner)
        x[place] = .nan
        for operation in [APUS_REDUCE_MAX, APUS_REDUCE_MIN] {
          let y = reduce(
            x, (1, count, inner), operation, APUS_FLOAT32, to: APUS_FLOAT32, Float(0), on: set)
          #expect(y.enumerated().allSatisfy { $1.isNaN == ($0 == place % inner) })
        }
      }
    }
  }

  @Test("A million values near one are summed without drift")
  func longSum() {
    let x = [Float](repeating: 1.1, count: 1_000_000)
    let y = reduce(x, (1, x.count, 1), APUS_REDUCE_SUM, APUS_FLOAT32, to: APUS_FLOAT32, Float(0))
    #expect(agree(y, [Double(Float(1.1)) * 1_000_000], 1e-6))
  }

  @Test("Types that do not fit the operation are refused")
  func refusals() {
    for (operation, type, result, count) in [
      (APUS_REDUCE_ALL, APUS_FLOAT32, APUS_BOOL, 3), (APUS_REDUCE_SUM, APUS_FLOAT32, APUS_INT32, 3),
      (APUS_REDUCE_ARGMAX, APUS_FLOAT32, APUS_FLOAT32, 3),
      (APUS_REDUCE_ARGMAX, APUS_FLOAT32, APUS_INT32, 0),
      (APUS_REDUCE_SUM_OF_SQUARES, APUS_INT32, APUS_INT32, 3),
    ] {
      var reduce = apus_reduce(
        outer: 1, count: Int64(count), inner: 1, operation: Int32(operation.rawValue),
        type: Int32(type.rawValue), result_type: Int32(result.rawValue))
      #expect(!run([]) { unsafe apus_reduce_prepare(&reduce, $0.pointer) })
    }
  }
}
