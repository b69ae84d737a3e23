/// A regular expression as instructions for a machine that backtracks.
struct RegexProgram: Sendable {
  enum Instruction: Sendable {
    /// Matches one character of a set.
    case one(Int)
    /// Matches characters of a set, as many as there are.
    case run(Int, least: Int, most: Int, givesBack: Bool)
    /// Goes on at the first place, and at the second should that fail.
    case split(Int, Int)
    case jump(Int)
    /// Runs a program of its own that is not entered again.
    case atomic(Int)
    /// Sees whether one of the programs matches here, or ends here and is so many characters long.
    case look([Int], widths: [Int]?, isNegative: Bool)
    case anchor(RegexNode.Anchor)
    /// Remembers where a round of a loop began.
    case loopStart(Int)
    /// Leaves a loop whose round matched nothing.
    case loopCheck(Int, exit: Int)
    case match
  }

  /// A set with its ASCII members at hand.
  struct Members: Sendable {
    let set: ScalarSet
    let ascii: [Bool]

    init(_ set: ScalarSet) {
      self.set = set
      ascii = (0..<0x80).map { set.contains(UInt32($0)) }
    }

    @inline(__always)
    func contains(_ value: UInt32) -> Bool {
      value < 0x80 ? ascii[Int(value)] : set.contains(value)
    }
  }

  private(set) var instructions: [Instruction] = []
  private(set) var sets: [Members] = []
  private(set) var programs: [RegexProgram] = []
  private(set) var loopCount = 0

  /// - Throws: where the expression would take too many instructions.
  init(_ node: RegexNode) throws(RegexError) {
    try add(node)
    instructions.append(.match)
  }

  private mutating func add(_ node: RegexNode) throws(RegexError) {
    if instructions.count > 20_000 {
      throw RegexError(offset: 0, problem: "the expression repeats too much")
    }
    switch node {
    case .empty: break
    case .set(let set):
      sets.append(Members(set))
      instructions.append(.one(sets.count - 1))
    case .sequence(let nodes):
      for node in nodes { try add(node) }
    case .choice(let nodes): try add(choice: nodes[...])
    case .anchor(let anchor): instructions.append(.anchor(anchor))
    case .atomic(let node):
      programs.append(try RegexProgram(node))
      instructions.append(.atomic(programs.count - 1))
    case .look(let node, let isBehind, let isNegative):
      let parts: [RegexNode] = if case .choice(let nodes) = node { nodes } else { [node] }
      var numbers: [Int] = []
      for part in parts {
        programs.append(try RegexProgram(part))
        numbers.append(programs.count - 1)
      }
      let widths = isBehind ? parts.map { $0.width ?? 0 } : nil
      instructions.append(.look(numbers, widths: widths, isNegative: isNegative))
    case .repeated(let node, let least, let most, let kind):
      try add(node, least: least, most: most, kind)
    }
  }

  private mutating func add(choice nodes: ArraySlice<RegexNode>) throws(RegexError) {
    guard let first = nodes.first else { return }
    if nodes.count == 1 { return try add(first) }
    let split = instructions.count
    instructions.append(.split(split + 1, 0))
    try add(first)
    let jump = instructions.count
    instructions.append(.jump(0))
    instructions[split] = .split(split + 1, instructions.count)
    try add(choice: nodes.dropFirst())
    instructions[jump] = .jump(instructions.count)
  }

  private mutating func add(
    _ node: RegexNode, least: Int, most: Int?, _ kind: RegexNode.Repetition
  ) throws(RegexError) {
    if case .set(let set) = node, kind != .lazy {
      sets.append(Members(set))
      instructions.append(
        .run(
          sets.count - 1, least: least, most: most ?? .max, givesBack: kind == .greedy))
      return
    }
    if kind == .possessive {
      return try add(.atomic(.repeated(node, least: least, most: most, kind: .greedy)))
    }
    for _ in 0..<least { try add(node) }
    if let most {
      // (x(x(x)?)?)?
      var splits: [Int] = []
      for _ in least..<most {
        splits.append(instructions.count)
        instructions.append(.split(0, 0))
        try add(node)
      }
      for split in splits { link(split, exit: instructions.count, kind) }
    } else {
      try addLoop(node, kind)
    }
  }

  private mutating func addLoop(
    _ node: RegexNode, _ kind: RegexNode.Repetition
  ) throws(RegexError) {
    let split = instructions.count
    instructions.append(.split(0, 0))
    let slot = node.isNullable ? loopCount : nil
    if let slot {
      loopCount += 1
      instructions.append(.loopStart(slot))
    }
    try add(node)
    let check = instructions.count
    if slot != nil { instructions.append(.jump(0)) }
    instructions.append(.jump(split))
    if let slot { instructions[check] = .loopCheck(slot, exit: instructions.count) }
    link(split, exit: instructions.count, kind)
  }

  private mutating func link(_ split: Int, exit: Int, _ kind: RegexNode.Repetition) {
    instructions[split] = kind == .lazy ? .split(exit, split + 1) : .split(split + 1, exit)
  }

  /// Which bytes a match may begin with; nil where it may match nothing.
  func firstBytes() -> [Bool]? {
    var bytes = [Bool](repeating: false, count: 256)
    var seen = [Bool](repeating: false, count: instructions.count)
    var open = [0]
    while let place = open.popLast() {
      if seen[place] { continue }
      seen[place] = true
      switch instructions[place] {
      case .one(let set), .run(let set, _, _, _):
        for byte in 0..<256 where byte >= 0x80 || sets[set].ascii[byte] { bytes[byte] = true }
        if case .run(_, let least, _, _) = instructions[place], least == 0 {
          open.append(place + 1)
        }
      case .split(let a, let b): open += [a, b]
      case .jump(let target): open.append(target)
      case .loopStart, .loopCheck, .anchor, .look: open.append(place + 1)
      case .atomic(let program):
        guard let first = programs[program].firstBytes() else { return nil }
        for byte in 0..<256 where first[byte] { bytes[byte] = true }
      case .match: return nil
      }
    }
    return bytes
  }
}
