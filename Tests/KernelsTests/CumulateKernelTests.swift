import CKernels
import Testing

@Suite struct CumulateKernelTests {
  private func expected<Value: Numeric>(
    _ x: [Value], _ count: Int, _ inner: Int, reverse: Bool, exclusive: Bool,
    add: (Value, Value) -> Value
  ) -> [Value] {
    var y = x
    guard count > 0 else { return y }
    for column in 0..<x.count / count {
      let base = column / inner * count * inner + column % inner
      var sum: Value = 0
      for i in 0..<count {
        let at = base + (reverse ? count - 1 - i : i) * inner
        let next = add(sum, x[at])
        y[at] = exclusive ? sum : next
        sum = next
      }
    }
    return y
  }

  @Test(
    "Running sums in both directions, with and without the value itself",
    arguments: [
      (1, 1, 1), (3, 100, 1), (2, 7, 65), (0, 3, 2), (2, 0, 3), (300, 33, 5), (1, 900, 130),
    ])
  func sums(outer: Int, count: Int, inner: Int) {
    var numbers = Numbers(seed: 4)
    let reals = numbers.reals(outer * count * inner)
    let integers = reals.indices.map { _ in Int32(truncatingIfNeeded: numbers.word()) }
    for (reverse, exclusive) in [(false, false), (true, false), (false, true), (true, true)] {
      var sum = apus_cumulative_sum(
        outer: Int64(outer), count: Int64(count), inner: Int64(inner), type: 0,
        reverse: reverse ? 1 : 0, exclusive: exclusive ? 1 : 0)
      func result<Value: BitwiseCopyable>(_ x: [Value], _ type: apus_type) -> [Value] {
        sum.type = Int32(type.rawValue)
        let input = Memory(x)
        let output = Memory(x)
        #expect(run([input, output]) { unsafe apus_cumulative_sum_prepare(&sum, $0.pointer) })
        return output.values(Value.self)
      }
      let wanted = expected(reals, count, inner, reverse: reverse, exclusive: exclusive, add: +)
      #expect(agree(result(reals, APUS_FLOAT64), wanted, 1e-12))
      #expect(agree(result(reals.map { Float($0) }, APUS_FLOAT32), wanted, 1e-5))
      let whole = expected(integers, count, inner, reverse: reverse, exclusive: exclusive, add: &+)
      #expect(result(integers, APUS_INT32) == whole)
      let wide = integers.map { Int64($0) << 20 }
      let wideWanted = expected(wide, count, inner, reverse: reverse, exclusive: exclusive, add: &+)
      #expect(result(wide, APUS_INT64) == wideWanted)
    }
  }
}
