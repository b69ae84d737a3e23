import CKernels
import Testing

@Suite struct GatherKernelTests {
  static let sizes = [
    (5, 3, 7), (1, 1, 1), (50, 130, 40), (4, 6, 0), (1000, 1024, 200), (30_000, 2, 3000),
  ]

  /// Ids a little out of range at both ends.
  static func ids(_ count: Int, below rows: Int, _ numbers: inout Numbers) -> [Int64] {
    (0..<count).map { _ in Int64(numbers.below(rows + 4) - 2) }
  }

  @Test("Rows are gathered and ids out of range are clamped", arguments: sizes)
  func gather(rows: Int, width: Int, count: Int) {
    var numbers = Numbers(seed: 1)
    let table = numbers.floats(rows * width)
    let ids = Self.ids(count, below: rows, &numbers)
    let output = Memory(count * width, of: Float(9))
    let output32 = Memory(count * width, of: Float(9))
    var gather = apus_gather(
      rows: Int64(rows), width: Int64(width), count: Int64(count), element_size: 4,
      id_type: Int32(APUS_INT64.rawValue))
    #expect(
      run([Memory(table), Memory(ids), output]) { unsafe apus_gather_prepare(&gather, $0.pointer) })
    gather.id_type = Int32(APUS_INT32.rawValue)
    let narrow = Memory(ids.map { Int32($0) })
    #expect(
      run([Memory(table), narrow, output32]) { unsafe apus_gather_prepare(&gather, $0.pointer) })
    let expected = ids.flatMap { id in
      let row = min(max(Int(id), 0), rows - 1)
      return Array(table[row * width..<(row + 1) * width])
    }
    #expect(output.values(Float.self) == expected)
    #expect(output32.values(Float.self) == expected)
  }

  @Test("Updates are added to their rows in order, ids out of range are clamped", arguments: sizes)
  func scatter(rows: Int, width: Int, count: Int) {
    var numbers = Numbers(seed: 2)
    let updates = numbers.floats(count * width)
    let ids = Self.ids(count, below: rows, &numbers)
    var expected = [Float](repeating: 0, count: rows * width)
    for (i, id) in ids.enumerated() {
      let row = min(max(Int(id), 0), rows - 1)
      for k in 0..<width { expected[row * width + k] += updates[i * width + k] }
    }
    let table = Memory(rows * width, of: Float(9))
    let wide = Memory(rows * width, of: 9.0)
    var scatter = apus_scatter_add(
      rows: Int64(rows), width: Int64(width), count: Int64(count),
      type: Int32(APUS_FLOAT32.rawValue), id_type: Int32(APUS_INT64.rawValue))
    #expect(
      run([Memory(ids), Memory(updates), table]) {
        unsafe apus_scatter_add_prepare(&scatter, $0.pointer)
      })
    scatter.type = Int32(APUS_FLOAT64.rawValue)
    let wideUpdates = Memory(updates.map { Double($0) })
    #expect(
      run([Memory(ids), wideUpdates, wide]) {
        unsafe apus_scatter_add_prepare(&scatter, $0.pointer)
      })
    #expect(table.values(Float.self) == expected)
    #expect(agree(wide.values(Double.self), expected.map { Double($0) }, 1e-5))
  }

  @Test(
    "Values are taken and added along an axis",
    arguments: [
      (1, 5, 3, 1), (3, 4, 9, 70), (2, 1, 2, 5), (40, 100, 30, 1), (2, 3, 0, 4), (1, 7, 300, 200),
    ])
  func along(outer: Int, size: Int, count: Int, inner: Int) {
    var numbers = Numbers(seed: 3)
    let source = numbers.floats(outer * size * inner)
    let updates = numbers.floats(outer * count * inner)
    let ids = Self.ids(outer * count * inner, below: size, &numbers)
    var taken = [Float](repeating: 0, count: ids.count)
    var added = [Float](repeating: 0, count: source.count)
    for i in ids.indices {
      let base = i / (count * inner) * size * inner + i % inner
      let id = Int(ids[i])
      taken[i] = source[base + min(max(id, 0), size - 1) * inner]
      if id >= 0 && id < size { added[base + id * inner] += updates[i] }
    }
    let output = Memory(taken.count, of: Float(9))
    let sums = Memory(added.count, of: Float(9))
    let type = Int32(APUS_INT64.rawValue)
    var take = apus_take_along(
      outer: Int64(outer), size: Int64(size), count: Int64(count), inner: Int64(inner),
      element_size: 4, id_type: type)
    var add = apus_scatter_add_along(
      outer: Int64(outer), size: Int64(size), count: Int64(count), inner: Int64(inner),
      type: Int32(APUS_FLOAT32.rawValue), id_type: type)
    #expect(
      run([Memory(source), Memory(ids), output]) {
        unsafe apus_take_along_prepare(&take, $0.pointer)
      })
    #expect(
      run([Memory(ids), Memory(updates), sums]) {
        unsafe apus_scatter_add_along_prepare(&add, $0.pointer)
      })
    #expect(output.values(Float.self) == taken)
    #expect(sums.values(Float.self) == added)
  }

  @Test("Values of an empty table are refused")
  func emptyTable() {
    var gather = apus_gather(
      rows: 0, width: 2, count: 1, element_size: 4, id_type: Int32(APUS_INT32.rawValue))
    #expect(!run([]) { unsafe apus_gather_prepare(&gather, $0.pointer) })
  }
}
