import Tensors
import Testing

@Suite struct ClusterTests {
  /// A register of the cluster holds 4-byte lanes first and 8-byte lanes later; the last values of a row that is no multiple
  /// of the vector width are computed after the others and must not write over them.
  @Test(arguments: [1, 7, 16, 24, 31, 33, 600])
  func `lanes of two widths share registers without harm`(count: Int) {
    let words = RandomKey(seed: 9).words([count])
    let (a, b) = (
      RandomKey(seed: 1).normal([count], .float64), RandomKey(seed: 2).normal([count], .float64)
    )
    let (w, x, y) = (words.integers(), a.doubles(), b.doubles())
    let kept = select(words.less(than: 0), a, a.zerosLike()) * 3
    let sum = (kept * b).sum().scalar
    let expected = (0..<count).map { w[$0] < 0 ? x[$0] * 3 * y[$0] : 0 }.reduce(0, +)
    #expect(abs(sum - expected) < 1e-9)
    #expect(kept.doubles() == (0..<count).map { w[$0] < 0 ? x[$0] * 3 : 0 })
  }

  /// Immediates are not added up: each operation rounds by itself.
  @Test func `neighbouring constants keep their own roundings`() {
    let x = Tensor((0..<40).map { Float($0) * 0.001_37 - 0.02 })
    let values = x.floats()
    func check(_ y: Tensor, _ expected: (Float) -> Float) {
      #expect(y.floats() == values.map(expected))
    }
    check((x + 1000) - 1000) { ($0 + 1000) - 1000 }
    check(1000 - (1000 - x)) { 1000 - (1000 - $0) }
    check((x - 77) * 3) { ($0 - 77) * 3 }
    check(((x + 1000) - 1000) * 8) { (($0 + 1000) - 1000) * 8 }
    check((x * 0.1) * 0.3) { ($0 * 0.1) * 0.3 }
    check((x * 1e-30) * 1e-30 * 1e38) { ($0 * 1e-30) * 1e-30 * 1e38 }
    check(-(x + 1000) + 1000) { -($0 + 1000) + 1000 }
  }
}
