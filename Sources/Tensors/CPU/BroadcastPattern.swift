/// Where the elements of an operand lie among those of a result that it broadcasts to, in flat row-major indices.
///
/// Result element i reads operand element ((i / divisor) % modulus) · inner + i % inner. This holds whenever the axes that
/// the operand keeps form at most one block besides the innermost axes: full operands, scalars, row and column vectors,
/// per-image and per-channel values. It does not depend on how the result's axes are grouped, so a cluster may see its
/// elements as any matrix of rows and columns. An operand may also be part of a larger tensor, cut along one axis.
package struct BroadcastPattern: Hashable, Sendable {
  package var divisor = 1
  package var modulus = 1
  package var inner = 1
  /// Whether the operand is part of a larger tensor: it begins at this element,
  package var isPart = false
  package var offset = 0
  /// and its rows of `inner` elements lie this far apart; 0 where they follow one another.
  package var rowStride = 0

  /// The same element everywhere.
  package static let scalar = BroadcastPattern()

  /// Every element at its own place.
  package static func full(_ count: Int) -> BroadcastPattern { BroadcastPattern(inner: count) }

  package init(divisor: Int = 1, modulus: Int = 1, inner: Int = 1) {
    self.divisor = divisor
    self.modulus = modulus
    self.inner = inner
  }

  /// The operand has the axes `kept` of `shape` and size 1 elsewhere.
  package init(keeping kept: Range<Int>, of shape: [Int]) {
    divisor = shape[kept.upperBound...].reduce(1, *)
    modulus = shape[kept].reduce(1, *)
    if divisor == 1 { (inner, modulus) = (modulus, 1) }
  }

  /// The pattern of an operand of shape `source` (same rank as `shape`, sizes equal or 1); nil where its axes form more
  /// blocks than a pattern can hold.
  package init?(_ source: [Int], in shape: [Int]) {
    var runs: [Range<Int>] = []  // kept axes; axes of size 1 in the result belong to either side
    var open: Range<Int>?
    for axis in shape.indices where shape[axis] != 1 {
      if source[axis] != 1 {
        open = (open?.lowerBound ?? axis)..<(axis + 1)
      } else if let run = open {
        runs.append(run)
        open = nil
      }
    }
    if let run = open { runs.append(run) }
    self.init(runs: runs, of: shape)
  }

  private init?(runs: [Range<Int>], of shape: [Int]) {
    self.init()
    var runs = runs
    if let last = runs.last, shape[last.upperBound...].allSatisfy({ $0 == 1 }) {
      inner = shape[last].reduce(1, *)
      runs.removeLast()
    }
    guard runs.count <= 1 else { return nil }
    if let outer = runs.first {
      divisor = shape[outer.upperBound...].reduce(1, *)
      modulus = shape[outer].reduce(1, *)
    }
  }

  /// Whether the operand has all `count` elements.
  package func isFull(_ count: Int) -> Bool { inner == count && !isPart }

  /// The number that the columns of a matrix view must divide (0: any number will do).
  package func columnDivisor(_ count: Int) -> Int {
    if rowStride > 0 { return inner }
    if inner > 1 { return inner == count ? 0 : inner }
    return modulus > 1 ? divisor : 0
  }

  /// Whether the pattern can be read row by row when a row has `columns` elements.
  package func fits(columns: Int, count: Int) -> Bool {
    let divides = columnDivisor(count)
    guard divides == 0 || divides % columns == 0 else { return false }
    if rowStride > 0 { return inner == columns }
    return inner <= 1 || modulus <= 1 || inner == columns
  }

  /// The number of columns of a matrix view in which every pattern can be read row by row; nil where there is none.
  /// `columns`: the view is given, because rows are reduced.
  package static func columns(
    _ patterns: some Sequence<BroadcastPattern>, count: Int, fixed columns: Int? = nil
  ) -> Int? {
    var divisor = columns ?? count
    if columns == nil {
      for pattern in patterns {
        let other = pattern.columnDivisor(count)
        if other > 0 { divisor = greatestCommonDivisor(divisor, other) }
      }
    }
    divisor = max(divisor, 1)
    return patterns.allSatisfy { $0.fits(columns: divisor, count: count) } ? divisor : nil
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
