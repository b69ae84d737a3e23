import CKernels
import Foundation
import Testing

/// Reference formulas in double.
private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
private func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
private func geluArgument(_ x: Double) -> Double {
  2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
}
private func geluSlope(_ x: Double) -> Double {
  normal(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
}
private func geluTanhSlope(_ x: Double) -> Double {
  let s = sigmoid(geluArgument(x))
  let slope = 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
  return s + x * s * sigmoid(-geluArgument(x)) * slope
}
private func siluSlope(_ x: Double) -> Double { sigmoid(x) * (1 + x * sigmoid(-x)) }
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

private struct Function: Sendable {
  var operation: apus_tile_operation
  var units: Double
  var domain: ClosedRange<Float>
  var reference: @Sendable (Double) -> Double
}

private let everywhere: ClosedRange<Float> = -.infinity ... .infinity
private let functions: [Function] = [
  .init(operation: APUS_TILE_COPY, units: 0, domain: everywhere) { $0 },
  .init(operation: APUS_TILE_NEGATE, units: 0, domain: everywhere) { -$0 },
  .init(operation: APUS_TILE_ABS, units: 0, domain: everywhere) { abs($0) },
  .init(operation: APUS_TILE_SIGN, units: 0, domain: everywhere) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 },
  .init(operation: APUS_TILE_FLOOR, units: 0, domain: everywhere) { $0.rounded(.down) },
  .init(operation: APUS_TILE_CEIL, units: 0, domain: everywhere) { $0.rounded(.up) },
  .init(operation: APUS_TILE_ROUND, units: 0, domain: everywhere) {
    $0.rounded(.toNearestOrEven)
  },
  .init(operation: APUS_TILE_SQUARE, units: 0.5, domain: everywhere) { $0 * $0 },
  .init(operation: APUS_TILE_SQRT, units: 0.5, domain: 0 ... .infinity) { $0.squareRoot() },
  .init(operation: APUS_TILE_RSQRT, units: 1.5, domain: 0 ... .infinity) { 1 / $0.squareRoot() },
  .init(operation: APUS_TILE_RECIPROCAL, units: 0.5, domain: everywhere) { 1 / $0 },
  .init(operation: APUS_TILE_EXP, units: 1, domain: everywhere) { exp($0) },
  .init(operation: APUS_TILE_EXPM1, units: 1.6, domain: everywhere) { expm1($0) },
  .init(operation: APUS_TILE_LOG, units: 1, domain: 0 ... .infinity) { log($0) },
  .init(operation: APUS_TILE_LOG1P, units: 1.6, domain: -1 ... .infinity) { log1p($0) },
  .init(operation: APUS_TILE_SIN, units: 1.6, domain: -3e38...3e38) { sin($0) },
  .init(operation: APUS_TILE_COS, units: 1.6, domain: -3e38...3e38) { cos($0) },
  .init(operation: APUS_TILE_TAN, units: 3, domain: -3e38...3e38) { tan($0) },
  .init(operation: APUS_TILE_TANH, units: 6, domain: everywhere) { tanh($0) },
  .init(operation: APUS_TILE_SIGMOID, units: 2.5, domain: -87 ... .infinity) { sigmoid($0) },
  .init(operation: APUS_TILE_SOFTPLUS, units: 2, domain: everywhere) { softplus($0) },
  .init(operation: APUS_TILE_ERF, units: 1.2, domain: everywhere) { erf($0) },
  .init(operation: APUS_TILE_RELU, units: 0, domain: everywhere) { max($0, 0) },
  .init(operation: APUS_TILE_GELU, units: 8, domain: -3 ... .infinity) { $0 * normal($0) },
  .init(operation: APUS_TILE_GELU, units: 70, domain: -13 ... .infinity) { $0 * normal($0) },
  .init(operation: APUS_TILE_GELU_TANH, units: 13, domain: -3 ... .infinity) {
    $0 * sigmoid(geluArgument($0))
  },
  .init(operation: APUS_TILE_GELU_TANH, units: 180, domain: -9 ... .infinity) {
    $0 * sigmoid(geluArgument($0))
  },
  .init(operation: APUS_TILE_SILU, units: 3, domain: -86 ... .infinity) { $0 * sigmoid($0) },
]

/// Gradients have a zero, so they are measured in units of float32 at 1.
private let slopes: [Function] = [
  .init(operation: APUS_TILE_GELU_GRADIENT, units: 5, domain: -1e30...1e30, reference: geluSlope),
  .init(operation: APUS_TILE_GELU_TANH_GRADIENT, units: 5, domain: -1e12...1e12) {
    geluTanhSlope(max(-30, min(30, $0)))
  },
  .init(operation: APUS_TILE_SILU_GRADIENT, units: 5, domain: -1e30...1e30) {
    siluSlope(max(-500, $0))
  },
  .init(operation: APUS_TILE_SOFTPLUS_GRADIENT, units: 3, domain: -1e30...1e30, reference: sigmoid),
  .init(operation: APUS_TILE_RELU_GRADIENT, units: 0, domain: -1e30...1e30) { $0 > 0 ? 1 : 0 },
]

/// Floats spread evenly over all bit patterns of the domain, and some special ones.
private func samples(_ domain: ClosedRange<Float>) -> [Float] {
  let special: [Float] = [
    0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity, 0.5, 1.5, 2.5, -0.5,
  ]
  let all =
    special + stride(from: 0, to: UInt32.max - 60000, by: 50021).map(Float.init(bitPattern:))
  return all.filter(domain.contains)
}

@Suite struct TileMathTests {
  @Test(arguments: instructionSets)
  func `float32 functions are within their bounds of the exact value`(set: String) {
    for function in functions {
      let x = samples(function.domain)
      let y = apply(
        function.operation, APUS_LANE_F32, [x], from: APUS_FLOAT32, to: APUS_FLOAT32,
        as: Float.self, on: set)
      let worst = zip(x, y).map { x, y in
        (unitsInLastPlace(y, function.reference(Double(x))), x)
      }.max { $0.0 < $1.0 }!
      #expect(worst.0 <= function.units, "operation \(function.operation.rawValue) at \(worst.1)")
    }
  }

  @Test(arguments: instructionSets)
  func `gradients are within their bounds of the exact value`(set: String) {
    for function in slopes {
      let x = samples(function.domain)
      let one = [Float](repeating: 1, count: x.count)
      let y = apply(
        function.operation, APUS_LANE_F32, [x, one], from: APUS_FLOAT32, to: APUS_FLOAT32,
        as: Float.self, on: set)
      let worst = zip(x, y).map { x, y in
        (abs(Double(y) - function.reference(Double(x))) / Double(Float.ulpOfOne), x)
      }.max { $0.0 < $1.0 }!
      #expect(worst.0 <= function.units, "operation \(function.operation.rawValue) at \(worst.1)")
      let half = apply(
        function.operation, APUS_LANE_F32, [x, one.map { $0 / 2 }], from: APUS_FLOAT32,
        to: APUS_FLOAT32, as: Float.self, on: set)
      #expect(zip(y, half).allSatisfy { abs($0 / 2 - $1) <= 1e-38 })
    }
  }

  @Test(arguments: instructionSets)
  func `float64 functions follow their formulas`(set: String) {
    for (function, isSlope) in functions.map({ ($0, false) }) + slopes.map({ ($0, true) }) {
      let x = samples(function.domain).filter { abs($0) < 1e6 || function.units == 0 }.map(
        Double.init)
      let operands = isSlope ? [x, [Double](repeating: 1, count: x.count)] : [x]
      let y = apply(
        function.operation, APUS_LANE_F64, operands, from: APUS_FLOAT64, to: APUS_FLOAT64,
        as: Double.self, on: set)
      let wrong = zip(x, y).filter { x, y in
        let exact = function.reference(x)
        return
          !(y == exact || abs(y - exact) <= 1e-13 * max(abs(exact), isSlope ? 1 : 0)
          || abs(y - exact) < 1e-300)
      }
      #expect(wrong.isEmpty, "operation \(function.operation.rawValue): \(wrong.first!)")
    }
  }

  @Test(arguments: instructionSets)
  func `infinities, NaN and signed zeros give what mathematics gives`(set: String) {
    func values(_ operation: apus_tile_operation, _ x: [Float], _ y: [Float]? = nil) -> [Float] {
      apply(
        operation, APUS_LANE_F32, [x] + (y.map { [$0] } ?? []), from: APUS_FLOAT32,
        to: APUS_FLOAT32, as: Float.self, on: set)
    }
    let unary = functions.map(\.operation).filter { $0 != APUS_TILE_COPY }
    for operation in unary { #expect(values(operation, [.nan])[0].isNaN, "\(operation.rawValue)") }
    for slope in slopes where slope.operation != APUS_TILE_RELU_GRADIENT {
      #expect(values(slope.operation, [.nan], [1])[0].isNaN)
      let ends = values(slope.operation, [-.infinity, .infinity], [1, 1])
      #expect(abs(ends[0]) < 1e-30 && ends[1] == 1, "\(slope.operation.rawValue): \(ends)")
    }
    for operation in [APUS_TILE_GELU, APUS_TILE_GELU_TANH, APUS_TILE_SILU, APUS_TILE_SIGMOID] {
      let ends = values(operation, [-.infinity, -1e30, -200, .infinity])
      #expect(ends[0] == 0 && ends[1] == 0 && ends[2] == 0)
      #expect(ends[3] == (operation == APUS_TILE_SIGMOID ? 1 : .infinity))
    }
    #expect(values(APUS_TILE_LOG, [-1])[0].isNaN && values(APUS_TILE_LOG1P, [-2])[0].isNaN)
    #expect(values(APUS_TILE_SQRT, [-1])[0].isNaN && values(APUS_TILE_SIN, [.infinity])[0].isNaN)
    for operation in [APUS_TILE_MAXIMUM, APUS_TILE_MINIMUM] {
      let both = values(operation, [.nan, 1], [1, .nan])
      #expect(both[0].isNaN && both[1].isNaN)
    }
    for operation in [
      APUS_TILE_TANH, APUS_TILE_SIN, APUS_TILE_TAN, APUS_TILE_EXPM1, APUS_TILE_LOG1P, APUS_TILE_ERF,
      APUS_TILE_FLOOR, APUS_TILE_ROUND,
    ] {
      #expect(values(operation, [-0.0])[0].sign == .minus, "\(operation.rawValue)")
    }
  }
}
