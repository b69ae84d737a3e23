import CKernels
import Foundation
import Testing

/// One setting of attention; q, k, v and o are [batch, length, heads, width].
struct AttentionCase: Sendable, CustomTestStringConvertible {
  var batch: Int, queries: Int, keys: Int, heads: Int, kvHeads: Int, width: Int
  var causal = false, window = 0, masked = false

  var testDescription: String {
    "\(batch) x \(queries) x \(keys), heads \(heads) / \(kvHeads), width \(width)"
      + (causal ? " causal" : "")
      + (window > 0 ? " window \(window)" : "") + (masked ? " masked" : "")
  }

  static let all = [
    AttentionCase(batch: 1, queries: 1, keys: 1, heads: 1, kvHeads: 1, width: 1),
    AttentionCase(batch: 2, queries: 5, keys: 7, heads: 4, kvHeads: 2, width: 3),
    AttentionCase(batch: 2, queries: 65, keys: 65, heads: 2, kvHeads: 1, width: 16, causal: true),
    AttentionCase(batch: 1, queries: 3, keys: 40, heads: 2, kvHeads: 2, width: 8, causal: true),
    AttentionCase(batch: 1, queries: 9, keys: 4, heads: 2, kvHeads: 2, width: 5, causal: true),
    AttentionCase(batch: 1, queries: 140, keys: 1100, heads: 1, kvHeads: 1, width: 24),
    AttentionCase(
      batch: 1, queries: 600, keys: 600, heads: 2, kvHeads: 1, width: 8, causal: true, window: 37),
    AttentionCase(batch: 2, queries: 33, keys: 50, heads: 2, kvHeads: 2, width: 4, masked: true),
    AttentionCase(
      batch: 1, queries: 70, keys: 530, heads: 1, kvHeads: 1, width: 4, causal: true, masked: true),
    AttentionCase(batch: 2, queries: 3, keys: 0, heads: 1, kvHeads: 1, width: 4),
    AttentionCase(batch: 0, queries: 3, keys: 2, heads: 1, kvHeads: 1, width: 4),
    AttentionCase(batch: 1, queries: 20, keys: 20, heads: 1, kvHeads: 1, width: 2, window: 3),
  ]

  /// q, k, v, the gradient of o, and the mask [batch, queries, keys] (the same for every head).
  struct Values {
    var q: [Double], k: [Double], v: [Double], gradient: [Double], mask: [Double]
  }

  func values(_ numbers: inout Numbers) -> Values {
    let query = batch * queries * heads * width
    let key = batch * keys * kvHeads * width
    func reals(_ count: Int, _ scale: Float) -> [Double] {
      numbers.floats(count).map { Double($0 * scale) }
    }
    var mask = reals(batch * queries * keys, 1)
    for i in mask.indices where i % 3 == 0 || i / max(1, keys) % 16 == 5 { mask[i] = -.infinity }
    return Values(
      q: reals(query, 2), k: reals(key, 2), v: reals(key, 1), gradient: reals(query, 1), mask: mask)
  }

  var scale: Double { 1 / Double(width).squareRoot() }

  /// o and lse by the formula.
  func naive(_ values: Values) -> (o: [Double], lse: [Double]) {
    var o = [Double](repeating: 0, count: values.q.count)
    var lse = [Double](repeating: -.infinity, count: batch * heads * queries)
    for b in 0..<batch {
      for h in 0..<heads {
        for i in 0..<queries {
          let at = ((b * queries + i) * heads + h) * width
          let scores = (0..<keys).map { j in score(values, b, h, i, j, at) }
          let sum = scores.reduce(0) { $0 + exp($1) }
          guard sum > 0 else { continue }
          lse[(b * heads + h) * queries + i] = log(sum)
          for (j, score) in scores.enumerated() where score > -.infinity {
            let place = ((b * keys + j) * kvHeads + h / (heads / kvHeads)) * width
            for c in 0..<width { o[at + c] += exp(score) / sum * values.v[place + c] }
          }
        }
      }
    }
    return (o, lse)
  }

  private func score(_ values: Values, _ b: Int, _ h: Int, _ i: Int, _ j: Int, _ at: Int) -> Double
  {
    let position = i + keys - queries
    if causal && j > position || window > 0 && j <= position - window { return -.infinity }
    let place = ((b * keys + j) * kvHeads + h / (heads / kvHeads)) * width
    let dot = (0..<width).reduce(0) { $0 + values.q[at + $1] * values.k[place + $1] }
    return dot * scale + (masked ? values.mask[(b * queries + i) * keys + j] : 0)
  }

  var description: apus_attention {
    func strides(_ length: Int, _ heads: Int) -> apus_heads {
      apus_heads(
        batch: Int64(length * heads * width), position: Int64(heads * width), head: Int64(width))
    }
    var attention = apus_attention()
    attention.batch = Int64(batch)
    attention.queries = Int64(queries)
    attention.keys = Int64(keys)
    attention.heads = Int64(heads)
    attention.kv_heads = Int64(kvHeads)
    attention.width = Int64(width)
    attention.q = strides(queries, heads)
    attention.o = strides(queries, heads)
    attention.k = strides(keys, kvHeads)
    attention.v = strides(keys, kvHeads)
    attention.scale = Float(scale)
    attention.causal = causal ? 1 : 0
    attention.window = Int64(window)
    attention.has_mask = masked ? 1 : 0
    attention.mask = apus_heads(batch: Int64(queries * keys), position: Int64(keys), head: 0)
    return attention
  }
}

@Suite struct AttentionKernelTests {
  private func narrow(_ values: [Double]) -> Memory { Memory(values.map { Float($0) }) }

  private func forward(_ test: AttentionCase, _ values: AttentionCase.Values, on set: String) -> (
    Memory, Memory
  ) {
    let o = Memory(values.q.count, of: Float(9))
    let lse = Memory(test.batch * test.heads * test.queries, of: Float(9))
    let inputs =
      [narrow(values.q), narrow(values.k), narrow(values.v)]
      + (test.masked ? [narrow(values.mask)] : [])
    var attention = test.description
    #expect(
      run(on: set, inputs + [o, lse]) { unsafe apus_attention_prepare(&attention, $0.pointer) })
    return (o, lse)
  }

  @Test("Attention is the formula", arguments: AttentionCase.all, instructionSets)
  func output(test: AttentionCase, set: String) {
    var numbers = Numbers(seed: 61)
    let values = test.values(&numbers)
    let expected = test.naive(values)
    let (o, lse) = forward(test, values, on: set)
    #expect(agree(o.values(Float.self), expected.o, 2e-6))
    #expect(agree(lse.values(Float.self), expected.lse, 2e-6))
  }

  @Test("Gradients are central differences", arguments: AttentionCase.all, instructionSets)
  func gradients(test: AttentionCase, set: String) {
    var numbers = Numbers(seed: 62)
    let values = test.values(&numbers)
    let (o, lse) = forward(test, values, on: set)
    let dq = Memory(values.q.count, of: Float(9))
    let dk = Memory(values.k.count, of: Float(9))
    let dv = Memory(values.v.count, of: Float(9))
    let inputs =
      [narrow(values.gradient), narrow(values.q), narrow(values.k), narrow(values.v)]
      + (test.masked ? [narrow(values.mask)] : [])
    var attention = test.description
    let done = run(on: set, inputs + [o, lse, dq, dk, dv]) {
      unsafe apus_attention_gradient_prepare(&attention, $0.pointer)
    }
    #expect(done)
    func check(_ path: WritableKeyPath<AttentionCase.Values, [Double]>, _ gradient: [Float]) {
      guard !gradient.isEmpty else { return }
      for _ in 0..<3 {
        let i = numbers.below(gradient.count)
        var moved = values
        func loss(_ step: Double) -> Double {
          moved[keyPath: path][i] = values[keyPath: path][i] + step
          return zip(test.naive(moved).o, values.gradient).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let slope = (loss(1e-4) - loss(-1e-4)) / 2e-4
        #expect(abs(slope - Double(gradient[i])) <= 1e-5 * max(1, abs(slope)))
      }
    }
    check(\.q, dq.values())
    check(\.k, dk.values())
    check(\.v, dv.values())
  }

  @Test("Queries, keys and values may share one buffer")
  func fused() {
    let (length, heads, width) = (37, 3, 8)
    let test = AttentionCase(
      batch: 2, queries: length, keys: length, heads: heads, kvHeads: heads, width: width,
      causal: true)
    var numbers = Numbers(seed: 63)
    let values = test.values(&numbers)
    let row = heads * width
    let (expected, _) = forward(test, values, on: instructionSets[0])
    var fused: [Float] = []
    for position in 0..<2 * length {
      for part in [values.q, values.k, values.v] {
        fused += part[position * row..<(position + 1) * row].map { Float($0) }
      }
    }
    var attention = test.description
    let strides = apus_heads(
      batch: Int64(length * 3 * row), position: Int64(3 * row), head: Int64(width))
    attention.q = strides
    attention.k = strides
    attention.v = strides
    let whole = Memory(fused)
    let keys = Memory(Array(fused[row...]))
    let rest = Memory(Array(fused[(2 * row)...]))
    let o = Memory(values.q.count, of: Float(0))
    let lse = Memory(2 * heads * length, of: Float(0))
    #expect(
      run([whole, keys, rest, o, lse]) { unsafe apus_attention_prepare(&attention, $0.pointer) })
    #expect(o.values(Float.self) == expected.values(Float.self))
  }
}
