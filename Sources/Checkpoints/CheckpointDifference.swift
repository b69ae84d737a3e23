/// How a tensor of one checkpoint differs from that of the same name in another.
public enum TensorDifference: Hashable, Sendable {
  /// Only the first has it.
  case onlyInFirst(name: String, shape: [Int])
  /// Only the second has it.
  case onlyInSecond(name: String, shape: [Int])
  case shape(name: String, [Int], [Int])
  /// Shapes agree; types or numbers do not. `count` numbers differ, by at most `largest`, which is
  /// nil where a number on one side is NaN on the other.
  case content(name: String, ElementType, ElementType, count: Int, largest: Double?)

  public var name: String {
    switch self {
    case .onlyInFirst(let name, _), .onlyInSecond(let name, _), .shape(let name, _, _),
      .content(let name, _, _, _, _):
      name
    }
  }
}

extension Checkpoint {
  /// All differences to another checkpoint, in the order of this one, then what it lacks. One pair
  /// of tensors is in memory at a time.
  public func differences(to other: Checkpoint) throws(CheckpointError) -> [TensorDifference] {
    var differences: [TensorDifference] = []
    var theirs = Dictionary(
      other.entries.map { (Array($0.name.utf8), $0) }, uniquingKeysWith: { first, _ in first })
    for entry in entries {
      guard let match = theirs.removeValue(forKey: Array(entry.name.utf8)) else {
        differences.append(.onlyInFirst(name: entry.name, shape: entry.shape))
        continue
      }
      if entry.shape != match.shape {
        differences.append(.shape(name: entry.name, entry.shape, match.shape))
      } else if let difference = try content(entry, other, match) {
        differences.append(difference)
      }
    }
    for entry in other.entries where theirs[Array(entry.name.utf8)] != nil {
      differences.append(.onlyInSecond(name: entry.name, shape: entry.shape))
    }
    return differences
  }

  private func content(
    _ entry: Entry, _ other: Checkpoint, _ match: Entry
  ) throws(CheckpointError) -> TensorDifference? {
    let (mine, theirs) = (try bytes(of: entry), try other.bytes(of: match))
    if entry.type == match.type && mine == theirs { return nil }
    guard let first = ElementReader(entry.type), let second = ElementReader(match.type),
      entry.type.isComplex == match.type.isComplex
    else {
      return .content(name: entry.name, entry.type, match.type, count: 0, largest: nil)
    }
    var (count, largest, isComparable) = (0, 0.0, true)
    unsafe mine.withUnsafeBytes { mine in
      unsafe theirs.withUnsafeBytes { theirs in
        for i in 0..<mine.count / first.byteCount {
          let (a, b) = unsafe (first(mine, i), second(theirs, i))
          if a == b || a.isNaN && b.isNaN { continue }
          count += 1
          if a.isNaN || b.isNaN { isComparable = false } else { largest = max(largest, abs(a - b)) }
        }
      }
    }
    if count == 0 && entry.type == match.type {
      // The same numbers in other bits: signed zeros, NaNs, truth values.
      return nil
    }
    return .content(
      name: entry.name, entry.type, match.type, count: count, largest: isComparable ? largest : nil)
  }
}
