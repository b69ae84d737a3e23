import CKernels
import Testing

@Suite struct SortKernelTests {
  private func check<Value: Comparable & BitwiseCopyable>(
    _ x: [Value], rows: Int, limit: Int, descending: Bool, _ type: apus_type,
    isNaN: (Value) -> Bool
  ) {
    let columns = x.count / max(1, rows)
    var positions: [Int32] = []
    for row in 0..<rows {
      let values = Array(x[row * columns..<(row + 1) * columns])
      func before(_ a: Int, _ b: Int) -> Bool {
        let (p, q) = descending ? (values[b], values[a]) : (values[a], values[b])
        if p < q { return true }
        if isNaN(q) && !isNaN(p) { return true }
        if q < p || (isNaN(p) && !isNaN(q)) { return false }
        return a < b
      }
      positions += values.indices.sorted(by: before).prefix(limit).map { Int32($0) }
    }
    let output = [
      Memory(
        Array(x.prefix(0) + (x.first.map { [Value](repeating: $0, count: rows * limit) } ?? []))),
      Memory(rows * limit, of: Int32(-1)),
    ]
    var sort = apus_sort(
      rows: Int64(rows), columns: Int64(columns), limit: Int64(limit), type: Int32(type.rawValue),
      descending: descending ? 1 : 0)
    #expect(run([Memory(x)] + output) { unsafe apus_sort_prepare(&sort, $0.pointer) })
    #expect(output[1].values(Int32.self) == positions)
    let sorted = output[0].values(Value.self)
    for (i, position) in positions.enumerated() {
      let value = x[i / limit * columns + Int(position)]
      #expect(sorted[i] == value || (isNaN(value) && isNaN(sorted[i])))
    }
  }

  @Test(
    "Rows are sorted stably with their positions, NaN as the largest",
    arguments: [
      (1, 1, 1), (3, 20, 20), (5, 33, 33), (2, 1000, 1000), (2, 1000, 10), (700, 40, 3),
      (1, 60_000, 50), (2, 9, 0),
    ])
  func sorts(rows: Int, columns: Int, limit: Int) {
    var numbers = Numbers(seed: 5)
    let integers = (0..<rows * columns).map { _ in Int32(numbers.below(500) - 250) }
    var floats = integers.map { $0 % 7 == 0 ? -Float(0) : Float($0) / 8 }
    for i in stride(from: 0, to: floats.count, by: 37) {
      floats[i] = i % 2 == 0 ? .nan : -.infinity
    }
    for descending in [false, true] {
      check(floats, rows: rows, limit: limit, descending: descending, APUS_FLOAT32, isNaN: \.isNaN)
      check(
        floats.map { Double($0) }, rows: rows, limit: limit, descending: descending, APUS_FLOAT64,
        isNaN: \.isNaN)
      check(integers, rows: rows, limit: limit, descending: descending, APUS_INT32) { _ in false }
      check(
        integers.map { Int64($0) << 33 }, rows: rows, limit: limit, descending: descending,
        APUS_INT64
      ) { _ in false }
    }
  }
}
