import CKernels
import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct RandomTests {
  let key = RandomKey(seed: 42)

  private func moments(_ x: Tensor) -> (mean: Double, deviation: Double) {
    (x.mean().scalar, x.variance().sqrt().scalar)
  }

  @Test func `Bits are those of Philox 4x32-10's published vectors`() {
    // Counter 0 and key 0, from the authors' known answers.
    let words = RandomKey(bits: Tensor([Int64(0)])).words([4]).integers()
    let expected: [UInt32] = [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
    #expect(words.map { UInt32(truncatingIfNeeded: $0) } == expected)
  }

  @Test func `Uniform numbers lie in their range with the right moments`() {
    let x = key.uniform([100_000], in: -2..<4)
    #expect(x.min().scalar >= -2 && x.max().scalar <= 4)
    let (mean, deviation) = moments(x)
    #expect(abs(mean - 1) < 0.02)
    #expect(abs(deviation - 6 / 12.0.squareRoot()) < 0.02)
    #expect(key.uniform([5], .float64).dataType == .float64)
    #expect(key.uniform([5], .bfloat16).dataType == .bfloat16)
  }

  @Test(arguments: [DataType.float32, .float64])
  func `Normal numbers have the right moments`(_ type: DataType) {
    let x = key.normal([100_000], mean: 3, deviation: 2, type)
    let (mean, deviation) = moments(x)
    #expect(abs(mean - 3) < 0.03)
    #expect(abs(deviation - 2) < 0.02)
    let standard = (x - 3) / 2
    #expect(abs((standard.square() * standard).mean().scalar) < 0.04)
    #expect(abs(standard.square().square().mean().scalar - 3) < 0.1)
  }

  @Test(arguments: [DataType.float32, .float64])
  func `Truncated normal numbers stay within their bounds`(_ type: DataType) {
    let x = key.truncatedNormal([100_000], deviation: 0.5, type)
    #expect(x.abs().max().scalar <= 1)
    // The deviation of a standard normal cut at ±2 is 0.87963.
    #expect(abs(moments(x).deviation - 0.43981) < 0.005)
    #expect(abs(moments(x).mean) < 0.006)
  }

  @Test func `The inverse of the error function undoes it`() {
    let x = Tensor(stride(from: -2.5, through: 2.5, by: 0.01).map { $0 })
    #expect(isClose(x.erf().erfInverse(), x, 1e-9))
    let y = x.cast(to: .float32).clipped(to: -2...2)
    #expect(isClose(y.erf().erfInverse(), y, 2e-5))
    #expect(Tensor([Float(-1), 1]).erfInverse().floats() == [-.infinity, .infinity])
  }

  @Test func `Bernoulli draws have their probability`() {
    #expect(abs(key.bernoulli(0.3, [100_000]).cast(to: .float32).mean().scalar - 0.3) < 0.01)
    #expect(key.bernoulli(0, [1000]).any().scalar == 0)
    #expect(key.bernoulli(1, [1000]).all().scalar == 1)
    let each = key.bernoulli(Tensor([Float(0), 1]).broadcast(to: [500, 2])).cast(to: .float32)
    #expect(each.mean([0]).floats() == [0, 1])
  }

  @Test func `Integers are spread evenly below their bound`() {
    let x = key.integers(below: 7, [70_000])
    for value in 0..<7 {
      let count = x.equal(to: Double(value)).cast(to: .float32).sum().scalar
      #expect(abs(count - 10_000) < 500)
    }
    let large = key.integers(below: 1 << 31, [1000], .int64)
    #expect(large.integers().allSatisfy { (0..<(1 << 31)).contains($0) })
    #expect(large.max().scalar > 0x1p30)
  }

  @Test func `A permutation has every number once`() {
    let order = key.permutation(1000).integers()
    #expect(order.sorted() == Array(0..<1000))
    #expect(order != Array(0..<1000))
  }

  @Test func `Gumbel and exponential numbers are finite with the right means`() {
    let gumbel = key.gumbel([100_000])
    #expect(gumbel.isFinite().all().scalar == 1)
    #expect(abs(gumbel.mean().scalar - 0.5772) < 0.02)
    let exponential = key.exponential([100_000], rate: 2)
    #expect(abs(exponential.mean().scalar - 0.5) < 0.01)
    #expect(exponential.min().scalar >= 0 && exponential.isFinite().all().scalar == 1)
  }

  @Test func `Categorical draws follow the softmax and never what is masked`() {
    let logits = Tensor([
      Float(0.1).logarithm, Float(0.6).logarithm, -.infinity, Float(0.3).logarithm,
    ])
    let drawn = key.categorical(logits.broadcast(to: [50_000, 4]))
    #expect(drawn.dataType == .int32)
    let counts = drawn.oneHot(4).mean([0]).floats()
    for (count, expected) in zip(counts, [0.1, 0.6, 0, 0.3] as [Float]) {
      #expect(abs(count - expected) < 0.01)
    }
    #expect(counts[2] == 0)
  }

  @Test func `The same key gives the same numbers for any number of threads`() {
    let threads = apus_threads()
    defer { apus_set_threads(threads) }
    var draws: [[UInt8]] = []
    for count in [1, 2, 5] as [Int32] {
      apus_set_threads(count)
      draws.append(
        (key.normal([300_001]) + key.uniform([300_001]) + key.gumbel([300_001])).bytes())
    }
    #expect(draws[0] == draws[1] && draws[0] == draws[2])
  }

  @Test func `Forks are independent of each other and of their origin`() {
    let keys = [key, key.fork(0), key.fork(1), key.fork(0).fork(0), RandomKey(seed: 43)]
    let draws = keys.map { $0.normal([20_000]) }
    for i in draws.indices {
      for j in 0..<i {
        #expect(abs((draws[i] * draws[j]).mean().scalar) < 0.03, "keys \(i) and \(j)")
      }
    }
    let later = key.fork(Tensor([Int64(5)])).normal([8]).floats()
    #expect(later == key.fork(5).normal([8]).floats())
  }

  @Test func `Dropout keeps the mean and its gradient uses the same mask`() {
    let x = Tensor(Alias("x"), [Tensor.ones([100_000])])
    let y = x.dropout(0.2, key)
    let slope = gradients(of: [y], seeds: [.ones([100_000])], by: [x])[0]!
    #expect(abs(y.mean().scalar - 1) < 0.01)
    #expect(Set(y.floats()) == [0, 1.25])
    #expect(slope.floats() == y.floats())
    #expect(x.dropout(0, key).isIdentical(to: x))
  }

  @Test func `Draws are written in StableHLO`() {
    let text = emitted([TensorType([], .int64)]) { inputs in
      let key = RandomKey(bits: inputs[0])
      return [
        key.words([3, 3]), key.normal([5]), key.normal([5], .float64), key.uniform([2], .float64),
      ]
    }
    #expect(text.contains("ui64") && text.contains("stablehlo.cosine"))
  }
}

extension Float {
  fileprivate var logarithm: Float { Tensor([self]).log().floats()[0] }
}
