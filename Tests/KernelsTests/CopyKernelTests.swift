import CKernels
import Testing

/// A strided copy and what it should do.
struct CopyCase: Sendable, CustomTestStringConvertible {
  var name: String
  var sizes: [Int]
  var source: [Int]
  var sourceOffset = 0
  var destination: [Int]
  var destinationOffset = 0
  var testDescription: String { name }

  func description(elementSize: Int) -> apus_copy {
    var copy = apus_copy()
    copy.rank = Int32(sizes.count)
    copy.element_size = Int32(elementSize)
    copy.source_offset = Int64(sourceOffset)
    copy.destination_offset = Int64(destinationOffset)
    set(&copy.sizes, sizes)
    set(&copy.source_strides, source)
    set(&copy.destination_strides, destination)
    return copy
  }

  private func set<Tuple>(_ tuple: inout Tuple, _ values: [Int]) {
    unsafe withUnsafeMutableBytes(of: &tuple) { bytes in
      for (i, value) in values.enumerated() {
        unsafe bytes.storeBytes(of: Int64(value), toByteOffset: 8 * i, as: Int64.self)
      }
    }
  }

  /// Every (source, destination) pair of element positions.
  var pairs: [(Int, Int)] {
    var pairs = [(sourceOffset, destinationOffset)]
    for (i, size) in sizes.enumerated() {
      pairs = pairs.flatMap { from, to in
        (0..<size).map { (from + $0 * source[i], to + $0 * destination[i]) }
      }
    }
    return pairs
  }

  static func dense(_ sizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: sizes.count)
    for i in sizes.indices.dropLast().reversed() { strides[i] = strides[i + 1] * sizes[i + 1] }
    return strides
  }

  static func transpose(_ sizes: [Int], _ order: [Int]) -> CopyCase {
    let result = order.map { sizes[$0] }
    let strides = order.map { dense(sizes)[$0] }
    return CopyCase(
      name: "transpose \(sizes) by \(order)", sizes: result, source: strides,
      destination: dense(result))
  }

  static let all: [CopyCase] =
    [
      transpose([37, 53], [1, 0]), transpose([256, 320], [1, 0]), transpose([1, 5], [1, 0]),
      transpose([2, 3, 4], [2, 1, 0]), transpose([3, 17, 20, 5], [0, 2, 1, 3]),
      transpose([4, 33, 130], [0, 2, 1]),
      transpose([2, 3, 2, 3, 2, 3, 2, 3], [7, 5, 3, 1, 0, 2, 4, 6]),
      transpose([100, 2, 3], [2, 0, 1]),
    ] + [
      CopyCase(name: "scalar", sizes: [], source: [], destination: []),
      CopyCase(name: "nothing", sizes: [3, 0, 2], source: [0, 2, 1], destination: [0, 2, 1]),
      CopyCase(name: "whole", sizes: [70_001], source: [1], destination: [1]),
      CopyCase(
        name: "reversed", sizes: [7, 100], source: [-100, -1], sourceOffset: 699,
        destination: [100, 1]),
      CopyCase(
        name: "every second", sizes: [50, 20], source: [80, 2], sourceOffset: 3,
        destination: [20, 1]),
      CopyCase(name: "row broadcast", sizes: [300, 200], source: [0, 1], destination: [200, 1]),
      CopyCase(
        name: "column broadcast", sizes: [300, 200], source: [1, 0], destination: [200, 1]),
      CopyCase(
        name: "scalar broadcast", sizes: [9, 7, 5], source: [0, 0, 0], destination: [35, 5, 1]),
      CopyCase(
        name: "interior of a padding", sizes: [3, 8, 9, 2], source: [144, 18, 2, 1],
        destination: [240, 24, 2, 1], destinationOffset: 26),
      CopyCase(
        name: "part of a concatenation", sizes: [40, 3], source: [3, 1], destination: [10, 1],
        destinationOffset: 4),
      CopyCase(
        name: "dilated destination", sizes: [6, 11], source: [11, 1], destination: [66, 3]),
    ]
}

@Suite struct CopyKernelTests {
  private func check<Element: FixedWidthInteger & BitwiseCopyable>(
    _ copy: CopyCase, _ type: Element.Type
  ) {
    let pairs = copy.pairs
    let source = (0...(pairs.map(\.0).max() ?? 0)).map {
      Element(truncatingIfNeeded: $0 &* 2_654_435_761 &+ 12_345)
    }
    var expected = [Element](repeating: 7, count: 1 + (pairs.map(\.1).max() ?? 0))
    let memory = [Memory(source), Memory(expected)]
    for (from, to) in pairs { expected[to] = source[from] }
    var description = copy.description(elementSize: MemoryLayout<Element>.size)
    #expect(run(memory) { unsafe apus_copy_prepare(&description, $0.pointer) })
    #expect(memory[1].values(type) == expected)
  }

  @Test("Every element goes where its strides say", arguments: CopyCase.all)
  func copies(_ copy: CopyCase) {
    check(copy, UInt8.self)
    check(copy, UInt16.self)
    check(copy, UInt32.self)
    check(copy, UInt64.self)
  }

  @Test("A copy of too many dimensions or of odd elements is refused")
  func refusals() {
    var copy = CopyCase.all[0].description(elementSize: 4)
    let memory = [Memory([Float(0)])]
    copy.rank = 9
    #expect(!run(memory) { unsafe apus_copy_prepare(&copy, $0.pointer) })
    copy.rank = 2
    copy.element_size = 3
    #expect(!run(memory) { unsafe apus_copy_prepare(&copy, $0.pointer) })
  }

  @Test("A fill writes its pattern everywhere", arguments: [0, 1, 1000, 70_000])
  func fills(count: Int) {
    let words = Memory(count, of: UInt32(0))
    let bytes = Memory(count, of: UInt8(1))
    var fill = apus_fill(count: Int64(count), pattern: 0xDEAD_BEEF, element_size: 4)
    #expect(run([words]) { unsafe apus_fill_prepare(&fill, $0.pointer) })
    fill.element_size = 1
    #expect(run([bytes]) { unsafe apus_fill_prepare(&fill, $0.pointer) })
    #expect(words.values(UInt32.self).allSatisfy { $0 == 0xDEAD_BEEF })
    #expect(bytes.values(UInt8.self).allSatisfy { $0 == 0xEF })
  }
}
