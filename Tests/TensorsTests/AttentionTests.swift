import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct AttentionTests {
  /// A shape of attention and what is asked of it.
  struct Case: Sendable, CustomTestStringConvertible {
    var batch = 2, queries = 5, keys = 5, heads = 4, keyHeads = 4, width = 8
    var causal = false
    var window: Int?
    var mask: [Int]?
    var testDescription: String {
      "\(queries) of \(keys), \(heads)/\(keyHeads), causal \(causal), window \(window ?? 0), \(mask ?? [])"
    }

    func operand(_ length: Int, _ heads: Int, _ seed: UInt64) -> Tensor {
      RandomKey(seed: seed).normal([batch, length, heads, width])
    }
    var operands: [Tensor] {
      [operand(queries, heads, 1), operand(keys, keyHeads, 2), operand(keys, keyHeads, 3)]
        + (mask.map { [RandomKey(seed: 4).normal($0)] } ?? [])
    }
    func attend(_ x: [Tensor]) -> Tensor {
      attention(x[0], x[1], x[2], mask: x.count > 3 ? x[3] : nil, causal: causal, window: window)
    }
  }

  static let cases = [
    Case(), Case(causal: true), Case(queries: 3, keys: 7, causal: true),
    Case(queries: 7, keys: 3, causal: true), Case(keyHeads: 2, causal: true),
    Case(heads: 6, keyHeads: 1), Case(queries: 9, keys: 9, causal: true, window: 3),
    Case(queries: 9, keys: 9, window: 4), Case(mask: [2, 4, 5, 5]), Case(mask: [1, 1, 5, 5]),
    Case(mask: [2, 1, 1, 5]), Case(keyHeads: 2, causal: true, mask: [1, 4, 1, 5]),
    Case(batch: 1, queries: 150, keys: 700, heads: 2, keyHeads: 2, width: 16, causal: true),
    Case(batch: 1, queries: 600, keys: 600, heads: 2, keyHeads: 1, width: 16, mask: [600, 600]),
  ]

  private func slopes(_ x: [Tensor], _ f: ([Tensor]) -> Tensor) -> [Tensor] {
    let aliases = x.map { Tensor(Alias("x"), [$0]) }
    let y = f(aliases)
    let seed = RandomKey(seed: 9).normal(y.shape, .float64).cast(to: y.dataType)
    let found = gradients(of: [y], seeds: [seed], by: aliases)
    return zip(found, x).map { $0 ?? $1.zerosLike() }
  }

  @Test(arguments: cases)
  func `The kernels agree with the definition in float64`(_ example: Case) {
    let x = example.operands
    let exact = x.map { $0.cast(to: .float64) }
    #expect(isClose(example.attend(x), example.attend(exact), 1e-5))
    for (a, b) in zip(slopes(x, example.attend), slopes(exact, example.attend)) {
      #expect(a.dataType == .float32)
      #expect(isClose(a, b, 3e-5))
    }
  }

  @Test func `The definition is the softmax of scaled products`() {
    let x = Case(causal: true).operands.map { $0.cast(to: .float64) }
    let (q, k, v) = (
      x[0].transposed([0, 2, 1, 3]), x[1].transposed([0, 2, 1, 3]), x[2].transposed([0, 2, 1, 3])
    )
    let scores = matrixProduct(q, k.transposed()) / 8.0.squareRoot()
    let isPast = Tensor.indices([5, 5], axis: 1).lessOrEqual(to: .indices([5, 5], axis: 0))
    let weights = select(isPast, scores.exp(), Tensor(0, .float64))
    let o = matrixProduct(weights / weights.sum([-1], keepsAxes: true), v)
    #expect(isClose(Case(causal: true).attend(x), o.transposed([0, 2, 1, 3]), 1e-12))
  }

  @Test func `Packed operands give the same as separate ones`() {
    for keyHeads in [4, 2] {
      let x = Case(keyHeads: keyHeads).operands
      let qkv = concatenate(x, axis: 2)
      let packed = attention(packed: qkv, keyHeads: keyHeads, causal: true)
      #expect(packed.bytes() == attention(x[0], x[1], x[2], causal: true).bytes())
      let slope = slopes([qkv]) {
        attention(packed: $0[0], keyHeads: keyHeads, causal: true)
      }[0]
      let parts = slopes(x) { attention($0[0], $0[1], $0[2], causal: true) }
      #expect(slope.bytes() == concatenate(parts, axis: 2).bytes())
    }
    #expect(attention(packed: Case().operand(5, 12, 1)).shape == [2, 5, 4, 8])
  }

  @Test func `Queries that see nothing give zeros and no gradient`() {
    let x = Case().operands
    let mask = Tensor((0..<5).map { $0 != 2 }, shape: [5, 1]).broadcast(to: [5, 5])
    let y = attention(x[0], x[1], x[2], mask: mask)
    #expect(y.element(1, 2).floats().allSatisfy { $0 == 0 })
    #expect(y.element(1, 3).floats().allSatisfy { $0 != 0 })
    let slope = slopes(x) { attention($0[0], $0[1], $0[2], mask: mask) }
    #expect(slope[0].element(1, 2).floats().allSatisfy { $0 == 0 })
    #expect(slope.allSatisfy { $0.isFinite().all().scalar == 1 })
    let exact = x.map { $0.cast(to: .float64) }
    let exactSlope = slopes(exact) { attention($0[0], $0[1], $0[2], mask: mask) }
    for (a, b) in zip(slope, exactSlope) { #expect(isClose(a, b, 3e-5)) }
  }

  @Test func `Nothing of later positions reaches earlier ones`() {
    let qkv = RandomKey(seed: 3).normal([1, 40, 6, 8])
    for position in [0, 7, 38] {
      let alias = Tensor(Alias("qkv"), [qkv])
      let y = attention(packed: alias, causal: true).sliced(1, 0..<(position + 1))
      let slope = gradients(of: [y], seeds: [y.onesLike()], by: [alias])[0]!
      #expect(slope.sliced(1, (position + 1)..<40).floats().allSatisfy { $0 == 0 })
      #expect(slope.sliced(1, 0..<(position + 1)).abs().max().scalar > 0)
    }
  }

  @Test func `Gradients and their gradients agree with differences`() {
    let example = Case(
      batch: 1, queries: 3, keys: 4, heads: 2, keyHeads: 1, width: 2, causal: true,
      mask: [2, 1, 4])
    checkDifferences(at: example.operands.map { $0.cast(to: .float64) }, example.attend)
  }

  @Test func `The kernels' second derivatives are those of the definition`() {
    let example = Case(queries: 3, keys: 4, keyHeads: 2, causal: true, mask: [3, 4])
    let x = example.operands
    func second(_ x: [Tensor]) -> [Tensor] {
      slopes(x) { x in concatenate(slopes(x, example.attend).map { $0.reshaped([-1]) }) }
    }
    for (a, b) in zip(second(x), second(x.map { $0.cast(to: .float64) })) {
      #expect(isClose(a, b, 1e-4))
    }
  }

  @Test func `The logarithms of sums have a gradient`() {
    let x = Case().operands
    let primitive = Attention(scale: 0.3, causal: true, window: nil, hasMask: false)
    let exact = x.map { $0.cast(to: .float64) }
    let kernel = slopes(x) { Tensor.apply(primitive, $0)[1] }
    let formula = slopes(Array(exact.prefix(2))) {
      let results = primitive.formula([$0[0], $0[1], exact[2]])
      return results[1]
    }
    #expect(isClose(Tensor.apply(primitive, x)[1], primitive.formula(exact)[1], 1e-5))
    for (a, b) in zip(kernel, formula) { #expect(isClose(a, b, 3e-5)) }
  }

  @Test func `16-bit operands are attended to in float32`() {
    let x = Case().operands.map { $0.cast(to: .bfloat16) }
    let y = attention(x[0], x[1], x[2])
    #expect(y.dataType == .bfloat16)
    let wide = x.map { $0.cast(to: .float32) }
    #expect(isClose(y, attention(wide[0], wide[1], wide[2]), 1e-2))
  }

  @Test func `Wrong operands are refused with a sentence`() {
    let plain = Attention(scale: 1, causal: false, window: nil, hasMask: false)
    let good = TensorType([2, 5, 4, 8])
    #expect(throws: ShapeError.self) { try plain.outputTypes([good, good, good.with(.float64)]) }
    #expect(throws: ShapeError.self) {
      try plain.outputTypes([good, good, TensorType([2, 6, 4, 8])])
    }
    #expect(throws: ShapeError.self) {
      try plain.outputTypes([good, TensorType([2, 5, 3, 8]), TensorType([2, 5, 3, 8])])
    }
    let masked = Attention(scale: 1, causal: false, window: nil, hasMask: true)
    #expect(throws: ShapeError.self) {
      try masked.outputTypes([good, good, good, TensorType([2, 4, 5, 6])])
    }
    let packed = Attention(packedKeyHeads: 2, scale: 1, causal: false, window: nil, hasMask: false)
    #expect(throws: ShapeError.self) { try packed.outputTypes([good]) }
  }

  @Test func `Attention and its gradient are written in StableHLO`() {
    let types = Case(keyHeads: 2, causal: true, mask: [1, 1, 5, 5]).operands.map(\.type)
    let text = emitted(types) { x in
      let y = attention(x[0], x[1], x[2], mask: x[3], causal: true)
      return [y] + gradients(of: [y], seeds: [y.onesLike()], by: x).map { $0! }
    }
    #expect(text.contains("stablehlo.dot_general"))
  }
}
