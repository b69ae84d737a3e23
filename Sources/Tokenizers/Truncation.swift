/// How encodings that are too long are cut.
public struct Truncation: Hashable, Sendable {
  public enum Strategy: String, CaseIterable, Sendable {
    case longestFirst = "LongestFirst"
    case onlyFirst = "OnlyFirst"
    case onlySecond = "OnlySecond"
  }

  public enum Direction: String, CaseIterable, Sendable {
    case left = "Left"
    case right = "Right"
  }

  /// The most tokens, special ones included.
  public var maximumLength: Int
  /// How many tokens a part that was cut off shares with the part before it.
  public var stride: Int
  /// Which text of a pair is cut.
  public var strategy: Strategy
  /// The end that is cut.
  public var direction: Direction

  public init(
    maximumLength: Int, stride: Int = 0, strategy: Strategy = .longestFirst,
    direction: Direction = .right
  ) {
    self.maximumLength = maximumLength
    self.stride = stride
    self.strategy = strategy
    self.direction = direction
  }

  /// Cuts encodings to a length together.
  ///
  /// - Parameter addedCount: How many special tokens will be added.
  func apply(to encodings: inout [Encoding], addedCount: Int) throws(TokenizerError) {
    let most = maximumLength - addedCount
    guard most >= 0 else {
      throw .settings(
        problem: "truncation to \(maximumLength) tokens leaves no room beside the \(addedCount) "
          + "special ones; allow more tokens")
    }
    let total = encodings.reduce(0) { $0 + $1.count }
    if most > 0, total <= most { return }
    let lengths = try lengths(encodings.map(\.count), most: most)
    for index in encodings.indices { try cut(&encodings[index], to: lengths[index]) }
  }

  private func lengths(_ counts: [Int], most: Int) throws(TokenizerError) -> [Int] {
    if most == 0 { return counts.map { _ in 0 } }
    let excess = counts.reduce(0, +) - most
    if strategy == .longestFirst {
      guard counts.count == 2 else { return [most] }
      var short = min(counts[0], counts[1])
      var long = short > most ? short : max(short, most - short)
      if short + long > most { (short, long) = (most / 2, most / 2 + most % 2) }
      return counts[0] > counts[1] ? [long, short] : [short, long]
    }
    let target = strategy == .onlyFirst ? 0 : 1
    guard target < counts.count else {
      throw .settings(problem: "truncation of the second text, but there is only one")
    }
    guard counts[target] > excess else {
      throw .settings(
        problem: "truncation to \(maximumLength) tokens would have to remove \(excess), but the "
          + "text to be cut has \(counts[target]); allow more tokens or cut the longest first")
    }
    var lengths = counts
    lengths[target] -= excess
    return lengths
  }

  private func cut(_ encoding: inout Encoding, to length: Int) throws(TokenizerError) {
    let count = encoding.count
    if length >= count { return }
    if length == 0 {
      let all = encoding
      encoding = Encoding(overflow: [all])
      return
    }
    guard stride < length else {
      throw .settings(
        problem: "truncation with a stride of \(stride), which must be less than the \(length) "
          + "tokens that are left for a text")
    }
    var parts: [Range<Int>] = []
    if direction == .right {
      for start in Swift.stride(from: 0, to: count, by: length - stride) {
        parts.append(start..<min(start + length, count))
        if start + length >= count { break }
      }
    } else {
      for end in Swift.stride(from: count, to: 0, by: stride - length) {
        parts.append(max(end - length, 0)..<end)
        if end <= length { break }
      }
    }
    let whole = encoding
    encoding = whole.slice(parts[0])
    encoding.overflow = parts.dropFirst().map { whole.slice($0) }
  }
}

/// How encodings that are too short are filled up.
public struct Padding: Hashable, Sendable {
  public enum Length: Hashable, Sendable {
    /// That of the longest encoding of a batch.
    case longest
    case fixed(Int)
  }

  public var length: Length
  /// The end that is filled.
  public var direction: Truncation.Direction
  /// What lengths must be a multiple of; nil: any.
  public var multiple: Int?
  public var id: Int
  public var typeID: Int
  public var token: String

  public init(
    length: Length = .longest, direction: Truncation.Direction = .right, multiple: Int? = nil,
    id: Int = 0, typeID: Int = 0, token: String = "[PAD]"
  ) {
    self.length = length
    self.direction = direction
    self.multiple = multiple
    self.id = id
    self.typeID = typeID
    self.token = token
  }

  func apply(to encodings: inout [Encoding]) {
    var target =
      switch length {
      case .fixed(let length): length
      case .longest: encodings.map(\.count).max() ?? 0
      }
    if let multiple, multiple > 0, target % multiple > 0 { target += multiple - target % multiple }
    for index in encodings.indices { pad(&encodings[index], to: target) }
  }

  private func pad(_ encoding: inout Encoding, to target: Int) {
    for index in encoding.overflow.indices { pad(&encoding.overflow[index], to: target) }
    var filler = Encoding()
    for _ in 0..<max(target - encoding.count, 0) {
      filler.append(id: id, token: token, typeID: typeID, isSpecial: true, isAttended: false)
    }
    if filler.count == 0 { return }
    if direction == .right {
      encoding.append(filler)
    } else {
      filler.overflow = encoding.overflow
      filler.append(encoding)
      encoding = filler
    }
  }
}
