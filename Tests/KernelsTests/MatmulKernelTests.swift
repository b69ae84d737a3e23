import CKernels
import Testing

@Suite struct MatmulKernelTests {
  static let sizes = [
    (1, 1, 1), (5, 33, 7), (4, 32, 256), (13, 70, 600), (0, 3, 2), (3, 4, 0), (128, 64, 64),
  ]

  /// op(A) op(B) in float64.
  static func product(_ a: [Double], _ b: [Double], _ size: (Int, Int, Int), _ ta: Bool, _ tb: Bool)
    -> [Double]
  {
    let (m, n, k) = size
    return (0..<m * n).map { at in
      let (i, j) = (at / n, at % n)
      return (0..<k).reduce(0) {
        $0 + a[ta ? $1 * m + i : i * k + $1] * b[tb ? j * k + $1 : $1 * n + j]
      }
    }
  }

  @Test("Products in float32 with every transposition and scale", arguments: sizes)
  func single(size: (Int, Int, Int)) {
    let (m, n, k) = size
    var numbers = Numbers(seed: 41)
    let a = numbers.floats(m * k)
    let b = numbers.floats(k * n)
    let c = numbers.floats(m * n)
    for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
      let product = Self.product(a.map { Double($0) }, b.map { Double($0) }, size, ta, tb)
      for (alpha, beta) in [(Float(1), Float(0)), (0.5, 1), (2, -0.5)] {
        var result = beta == 0 ? [Float](repeating: .nan, count: m * n) : c
        unsafe apus_sgemm_portable(
          ta ? 1 : 0, tb ? 1 : 0, Int64(m), Int64(n), Int64(k), alpha, a, Int64(ta ? m : k), b,
          Int64(tb ? k : n), beta, &result, Int64(n))
        let expected = product.indices.map {
          Double(alpha) * product[$0] + (beta == 0 ? 0 : Double(beta * c[$0]))
        }
        #expect(agree(result, expected, 2e-5))
      }
    }
  }

  @Test("Products of a batch in float64", arguments: sizes)
  func double(size: (Int, Int, Int)) {
    let (m, n, k) = size
    var numbers = Numbers(seed: 42)
    let a = numbers.reals(3 * m * k)
    let b = numbers.reals(k * n)
    for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
      var product = apus_matrix_product_f64(
        batch: 3, m: Int64(m), n: Int64(n), k: Int64(k), a_stride: Int64(m * k), b_stride: 0,
        transpose_a: ta ? 1 : 0, transpose_b: tb ? 1 : 0)
      let c = Memory(3 * m * n, of: 9.0)
      #expect(
        run([Memory(a), Memory(b), c]) {
          unsafe apus_matrix_product_f64_prepare(&product, $0.pointer)
        })
      let expected = (0..<3).flatMap {
        Self.product(Array(a[$0 * m * k..<($0 + 1) * m * k]), b, size, ta, tb)
      }
      #expect(agree(c.values(Double.self), expected, 1e-12))
    }
  }
}
