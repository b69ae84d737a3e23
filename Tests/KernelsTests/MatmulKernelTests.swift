import CKernels
import COneDNN
import Testing

/// A matrix product and its options.
struct MatmulCase: Sendable, CustomTestStringConvertible {
  var batch = 1
  var m: Int
  var n: Int
  var k: Int
  var transposeA = false
  var transposeB = false
  var accumulate = false
  var bias = false
  var relu = false
  var reused = false
  var shareA = false
  var shareB = false
  var alpha: Float = 1
  var padding = 0  // elements between stored rows
  var type = APUS_FLOAT32
  var narrowResult = false

  var testDescription: String {
    let flags = [
      (transposeA, "Aᵀ"), (transposeB, "Bᵀ"), (accumulate, "+="), (bias, "bias"), (relu, "relu"),
      (reused, "reused"), (shareA, "one A"), (shareB, "one B"), (padding > 0, "padded"),
      (narrowResult, "narrow"),
    ]
    let words = flags.filter { $0.0 }.map { $0.1 }.joined(separator: " ")
    return "\(batch) × \(m)×\(n)×\(k) type \(type.rawValue) \(words)"
  }

  var lda: Int { (transposeA ? m : k) + padding }
  var ldb: Int { (transposeB ? k : n) + padding }
  var ldc: Int { n + padding }
  var aEntry: Int { (transposeA ? k : m) * lda }
  var bEntry: Int { (transposeB ? n : k) * ldb }
  var cEntry: Int { m * ldc }

  var descriptor: apus_matmul_descriptor {
    var d = apus_matmul_descriptor()
    (d.batch, d.m, d.n, d.k) = (Int64(batch), Int64(m), Int64(n), Int64(k))
    (d.lda, d.ldb, d.ldc) = (Int64(lda), Int64(ldb), Int64(ldc))
    d.a_stride = shareA ? 0 : Int64(aEntry)
    d.b_stride = shareB ? 0 : Int64(bEntry)
    d.c_stride = Int64(cEntry)
    d.transpose_a = transposeA ? 1 : 0
    d.transpose_b = transposeB ? 1 : 0
    d.type = Int32(type.rawValue)
    d.c_type = narrowResult || type == APUS_FLOAT64 ? d.type : Int32(APUS_FLOAT32.rawValue)
    d.accumulate = accumulate ? 1 : 0
    d.bias = bias ? 1 : 0
    d.relu = relu ? 1 : 0
    d.b_is_reused = reused ? 1 : 0
    d.alpha = alpha
    return d
  }

  /// The result by its definition, in float64; what lies between rows stays as it is.
  func expected(_ a: [Double], _ b: [Double], _ bias: [Double], _ c: [Double]) -> [Double] {
    var result = c
    for entry in 0..<batch {
      let (a0, b0) = (shareA ? 0 : entry * aEntry, shareB ? 0 : entry * bEntry)
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for q in 0..<k {
            let x = a[a0 + (transposeA ? q * lda + i : i * lda + q)]
            sum += x * b[b0 + (transposeB ? j * ldb + q : q * ldb + j)]
          }
          let at = entry * cEntry + i * ldc + j
          let value = Double(alpha) * sum + (self.bias ? bias[j] : 0) + (accumulate ? c[at] : 0)
          result[at] = relu ? max(0, value) : value
        }
      }
    }
    return result
  }
}

extension MatmulCase {
  /// Every combination of flags, at a size that is odd everywhere.
  static let flags: [MatmulCase] = (0..<64).map { bits in
    func has(_ bit: Int) -> Bool { bits >> bit & 1 == 1 }
    return MatmulCase(
      batch: 2, m: 19, n: 37, k: 23, transposeA: has(0), transposeB: has(1), accumulate: has(2),
      bias: has(3), relu: has(4), alpha: has(5) ? 0.5 : 1, padding: has(5) ? 3 : 0)
  }

  static let sizes: [MatmulCase] = [
    MatmulCase(m: 1, n: 1, k: 1), MatmulCase(batch: 0, m: 3, n: 3, k: 3),
    MatmulCase(m: 0, n: 5, k: 4), MatmulCase(m: 5, n: 0, k: 4),
    MatmulCase(m: 5, n: 7, k: 0, bias: true), MatmulCase(m: 5, n: 7, k: 0, accumulate: true),
    MatmulCase(m: 300, n: 70, k: 33, padding: 5), MatmulCase(m: 513, n: 129, k: 40),
    MatmulCase(m: 129, n: 1, k: 65), MatmulCase(m: 9, n: 3, k: 700, transposeA: true),
    MatmulCase(batch: 40, m: 6, n: 5, k: 7), MatmulCase(batch: 70, m: 33, n: 20, k: 16),
    MatmulCase(batch: 5, m: 7, n: 9, k: 11, shareB: true),
    MatmulCase(batch: 5, m: 7, n: 9, k: 11, transposeA: true, shareB: true),
    MatmulCase(batch: 5, m: 7, n: 9, k: 11, shareA: true),
    MatmulCase(batch: 9, m: 1, n: 33, k: 12, shareB: true),
  ]

  /// Many rows, and a weight that stays: packed, with blocks that do not divide the sizes.
  static let packed: [MatmulCase] = [
    MatmulCase(m: 700, n: 100, k: 65, transposeB: true, bias: true, relu: true),
    MatmulCase(m: 1025, n: 300, k: 31, accumulate: true, padding: 7),
    MatmulCase(m: 600, n: 64, k: 300, accumulate: true, bias: true, relu: true, alpha: 1),
    MatmulCase(m: 520, n: 40, k: 20, alpha: 0.25),
    MatmulCase(m: 520, n: 40, k: 20, bias: true, alpha: 2),
    MatmulCase(m: 32, n: 520, k: 128, transposeB: true, reused: true),
    MatmulCase(m: 5, n: 130, k: 77, accumulate: true, reused: true),
    MatmulCase(batch: 3, m: 200, n: 65, k: 48, bias: true, reused: true, shareB: true),
  ]

  /// A long inner dimension and a small result: partial sums.
  static let long: [MatmulCase] = [
    MatmulCase(m: 10, n: 33, k: 4096, transposeA: true),
    MatmulCase(m: 7, n: 5, k: 5003, transposeA: true, accumulate: true, bias: true, padding: 2),
    MatmulCase(
      batch: 2, m: 11, n: 17, k: 2048, transposeA: true, transposeB: true, relu: true, alpha: 3),
  ]

  static let fewRows: [MatmulCase] = (1...4).flatMap { m in
    [
      MatmulCase(m: m, n: 203, k: 131, transposeB: true, bias: true, relu: true, padding: 1),
      MatmulCase(m: m, n: 203, k: 131, accumulate: true, alpha: 0.5),
      MatmulCase(batch: 6, m: m, n: 19, k: 40, transposeA: true, transposeB: true),
      MatmulCase(m: m, n: 1000, k: 300, transposeA: true, padding: 3),
    ]
  }
}

@Suite struct MatmulKernelTests {
  /// Runs a case in float32 or float64.
  private func check(_ test: MatmulCase, on set: String? = nil) {
    var numbers = Numbers(seed: 11)
    var d = test.descriptor
    let a = numbers.floats((test.shareA ? 1 : test.batch) * test.aEntry)
    let b = numbers.floats((test.shareB ? 1 : test.batch) * test.bEntry)
    let bias = numbers.floats(test.n)
    let c = numbers.floats(test.batch * test.cEntry)
    func wide(_ x: [Float]) -> [Double] { x.map { Double($0) } }
    func memory(_ x: [Float]) -> Memory {
      test.type == APUS_FLOAT64 ? Memory(wide(x)) : Memory(x)
    }
    let output = memory(c)
    let buffers = [memory(a), memory(b)] + (test.bias ? [memory(bias)] : []) + [output]
    #expect(run(on: set, buffers) { unsafe apus_matmul_prepare(&d, $0.pointer) })
    let expected = test.expected(wide(a), wide(b), wide(bias), wide(c))
    if test.type == APUS_FLOAT64 {
      #expect(agree(output.values(Double.self), expected, 1e-12))
    } else {
      let tolerance = 2e-6 * Double(max(4, test.k)).squareRoot()
      #expect(agree(output.values(Float.self), expected, tolerance))
    }
  }

  @Test("Every combination of flags", arguments: MatmulCase.flags)
  func flags(test: MatmulCase) { check(test) }

  @Test("Empty, single, odd, batched and broadcast sizes", arguments: MatmulCase.sizes)
  func sizes(test: MatmulCase) { check(test) }

  @Test("Packed weights", arguments: MatmulCase.packed)
  func packed(test: MatmulCase) { check(test) }

  @Test("Long sums are split in a fixed way", arguments: MatmulCase.long)
  func long(test: MatmulCase) { check(test) }

  @Test("One to four rows on every instruction set", arguments: MatmulCase.fewRows, instructionSets)
  func fewRows(test: MatmulCase, set: String) { check(test, on: set) }

  @Test("float64", arguments: MatmulCase.flags + MatmulCase.sizes + MatmulCase.fewRows)
  func double(test: MatmulCase) {
    var test = test
    test.type = APUS_FLOAT64
    check(test)
  }

  @Test(
    "bfloat16 operands", arguments: MatmulCase.flags + MatmulCase.sizes + MatmulCase.packed,
    [
      false, true,
    ])
  func bfloat16(test: MatmulCase, narrowResult: Bool) {
    checkNarrow(
      test, narrowResult, APUS_BFLOAT16, precision: 0x1p-8,
      to: { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) },
      from: { Float(bitPattern: UInt32($0) << 16) })
  }

  @Test("bfloat16 with few rows", arguments: MatmulCase.fewRows, [false, true])
  func bfloat16FewRows(test: MatmulCase, narrowResult: Bool) {
    bfloat16(test: test, narrowResult: narrowResult)
  }

  #if arch(arm64) || os(Linux)
    @Test(
      "float16 operands", arguments: MatmulCase.flags + MatmulCase.sizes + MatmulCase.packed,
      [
        false, true,
      ])
    func float16(test: MatmulCase, narrowResult: Bool) {
      checkNarrow(
        test, narrowResult, APUS_FLOAT16, precision: 0x1p-11,
        to: { Float16($0).bitPattern }, from: { Float(Float16(bitPattern: $0)) })
    }
  #endif

  private func checkNarrow(
    _ test: MatmulCase, _ narrowResult: Bool, _ type: apus_type, precision: Double,
    to narrow: (Float) -> UInt16, from wide: (UInt16) -> Float
  ) {
    var test = test
    test.type = type
    test.narrowResult = narrowResult
    var numbers = Numbers(seed: 12)
    var d = test.descriptor
    let a = numbers.floats((test.shareA ? 1 : test.batch) * test.aEntry).map(narrow)
    let b = numbers.floats((test.shareB ? 1 : test.batch) * test.bEntry).map(narrow)
    let c = numbers.floats(test.batch * test.cEntry).map(narrow)
    let bias = numbers.floats(test.n)
    let output = narrowResult ? Memory(c) : Memory(c.map(wide))
    let buffers = [Memory(a), Memory(b)] + (test.bias ? [Memory(bias)] : []) + [output]
    #expect(run(buffers) { unsafe apus_matmul_prepare(&d, $0.pointer) })
    func real(_ x: [UInt16]) -> [Double] { x.map { Double(wide($0)) } }
    let expected = test.expected(real(a), real(b), bias.map { Double($0) }, real(c))
    let tolerance = 2e-6 * Double(max(4, test.k)).squareRoot()
    if narrowResult {
      let values = output.values(UInt16.self).map(wide)
      #expect(agree(values, expected, precision + tolerance))
    } else {
      #expect(agree(output.values(Float.self), expected, tolerance))
    }
  }

  @Test("float16 keeps denormals, infinities and NaN, and rounds to even")
  func float16SpecialValues() {
    var d = MatmulCase(m: 8, n: 1, k: 1, type: APUS_FLOAT16, narrowResult: true).descriptor
    let inputs: [UInt16] = [0x0001, 0x03FF, 0x7BFF, 0xFC00, 0x7E00, 0x8000, 0x3C01, 0x0400]
    // Times 1 they come back; times 2 the largest overflows.
    for (factor, expected): (UInt16, [UInt16]) in [
      (0x3C00, [0x0001, 0x03FF, 0x7BFF, 0xFC00, 0x7E00, 0x8000, 0x3C01, 0x0400]),
      (0x4000, [0x0002, 0x07FE, 0x7C00, 0xFC00, 0x7E00, 0x8000, 0x4001, 0x0800]),
      (0x3800, [0x0000, 0x0200, 0x77FF, 0xFC00, 0x7E00, 0x8000, 0x3801, 0x0200]),
    ] {
      let output = Memory(8, of: UInt16(0))
      #expect(
        run([Memory(inputs), Memory([factor]), output]) {
          unsafe apus_matmul_prepare(&d, $0.pointer)
        })
      // A sum that starts from +0 has no negative zero.
      let values = output.values(UInt16.self).map { $0 == 0x8000 ? 0 : $0 }
      #expect(values == expected.map { $0 == 0x8000 ? 0 : $0 })
    }
  }

  @Test("A wrong description is refused with a sentence")
  func errors() {
    func message(_ change: (inout apus_matmul_descriptor) -> Void) -> String {
      var d = MatmulCase(m: 4, n: 5, k: 6).descriptor
      change(&d)
      #expect(!run([]) { unsafe apus_matmul_prepare(&d, $0.pointer) })
      return unsafe String(cString: apus_onednn_error())
    }
    #expect(message { $0.m = -1 }.contains("m -1"))
    #expect(message { $0.ldb = 4 }.contains("ldb 4 of 5"))
    #expect(message { $0.type = Int32(APUS_INT32.rawValue) }.contains("type 4"))
    #expect(message { ($0.batch, $0.c_stride) = (2, 3) }.contains("overlap"))
  }

  @Test("The version of the library is known")
  func version() {
    let version = unsafe String(cString: apus_onednn_version())
    #expect(version.split(separator: ".").count == 3)
  }
}
