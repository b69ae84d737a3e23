import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct PositionalEncodingTests {
  @Test("Sinusoids are those of the paper, in every layout")
  func sinusoidValues() {
    let (count, width) = (7, 6)
    let rows = sinusoids(count: count, width: width).doubles()
    let halves = sinusoids(count: count, width: width, layout: .sinesFirst).doubles()
    let flipped = sinusoids(count: count, width: width, layout: .cosinesFirst).doubles()
    for p in 0..<count {
      for i in 0..<3 {
        let angle = Double(p) / pow(10_000, Double(2 * i) / 6)
        #expect(abs(rows[p * 6 + 2 * i] - sin(angle)) < 1e-6)
        #expect(abs(rows[p * 6 + 2 * i + 1] - cos(angle)) < 1e-6)
        #expect(halves[p * 6 + i] == rows[p * 6 + 2 * i])
        #expect(halves[p * 6 + 3 + i] == rows[p * 6 + 2 * i + 1])
        #expect(flipped[p * 6 + i] == halves[p * 6 + 3 + i])
      }
    }
    let last = sinusoids(of: Tensor([1.0]), width: 8, layout: .sinesFirst, shift: 1).doubles()[3]
    #expect(abs(last - sin(1e-4)) < 1e-9)
  }

  @Test("A picture's positions encode the column, then the row")
  func grid() {
    let grid = sinusoidGrid(height: 2, width: 3, channels: 8).reshaped([2, 3, 8])
    let row = sinusoids(count: 3, width: 4, layout: .sinesFirst)
    #expect(grid.element(0, 1).sliced(-1, 0..<4).floats() == row.floats())
    #expect(grid.element(1, 2).sliced(-1, 4..<8).floats() == row.sliced(0, 0..<2).floats())
  }

  @Test("Products of rotary queries and keys depend on distances alone", arguments: [false, true])
  func rotary(isInterleaved: Bool) {
    let rotary = RotaryPositions(width: 6, base: 100, isInterleaved: isInterleaved)
    let key = RandomKey(seed: 1)
    let q = key.fork(0).normal([1, 1, 2, 8], .float64).broadcast(to: [1, 5, 2, 8])
    let k = key.fork(1).normal([1, 1, 2, 8], .float64).broadcast(to: [1, 5, 2, 8])
    let turned = (rotary(q), rotary(k))
    let products = matrixProduct(
      turned.0.transposed([0, 2, 1, 3]), turned.1.transposed([0, 2, 3, 1]))
    let values = products.doubles()
    for head in 0..<2 {
      for i in 0..<4 {
        for j in 0..<4 {
          let (a, b) = (values[head * 25 + i * 5 + j], values[head * 25 + (i + 1) * 5 + j + 1])
          #expect(abs(a - b) < 1e-9)
        }
      }
    }
    #expect(abs(values[0] - values[1]) > 1e-3)
    #expect(turned.0.element(1, 0).doubles() == q.element(1, 0).doubles())
    // The pair of the first frequency turns by one radian a position.
    let one = rotary(q).element(1, 1).doubles()
    let (a, b) = (q.doubles()[0], q.doubles()[isInterleaved ? 1 : 3])
    #expect(abs(one[0] - (a * cos(1) - b * sin(1))) < 1e-12)
  }

  @Test("ALiBi's slopes are the paper's, also for a number of heads between powers of two")
  func alibi() {
    #expect(alibiSlopes(heads: 8) == (1...8).map { pow(2, -Double($0)) })
    #expect(alibiSlopes(heads: 3) == [0.0625, 0.00390625, 0.25])
    let bias = alibiBias(heads: 8, queries: 2, keys: 3).doubles()
    #expect(Array(bias[0..<6]) == [-0.5, 0, -0.5, -1, -0.5, 0])
  }

  @Test("Relative buckets are exact near by, logarithmic further off, and shared far away")
  func buckets() {
    let key = RandomKey(seed: 1)
    let both = RelativePositionBias(heads: 2, key: key)
    let distances = [0, -1, -7, -8, -11, -12, -127, -500, 1, 8, 500]
    let ids = both.buckets(Tensor(distances.map(Int32.init))).integers()
    #expect(ids == [0, 1, 7, 8, 8, 9, 15, 15, 17, 24, 31])
    let past = RelativePositionBias(heads: 2, isBidirectional: false, key: key)
    #expect(
      past.buckets(Tensor([3, 0, -15, -16, -500] as [Int32])).integers() == [0, 0, 15, 16, 31])
    #expect(both(queries: 3, keys: 5).shape == [1, 2, 3, 5])
  }

  @Test("Learned positions are added, also by number")
  func learned() {
    let positions = LearnedPositions(count: 5, width: 3, key: RandomKey(seed: 1))
    let x = Tensor.zeros([2, 4, 3])
    let rows = positions(x).element(0, 1)
    #expect(rows.floats() == positions.weight.sliced(0, 0..<4).floats())
    let chosen = positions(x.sliced(1, 0..<1), at: Tensor([3] as [Int32])).element(0, 0)
    #expect(chosen.floats() == positions.weight.sliced(0, 3..<4).floats())
  }
}
