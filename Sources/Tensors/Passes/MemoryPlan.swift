/// Gives every intermediate value a place in one block of memory, so that a running program allocates nothing.
package struct MemoryPlan {
  /// Bytes of the whole block.
  package private(set) var byteCount = 0
  private var holes: [Hole] = []

  private struct Hole {
    var offset: Int
    var byteCount: Int
  }

  private static let alignment = 64

  package init() {}

  private static func padded(_ byteCount: Int) -> Int {
    max((byteCount + alignment - 1) / alignment * alignment, alignment)
  }

  /// A free place: the smallest hole that is large enough, else the block grows.
  package mutating func allocate(_ byteCount: Int) -> Int {
    let byteCount = MemoryPlan.padded(byteCount)
    let fitting = holes.indices.filter { holes[$0].byteCount >= byteCount }
    if let best = fitting.min(by: { holes[$0].byteCount < holes[$1].byteCount }) {
      let offset = holes[best].offset
      if holes[best].byteCount == byteCount {
        holes.remove(at: best)
      } else {
        holes[best].offset += byteCount
        holes[best].byteCount -= byteCount
      }
      return offset
    }
    // The last hole may touch the end: grow only by what is missing.
    if let last = holes.last, last.offset + last.byteCount == self.byteCount {
      holes.removeLast()
      self.byteCount = last.offset + byteCount
      return last.offset
    }
    let offset = self.byteCount
    self.byteCount += byteCount
    return offset
  }

  /// Gives a place back.
  package mutating func release(_ offset: Int, _ byteCount: Int) {
    var hole = Hole(offset: offset, byteCount: MemoryPlan.padded(byteCount))
    var i = holes.firstIndex { $0.offset > offset } ?? holes.count
    if i < holes.count, hole.offset + hole.byteCount == holes[i].offset {
      hole.byteCount += holes[i].byteCount
      holes.remove(at: i)
    }
    if i > 0, holes[i - 1].offset + holes[i - 1].byteCount == hole.offset {
      i -= 1
      holes[i].byteCount += hole.byteCount
    } else {
      holes.insert(hole, at: i)
    }
  }
}
