import CKernels
import Foundation
import Testing

@Suite struct SoftmaxKernelTests {
  static let sizes = [
    (1, 1), (3, 5), (4, 16), (2, 33), (60, 100), (1, 50_257), (3, 0), (0, 4), (2, 4099),
  ]

  static func softmax(
    _ buffers: [Memory], _ rows: Int, _ columns: Int, _ operation: apus_softmax_operation,
    _ type: apus_type, on set: String? = nil
  ) {
    var softmax = apus_softmax(
      rows: Int64(rows), columns: Int64(columns), operation: Int32(operation.rawValue),
      type: Int32(type.rawValue))
    #expect(run(on: set, buffers) { unsafe apus_softmax_prepare(&softmax, $0.pointer) })
  }

  private func result(
    _ inputs: [[Double]], _ rows: Int, _ columns: Int, _ operation: apus_softmax_operation,
    on set: String
  ) -> (single: [Float], double: [Double]) {
    let count = operation == APUS_LOG_SUM_EXP ? rows : rows * columns
    let single = Memory(count, of: Float(9))
    let double = Memory(count, of: 9.0)
    let narrow = inputs.map { Memory($0.map { Float($0) }) }
    Self.softmax(narrow + [single], rows, columns, operation, APUS_FLOAT32, on: set)
    Self.softmax(
      inputs.map { Memory($0) } + [double], rows, columns, operation, APUS_FLOAT64, on: set)
    return (single.values(), double.values())
  }

  @Test("Softmax, its logarithm and the sum of exponentials", arguments: sizes, instructionSets)
  func forward(size: (Int, Int), set: String) {
    let (rows, columns) = size
    var numbers = Numbers(seed: 11)
    let x = numbers.floats(rows * columns).map { Double($0 * 8) }
    var sums: [Double] = []
    var logarithms: [Double] = []
    for row in 0..<rows {
      let values = x[row * columns..<(row + 1) * columns]
      sums.append(log(values.reduce(0) { $0 + exp($1) }))
      logarithms += values.map { $0 - sums[row] }
    }
    let probabilities = result([x], rows, columns, APUS_SOFTMAX, on: set)
    #expect(agree(probabilities.single, logarithms.map { exp($0) }, 3e-7))
    #expect(agree(probabilities.double, logarithms.map { exp($0) }, 1e-14))
    let logarithm = result([x], rows, columns, APUS_LOG_SOFTMAX, on: set)
    #expect(agree(logarithm.single, logarithms, 1e-6))
    #expect(agree(logarithm.double, logarithms, 1e-13))
    let sum = result([x], rows, columns, APUS_LOG_SUM_EXP, on: set)
    #expect(agree(sum.single, sums, 1e-6))
    #expect(agree(sum.double, sums, 1e-13))
  }

  @Test("Gradients are the products with the Jacobian", arguments: sizes, instructionSets)
  func gradients(size: (Int, Int), set: String) {
    let (rows, columns) = size
    var numbers = Numbers(seed: 12)
    let x = numbers.floats(rows * columns).map { Double($0 * 4) }
    let dy = numbers.floats(rows * columns).map { Double($0) }
    let p = result([x], rows, columns, APUS_SOFTMAX, on: set).double
    let l = result([x], rows, columns, APUS_LOG_SOFTMAX, on: set).double
    var expected: [Double] = []
    var logarithmic: [Double] = []
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let dot = range.reduce(0) { $0 + p[$1] * dy[$1] }
      let sum = range.reduce(0) { $0 + dy[$1] }
      expected += range.map { p[$0] * (dy[$0] - dot) }
      logarithmic += range.map { dy[$0] - p[$0] * sum }
    }
    let gradient = result([p, dy], rows, columns, APUS_SOFTMAX_GRADIENT, on: set)
    #expect(agree(gradient.single, expected, 1e-6))
    #expect(agree(gradient.double, expected, 1e-14))
    let other = result([l, dy], rows, columns, APUS_LOG_SOFTMAX_GRADIENT, on: set)
    #expect(agree(other.single, logarithmic, 2e-6))
    #expect(agree(other.double, logarithmic, 1e-12))
  }

  @Test(
    "Masked values have no weight, masked rows none at all, NaN spreads over its row",
    arguments: instructionSets)
  func masks(set: String) {
    for columns in [3, 20, 64] {
      var x = [Double](repeating: 1, count: 4 * columns)
      for c in 0..<columns { x[c] = -.infinity }
      for c in 1..<columns { x[columns + c] = -.infinity }
      x[2 * columns + 1] = .nan
      x[3 * columns] = 1e4
      let p = result([x], 4, columns, APUS_SOFTMAX, on: set)
      let one = [1] + [Double](repeating: 0, count: columns - 1)
      let expected =
        [Double](repeating: 0, count: columns) + one
        + [Double](repeating: .nan, count: columns) + one
      #expect(agree(p.single, expected, 0))
      #expect(agree(p.double, expected, 0))
      let sum = result([x], 4, columns, APUS_LOG_SUM_EXP, on: set)
      #expect(agree(sum.single, [-.infinity, 1, .nan, 1e4], 1e-6))
      let logarithm = result([x], 4, columns, APUS_LOG_SOFTMAX, on: set)
      #expect(logarithm.single.prefix(columns).allSatisfy { $0 == -.infinity })
    }
  }

  @Test("The output may be the input")
  func inPlace() {
    var numbers = Numbers(seed: 13)
    let x = numbers.floats(7 * 45)
    let apart = Memory(x)
    let output = Memory(x)
    let inPlace = Memory(x)
    Self.softmax([apart, output], 7, 45, APUS_SOFTMAX, APUS_FLOAT32)
    Self.softmax([inPlace, inPlace], 7, 45, APUS_SOFTMAX, APUS_FLOAT32)
    #expect(inPlace.values(Float.self) == output.values(Float.self))
  }
}
