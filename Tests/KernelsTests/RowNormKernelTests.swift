import CKernels
import Foundation
import Testing

/// One setting of layer norm or RMS norm.
struct RowNormCase: Sendable, CustomTestStringConvertible {
  var rows: Int, columns: Int, centred: Bool, weight: Bool, bias: Bool
  var testDescription: String {
    "\(rows) x \(columns)" + (centred ? " centred" : "") + (weight ? " weight" : "")
      + (bias ? " bias" : "")
  }

  static let all: [RowNormCase] =
    [(1, 1), (3, 5), (2, 16), (5, 33), (70, 768), (500, 65), (0, 4), (2, 5000)].flatMap {
      rows, columns in
      [(true, true, true), (false, true, false), (true, false, false), (true, false, true)].map {
        RowNormCase(rows: rows, columns: columns, centred: $0, weight: $1, bias: $2)
      }
    }

  func description(_ type: apus_type) -> apus_row_norm {
    apus_row_norm(
      rows: Int64(rows), columns: Int64(columns), epsilon: 1e-5, type: Int32(type.rawValue),
      centred: centred ? 1 : 0, has_weight: weight ? 1 : 0, has_bias: bias ? 1 : 0)
  }

  struct Forward<Real: BinaryFloatingPoint & BitwiseCopyable> {
    var y: [Real], mean: [Real], rstd: [Real]
  }

  func forward<Real: BinaryFloatingPoint & BitwiseCopyable>(
    _ x: [Real], _ w: [Real], _ b: [Real], _ type: apus_type, on set: String? = nil
  ) -> Forward<Real> {
    let y = Memory(x)
    let mean = Memory(rows, of: Real(0))
    let rstd = Memory(rows, of: Real(9))
    let buffers = [Memory(x)] + (weight ? [Memory(w)] : []) + (bias ? [Memory(b)] : []) + [y]
    var norm = description(type)
    let done = run(on: set, buffers + (centred ? [mean] : []) + [rstd]) {
      unsafe apus_row_norm_prepare(&norm, $0.pointer)
    }
    #expect(done)
    return Forward(y: y.values(), mean: mean.values(), rstd: rstd.values())
  }

  func backward<Real: BinaryFloatingPoint & BitwiseCopyable>(
    _ dy: [Real], _ x: [Real], _ w: [Real], _ forward: Forward<Real>, _ type: apus_type,
    on set: String? = nil
  ) -> (dx: [Real], dw: [Real], db: [Real]) {
    let dx = Memory(x)
    let dw = Memory(w)
    let db = Memory(w)
    let inputs =
      [Memory(dy), Memory(x)] + (weight ? [Memory(w)] : [])
      + (centred ? [Memory(forward.mean)] : []) + [Memory(forward.rstd)]
    var norm = description(type)
    let done = run(on: set, inputs + [dx] + (weight ? [dw] : []) + (bias ? [db] : [])) {
      unsafe apus_row_norm_gradient_prepare(&norm, $0.pointer)
    }
    #expect(done)
    return (dx.values(), dw.values(), db.values())
  }
}

@Suite struct RowNormKernelTests {
  @Test("Rows are normalised as in float64", arguments: RowNormCase.all, instructionSets)
  func forward(norm: RowNormCase, set: String) {
    var numbers = Numbers(seed: 21)
    let n = norm.columns
    let x = numbers.floats(norm.rows * n).map { Double($0) * 3 + 2 }.map { Double(Float($0)) }
    let w = numbers.floats(n).map { Double($0) }
    let b = numbers.floats(n).map { Double($0) }
    var y: [Double] = []
    var means: [Double] = []
    var rstds: [Double] = []
    for row in 0..<norm.rows {
      let values = x[row * n..<(row + 1) * n]
      let mean = norm.centred ? values.reduce(0, +) / Double(n) : 0
      let rstd =
        1 / (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n) + 1e-5).squareRoot()
      y += values.enumerated().map {
        ($1 - mean) * rstd * (norm.weight ? w[$0] : 1) + (norm.bias ? b[$0] : 0)
      }
      means.append(mean)
      rstds.append(rstd)
    }
    let wide = norm.forward(x, w, b, APUS_FLOAT64, on: set)
    #expect(
      agree(wide.y, y, 1e-12) && agree(wide.mean, means, 1e-12) && agree(wide.rstd, rstds, 1e-12))
    let narrow = norm.forward(
      x.map { Float($0) }, w.map { Float($0) }, b.map { Float($0) }, APUS_FLOAT32, on: set)
    #expect(
      agree(narrow.y, y, 3e-6) && agree(narrow.mean, means, 1e-6) && agree(narrow.rstd, rstds, 1e-6)
    )
  }

  @Test(
    "Gradients are central differences",
    arguments: RowNormCase.all.filter { $0.rows * $0.columns < 3000 })
  func differences(norm: RowNormCase) {
    var numbers = Numbers(seed: 22)
    let x = numbers.reals(norm.rows * norm.columns)
    let w = numbers.reals(norm.columns)
    let b = numbers.reals(norm.columns)
    let dy = numbers.reals(x.count)
    let forward = norm.forward(x, w, b, APUS_FLOAT64)
    let gradient = norm.backward(dy, x, w, forward, APUS_FLOAT64)
    func loss(_ x: [Double], _ w: [Double]) -> Double {
      zip(norm.forward(x, w, b, APUS_FLOAT64).y, dy).reduce(0) { $0 + $1.0 * $1.1 }
    }
    for _ in 0..<min(10, x.count) {
      let i = numbers.below(x.count)
      let difference = centralDifference(x, i) { loss($0, w) }
      // Rows of one value have no slope but a huge rstd.
      #expect(abs(difference - gradient.dx[i]) <= 2e-6 * max(1, abs(difference)))
      let k = numbers.below(w.count)
      if norm.weight {
        #expect(abs(centralDifference(w, k) { loss(x, $0) } - gradient.dw[k]) < 1e-6)
      }
    }
    if norm.bias {
      let sums = (0..<norm.columns).map { c in
        (0..<norm.rows).reduce(0) { $0 + dy[$1 * norm.columns + c] }
      }
      #expect(agree(gradient.db, sums, 1e-12))
    }
  }

  @Test(
    "Gradients in float32 agree with those in float64", arguments: RowNormCase.all, instructionSets)
  func narrowGradients(norm: RowNormCase, set: String) {
    var numbers = Numbers(seed: 23)
    let x = numbers.floats(norm.rows * norm.columns)
    let w = numbers.floats(norm.columns)
    let dy = numbers.floats(x.count)
    let wide = { (values: [Float]) in values.map { Double($0) } }
    let forward = norm.forward(wide(x), wide(w), wide(w), APUS_FLOAT64)
    let expected = norm.backward(wide(dy), wide(x), wide(w), forward, APUS_FLOAT64, on: set)
    let narrow = RowNormCase.Forward(
      y: [Float](), mean: forward.mean.map { Float($0) }, rstd: forward.rstd.map { Float($0) })
    let gradient = norm.backward(dy, x, w, narrow, APUS_FLOAT32, on: set)
    let scale = max(1, forward.rstd.max() ?? 1)
    #expect(agree(gradient.dx, expected.dx, 2e-6 * scale))
    if norm.weight { #expect(agree(gradient.dw, expected.dw, 2e-5 * scale)) }
    if norm.bias { #expect(agree(gradient.db, expected.db, 2e-5)) }
  }
}
