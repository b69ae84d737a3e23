import CKernels
import Testing

@Suite struct MatmulKernelTests {
  static let sizes = [
    (1, 1, 1), (5, 33, 7), (4, 32, 256), (13, 70, 600), (0, 3, 2), (3, 4, 0), (128, 64, 64),
    (267, 81, 33), (2, 19, 800), (12, 48, 390),
  ]

  struct Operands {
    var a, b: [Float]
    var transposesA = false
    var transposesB = false
    var packsB = false
    var set = instructionSets[0]
  }

  /// op(A) op(B) in float64.
  static func product(_ operands: Operands, _ size: (Int, Int, Int)) -> [Double] {
    let (m, n, k) = size
    let a = operands.a.map { Double($0) }
    let b = operands.b.map { Double($0) }
    return (0..<m * n).map { at in
      let (i, j) = (at / n, at % n)
      return (0..<k).reduce(0) {
        $0 + a[operands.transposesA ? $1 * m + i : i * k + $1]
          * b[operands.transposesB ? j * k + $1 : $1 * n + j]
      }
    }
  }

  /// By the kernel, on rows `rows` alone where they are given.
  static func multiply(
    _ operands: Operands, _ size: (Int, Int, Int), alpha: Float = 1, onto c: [Float]? = nil,
    rows: Range<Int>? = nil
  ) -> [Float] {
    let (m, n, k) = size
    let rows = rows ?? 0..<m
    var c = c ?? [Float](repeating: .nan, count: rows.count * n)
    let accumulates = !(c.first?.isNaN ?? true)
    let scratch = Memory(Int(APUS_PRODUCT_SCRATCH_FLOATS), of: Float.nan)
    let packed = Memory(Int(apus_packed_floats(Int64(k), Int64(n))) + 1, of: Float.nan)
    var product = unsafe apus_product()
    let functions = multiplier(on: operands.set)
    unsafe operands.a.withUnsafeBufferPointer { a in
      unsafe operands.b.withUnsafeBufferPointer { b in
        unsafe c.withUnsafeMutableBufferPointer { c in
          unsafe product.m = Int64(rows.count)
          unsafe product.n = Int64(n)
          unsafe product.k = Int64(k)
          unsafe product.a = a.baseAddress! + rows.lowerBound * (operands.transposesA ? 1 : k)
          unsafe product.lda = Int64(operands.transposesA ? m : k)
          unsafe product.transpose_a = operands.transposesA ? 1 : 0
          unsafe product.b = b.baseAddress
          unsafe product.ldb = Int64(operands.transposesB ? k : n)
          unsafe product.transpose_b = operands.transposesB ? 1 : 0
          if operands.packsB {
            let panels = unsafe packed.start.assumingMemoryBound(to: Float.self)
            unsafe functions.pack(
              product.transpose_b, Int64(k), Int64(n), b.baseAddress, product.ldb, panels)
            unsafe product.b = UnsafePointer(panels)
            unsafe product.packed_b = 1
          }
          unsafe product.c = c.baseAddress
          unsafe product.ldc = Int64(n)
          unsafe product.alpha = alpha
          unsafe product.accumulate = accumulates ? 1 : 0
          unsafe functions.multiply(&product, scratch.start.assumingMemoryBound(to: Float.self))
        }
      }
    }
    return c
  }

  static func operands(_ size: (Int, Int, Int)) -> Operands {
    var numbers = Numbers(seed: 41)
    // A value more than is read, so that there is an address.
    return Operands(a: numbers.floats(size.0 * size.2 + 1), b: numbers.floats(size.2 * size.1 + 1))
  }

  /// All layouts of the operands, on every instruction set of this processor.
  static func eachWay(_ operands: Operands, _ body: (Operands, String) -> Void) {
    for set in instructionSets {
      for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
        for packs in [false, true] {
          var way = operands
          way.set = set
          (way.transposesA, way.transposesB, way.packsB) = (ta, tb, packs)
          body(way, "\(set), A \(ta ? "transposed" : "plain"), B \(tb ? "transposed" : "plain")")
        }
      }
    }
  }

  @Test("Products with every layout and scale, on every instruction set", arguments: sizes)
  func single(size: (Int, Int, Int)) {
    let operands = Self.operands(size)
    var numbers = Numbers(seed: 43)
    let c = numbers.floats(size.0 * size.1)
    Self.eachWay(operands) { operands, name in
      let product = Self.product(operands, size)
      for alpha in [Float(1), 0.5] {
        let plain = Self.multiply(operands, size, alpha: alpha)
        #expect(agree(plain, product.map { Double(alpha) * $0 }, 2e-5), "\(name)")
        let added = Self.multiply(operands, size, alpha: alpha, onto: c)
        #expect(
          agree(added, zip(product, c).map { Double(alpha) * $0 + Double($1) }, 2e-5), "\(name)")
      }
    }
  }

  @Test("A row's bits depend neither on the other rows nor on how the operands lie")
  func rowByRow() {
    let size = (30, 83, 1000)
    let plain = Self.operands(size)
    let (m, n, k) = size
    var turned = plain
    for i in 0..<m { for j in 0..<k { turned.a[j * m + i] = plain.a[i * k + j] } }
    for i in 0..<k { for j in 0..<n { turned.b[j * k + i] = plain.b[i * n + j] } }
    Self.eachWay(plain) { way, name in
      var (way, plain) = (way, plain)
      plain.set = way.set
      let expected = Self.multiply(plain, size)
      way.a = way.transposesA ? turned.a : plain.a
      way.b = way.transposesB ? turned.b : plain.b
      for rows in [0..<30, 3..<4, 5..<7, 8..<20, 1..<28] {
        let part = Self.multiply(way, size, rows: rows)
        let same = zip(part, expected[rows.lowerBound * n..<rows.upperBound * n]).allSatisfy {
          $0.bitPattern == $1.bitPattern
        }
        #expect(same, "\(name), rows \(rows)")
      }
    }
  }
}
