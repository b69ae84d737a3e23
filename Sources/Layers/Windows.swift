public import Tensors

/// How a map is cut into windows that work alone, and put together again (Swin: Liu et al., arXiv:2103.14030, 3.2).
///
/// Windows may be shifted: the map is turned around itself, and places that were no neighbours do not see each other. What
/// windows lack at the right and at the bottom is filled with zeros.
public struct WindowPartition: Sendable, Hashable {
  /// Height and width of the map, of a window, and how far windows are shifted.
  public let size: [Int]
  public let window: [Int]
  public let shift: [Int]
  /// The map is turned before it is filled up, not after.
  public let turnsFirst: Bool

  public init(size: [Int], window: [Int], shift: [Int] = [0, 0], turnsFirst: Bool = false) {
    guard (size + window).allSatisfy({ $0 > 0 }) else {
      fail("windows: neither a map of \(size) nor windows of \(window) may be empty")
    }
    (self.size, self.window, self.shift) = (size, window, shift)
    self.turnsFirst = turnsFirst
  }

  /// The size of the map that whole windows fill.
  public var filled: [Int] { zip(size, window).map { ($0 + $1 - 1) / $1 * $1 } }
  /// Windows along each axis.
  public var counts: [Int] { zip(filled, window).map { $0 / $1 } }

  /// [batch, height, width, channels] → [batch · windows, places of a window, channels].
  public func windows(of map: Tensor) -> Tensor {
    let missing = zip(filled, size).map { $0 - $1 }
    func fill(_ x: Tensor) -> Tensor {
      missing == [0, 0] ? x : x.padded([(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)])
    }
    let x = turnsFirst ? fill(turned(map, by: shift)) : turned(fill(map), by: shift)
    return x.reshaped([-1, counts[0], window[0], counts[1], window[1], x.shape[3]])
      .transposed([0, 1, 3, 2, 4, 5]).reshaped([-1, window[0] * window[1], x.shape[3]])
  }

  /// The map again: [batch · windows, places of a window, channels] → [batch, height, width, channels].
  public func map(of windows: Tensor) -> Tensor {
    let channels = windows.shape[2]
    let x = windows.reshaped([-1, counts[0], counts[1], window[0], window[1], channels])
      .transposed([0, 1, 3, 2, 4, 5]).reshaped([-1, filled[0], filled[1], channels])
    return turnsFirst ? turned(cut(x), by: back(size)) : cut(turned(x, by: back(filled)))
  }

  private func back(_ size: [Int]) -> [Int] { zip(size, shift).map { ($0 - $1) % $0 } }

  private func cut(_ x: Tensor) -> Tensor {
    filled == size ? x : x.sliced(1, 0..<size[0]).sliced(2, 0..<size[1])
  }

  private func turned(_ x: Tensor, by shift: [Int]) -> Tensor {
    shift.enumerated().reduce(x) { x, part in
      let (axis, count) = (part.offset + 1, x.shape[part.offset + 1])
      let first = part.element % count
      guard first > 0 else { return x }
      return concatenate([x.sliced(axis, first..<count), x.sliced(axis, 0..<first)], axis: axis)
    }
  }

  /// What keeps places that were no neighbours from seeing each other, to be added to scores: [windows, 1, places, places];
  /// nil where nothing is shifted.
  public var mask: Tensor? {
    guard shift != [0, 0] else { return nil }
    let regions = (0..<2).map { axis in
      (0..<filled[axis]).map { place in
        guard shift[axis] > 0 else { return 0 }
        return (place >= filled[axis] - window[axis] ? 1 : 0)
          + (place >= filled[axis] - shift[axis] ? 1 : 0)
      }
    }
    var places: [Float] = []
    for row in 0..<counts[0] {
      for column in 0..<counts[1] {
        for y in 0..<window[0] {
          for x in 0..<window[1] {
            let above = regions[0][row * window[0] + y]
            places.append(Float(3 * above + regions[1][column * window[1] + x]))
          }
        }
      }
    }
    let region = Tensor(places, shape: [counts[0] * counts[1], 1, window[0] * window[1]])
    let isNear = region.expanded(-1).equal(to: region.expanded(-2))
    return select(isNear, Tensor(0), Tensor(-100))
  }
}

/// A trained number for every head and distance within a window, added to the scores of attention (Swin, eq. 4).
public struct WindowPositionBias: Module {
  /// [(2 · height − 1) · (2 · width − 1), heads].
  public var table: Tensor
  public let window: [Int]

  public init(window: [Int], heads: Int, key: RandomKey) {
    self.window = window
    let rows = (2 * window[0] - 1) * (2 * window[1] - 1)
    table = Initializer.truncatedNormal(deviation: 0.02)([rows, heads], key)
  }

  /// [1, heads, places, places].
  public func callAsFunction() -> Tensor {
    let places = (0..<window[0]).flatMap { y in (0..<window[1]).map { (y: y, x: $0) } }
    let rows = places.flatMap { query in
      places.map { key in
        Int32(
          (query.y - key.y + window[0] - 1) * (2 * window[1] - 1) + query.x - key.x + window[1] - 1)
      }
    }
    return table.rows(Tensor(rows, shape: [places.count, places.count])).transposed([2, 0, 1])
      .expanded(0)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&table)
    visitor.fixed("window", window)
  }
}
