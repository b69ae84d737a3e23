import Foundation
import Tensors
import TestSupport
import Testing

/// Every elementwise row against the C library's functions and against differences.
@Suite(.onEveryDevice) struct ElementwiseTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let row: Unary
    let domain: ClosedRange<Double>
    /// Of the value, in float32 and relative to max(1, |value|).
    var tolerance = 4e-7
    let exact: @Sendable (Double) -> Double
    init(
      _ row: Unary, _ domain: ClosedRange<Double>, tolerance: Double = 4e-7,
      _ exact: @escaping @Sendable (Double) -> Double
    ) {
      (self.row, self.domain, self.tolerance, self.exact) = (row, domain, tolerance, exact)
    }
    var testDescription: String { row.name }

    /// Odd in number, away from the kinks at 0 and at halves.
    var points: [Double] {
      let count = 77
      return (0..<count).map { i in
        let fraction = (Double(i) + 0.31) / Double(count)
        let value = domain.lowerBound + (domain.upperBound - domain.lowerBound) * fraction
        return Double(Float(value))
      }
    }
  }

  static let rows: [Row] = [
    Row(.negate, -5...5) { -$0 }, Row(.abs, -5...5) { Swift.abs($0) },
    Row(.sign, -5...5) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, Row(.floor, -5...5) { $0.rounded(.down) },
    Row(.ceil, -5...5) { $0.rounded(.up) },
    Row(.round, -5...5) { $0.rounded(.toNearestOrEven) }, Row(.square, -5...5) { $0 * $0 },
    Row(.sqrt, 0.01...50) { $0.squareRoot() }, Row(.rsqrt, 0.01...50) { 1 / $0.squareRoot() },
    Row(.reciprocal, 0.1...20) { 1 / $0 }, Row(.exp, -5...5) { Foundation.exp($0) },
    Row(.expm1, -3...3) { Foundation.expm1($0) }, Row(.log, 0.01...50) { Foundation.log($0) },
    Row(.log1p, -0.9...20) { Foundation.log1p($0) }, Row(.sin, -20...20) { Foundation.sin($0) },
    Row(.cos, -20...20) { Foundation.cos($0) }, Row(.tan, -1.4...1.4) { Foundation.tan($0) },
    Row(.tanh, -4...4) { Foundation.tanh($0) },
    Row(.sigmoid, -9...9) { 1 / (1 + Foundation.exp(-$0)) },
    Row(.softplus, -9...9) { Foundation.log1p(Foundation.exp($0)) },
    Row(.erf, -3...3) { Foundation.erf($0) }, Row(.relu, -5...5) { Swift.max($0, 0) },
    Row(.gelu, -5...5) { $0 * 0.5 * (1 + Foundation.erf($0 / 2.0.squareRoot())) },
    Row(.geluTanh, -5...5) { x in
      x * 0.5 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    },
    Row(.silu, -9...9) { $0 / (1 + Foundation.exp(-$0)) },
  ]

  @Test(arguments: rows)
  func `A function is that of the C library`(_ row: Row) {
    let points = row.points
    let single = Tensor(row.row, [Tensor(points.map(Float.init))]).doubles()
    let double = Tensor(row.row, [Tensor(points)]).doubles()
    for (i, x) in points.enumerated() {
      let exact = row.exact(x)
      let scale = Swift.max(1, Swift.abs(exact))
      #expect(Swift.abs(single[i] - exact) <= row.tolerance * scale, "float32 at \(x)")
      #expect(Swift.abs(double[i] - exact) <= 1e-13 * scale, "float64 at \(x)")
    }
  }

  @Test(arguments: rows)
  func `Its derivatives are those of differences`(_ row: Row) {
    let points = [Tensor(row.points.enumerated().filter { $0.offset % 5 == 0 }.map(\.element))]
    #expect(gradientProblems(at: points, order: 2) { Tensor(row.row, [$0[0]]) } == [])
  }

  struct Pair: Sendable, CustomTestStringConvertible {
    let row: Binary
    let positive: Bool
    let exact: @Sendable (Double, Double) -> Double
    init(
      _ row: Binary, positive: Bool = false, _ exact: @escaping @Sendable (Double, Double) -> Double
    ) {
      (self.row, self.positive, self.exact) = (row, positive, exact)
    }
    var testDescription: String { row.name }
    var operands: [Tensor] {
      let (a, b) = (normal([37], 11), normal([37], 12))
      return positive ? [a.abs() + 0.2, b] : [a, b + b.sign() * 0.2]
    }
  }

  static let pairs: [Pair] = [
    Pair(.add) { $0 + $1 }, Pair(.subtract) { $0 - $1 }, Pair(.multiply) { $0 * $1 },
    Pair(.divide) { $0 / $1 }, Pair(.maximum) { Swift.max($0, $1) },
    Pair(.minimum) { Swift.min($0, $1) }, Pair(.power, positive: true) { Foundation.pow($0, $1) },
    Pair(.remainder) { Foundation.fmod($0, $1) }, Pair(.atan2) { Foundation.atan2($0, $1) },
  ]

  @Test(arguments: pairs)
  func `A function of two is that of the C library`(_ pair: Pair) {
    let operands = pair.operands
    let (a, b) = (operands[0].doubles(), operands[1].doubles())
    let expected = Tensor(zip(a, b).map(pair.exact))
    #expect(distance(Tensor(pair.row, operands), expected) < 1e-13)
    let single = Tensor(pair.row, operands.map { $0.cast(to: .float32) })
    // A rounded divisor moves the jumps of a remainder by more than rounding.
    if pair.row != .remainder { #expect(distance(single, expected) < 1e-6) }
    #expect(gradientProblems(at: operands, order: 2) { Tensor(pair.row, $0) } == [])
  }

  @Test func `Comparisons know equal, unequal and NaN`() {
    let (a, b) = (Tensor([1, 2, 2, .nan] as [Float]), Tensor([2, 2, 1, 1] as [Float]))
    func bits(_ row: Binary) -> [Int] { Tensor(row, [a, b]).integers() }
    #expect(bits(.equal) == [0, 1, 0, 0])
    #expect(bits(.notEqual) == [1, 0, 1, 1])
    #expect(bits(.less) == [1, 0, 0, 0])
    #expect(bits(.lessOrEqual) == [1, 1, 0, 0])
    #expect(a.isNaN().integers() == [0, 0, 0, 1])
    #expect(Tensor([1, .infinity, .nan] as [Float]).isFinite().integers() == [1, 0, 0])
    #expect(Tensor([true, false]).not().integers() == [0, 1])
  }

  @Test func `Integers have their own operations`() {
    let (a, b) = (Tensor([12, -7, 255] as [Int32]), Tensor([10, 3, 8] as [Int32]))
    #expect(a.and(b).integers() == [8, 1, 8])
    #expect(a.or(b).integers() == [14, -5, 255])
    #expect(a.xor(b).integers() == [6, -6, 247])
    #expect((a * b).integers() == [120, -21, 2040])
    #expect(a.remainder(b).integers() == [2, -1, 7])
    let small = Tensor([1, 2, 3] as [Int32])
    #expect(Tensor(Binary.shiftLeft, [a, small]).integers() == [24, -28, 2040])
    #expect(
      Tensor(Binary.shiftRight, [Tensor([16, 16, 255] as [Int32]), small]).integers() == [8, 4, 31])
    #expect((Tensor([250, 3] as [UInt8]) + Tensor([10, 4] as [UInt8])).integers() == [4, 7])
  }

  @Test func `Select chooses and sends its gradient there`() {
    let condition = Tensor([true, false, true])
    let (a, b) = (normal([3]), normal([3], 2))
    let y = select(condition, a, b).doubles()
    #expect(y == [a.doubles()[0], b.doubles()[1], a.doubles()[2]])
    #expect(
      gradientProblems(at: [a, b], order: 2) { select(condition, $0[0].square(), $0[1].exp()) }
        == [])
  }

  @Test(arguments: DataType.allCases, DataType.allCases)
  func `Small whole numbers survive every cast`(_ source: DataType, _ target: DataType) {
    let values = [0, 1, 0, 1, 1]
    let x = Tensor(values.map(Double.init)).cast(to: source)
    #expect(x.cast(to: target).integers() == values)
  }

  @Test func `Casts cut, saturate and round to even`() {
    let x = Tensor([1.9, -1.9, 3e9, -3e9, .nan] as [Float])
    #expect(x.cast(to: .int32).integers() == [1, -1, 2_147_483_647, -2_147_483_648, 0])
    #expect(Tensor([0.5, 0, -0.0, .nan] as [Float]).cast(to: .bool).integers() == [1, 0, 0, 1])
    #expect(
      Tensor([1 + 0x1p-8, 1 + 0x3p-8] as [Float]).cast(to: .bfloat16).floats() == [1, 1 + 0x1p-6])
    #expect(
      Tensor([65504, 65520, 0x1p-24] as [Float]).cast(to: .float16).floats() == [
        65504, .infinity, 0x1p-24,
      ])
    #expect(gradientProblems(at: [normal([4])]) { $0[0].cast(to: .float64).square() } == [])
  }
}
