/// A regular expression on UTF-8 text.
///
/// It backtracks as the reference's engine does, and so finds the same matches, but its work is
/// bounded: what failed once at a place is not tried again, and after a number of steps that grows
/// with the text only nothing more is found.
struct Regex: Sendable {
  let source: String
  private let program: RegexProgram
  private let firstBytes: [Bool]?

  /// - Throws: where the expression is broken or not supported.
  init(_ source: String) throws(RegexError) {
    self.source = source
    program = try RegexProgram(RegexParser.parse(source))
    firstBytes = program.firstBytes()
  }

  /// Calls `body` with every match in a range, which counts as a text of its own.
  func forEachMatch(in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    var machine = RegexMachine(range)
    var start = range.lowerBound
    var lastEnd: Int?
    while start <= range.upperBound {
      guard let found = firstMatch(in: bytes, from: start, &machine) else { return }
      // No empty match right behind another match, so that every step leads on.
      if found.isEmpty, found.upperBound == lastEnd {
        start =
          start < range.upperBound
          ? start + UTF8Text.character(at: start, in: bytes).length : start + 1
        continue
      }
      body(found)
      start = found.upperBound
      lastEnd = start
    }
  }

  private func firstMatch(
    in bytes: [UInt8], from start: Int, _ machine: inout RegexMachine
  ) -> Range<Int>? {
    var place = start
    while place <= machine.text.upperBound {
      if let firstBytes {
        while place < machine.text.upperBound, !firstBytes[Int(bytes[place])] { place += 1 }
        if place == machine.text.upperBound { return nil }
      }
      if let end = machine.run(program, from: place, in: bytes) { return place..<end }
      if machine.isExhausted || place == machine.text.upperBound { return nil }
      place += UTF8Text.character(at: place, in: bytes).length
    }
    return nil
  }
}

/// Runs programs of regular expressions and counts the steps.
struct RegexMachine {
  let text: Range<Int>
  private var stepsLeft: Int

  init(_ text: Range<Int>) {
    self.text = text
    stepsLeft = 2_000_000 + 100 * text.count
  }

  var isExhausted: Bool { stepsLeft <= 0 }

  /// Where to go on after a failure.
  private struct Choice {
    /// An instruction, or below 0 a loop whose start is put back.
    let instruction: Int
    let place: Int
    /// How far a run may give back characters.
    var least = Int.max
  }

  /// What a run of a program knows.
  private struct Thread {
    var choices: [Choice] = []
    var loops: [Int]
    var steps = 0
    /// What failed already, kept once there were many steps.
    var failed: Set<UInt64> = []

    /// The next instruction and place to try.
    mutating func backtrack(in bytes: [UInt8]) -> (Int, Int)? {
      while let choice = choices.popLast() {
        if choice.instruction < 0 {
          loops[-1 - choice.instruction] = choice.place
          continue
        }
        var place = choice.place
        if choice.least != .max {
          place -= UTF8Text.character(before: place, in: bytes).length
          if place > choice.least {
            choices.append(
              Choice(instruction: choice.instruction, place: place, least: choice.least))
          }
        }
        if steps > 1000 {
          let key = UInt64(choice.instruction) << 44 | UInt64(place)
          guard failed.insert(key).inserted else { continue }
        }
        return (choice.instruction, place)
      }
      return nil
    }
  }

  /// The end of the match that begins at a place; nil where there is none.
  mutating func run(_ program: RegexProgram, from start: Int, in bytes: [UInt8]) -> Int? {
    var thread = Thread(loops: [Int](repeating: -1, count: program.loopCount))
    var place = start
    var current = 0
    while true {
      thread.steps += 1
      stepsLeft -= 1
      if stepsLeft < 0 { return nil }
      var isFine = true
      switch program.instructions[current] {
      case .match: return place
      case .one(let set): isFine = one(program.sets[set], &place, bytes)
      case .run(let set, let least, let most, let givesBack):
        isFine = runThrough(
          program.sets[set], least, most, givesBack ? current + 1 : nil, &place, bytes, &thread)
      case .split(let first, let second):
        thread.choices.append(Choice(instruction: second, place: place))
        current = first - 1
      case .jump(let target): current = target - 1
      case .atomic(let number):
        if let end = run(program.programs[number], from: place, in: bytes) {
          place = end
        } else {
          isFine = false
        }
      case .look(let numbers, let widths, let isNegative):
        isFine = looks(numbers.map { program.programs[$0] }, widths, place, bytes) != isNegative
      case .anchor(let anchor): isFine = holds(anchor, place, bytes)
      case .loopStart(let slot):
        thread.choices.append(Choice(instruction: -1 - slot, place: thread.loops[slot]))
        thread.loops[slot] = place
      case .loopCheck(let slot, let exit):
        if thread.loops[slot] == place { current = exit - 1 }
      }
      if isFine {
        current += 1
      } else {
        guard let (instruction, earlier) = thread.backtrack(in: bytes) else { return nil }
        (current, place) = (instruction, earlier)
      }
    }
  }

  @inline(__always)
  private func one(_ set: RegexProgram.Members, _ place: inout Int, _ bytes: [UInt8]) -> Bool {
    guard place < text.upperBound else { return false }
    let character = UTF8Text.character(at: place, in: bytes)
    guard set.contains(character.value) else { return false }
    place += character.length
    return true
  }

  private mutating func runThrough(
    _ set: RegexProgram.Members, _ least: Int, _ most: Int, _ next: Int?, _ place: inout Int,
    _ bytes: [UInt8], _ thread: inout Thread
  ) -> Bool {
    var count = 0
    var floor = place
    while count < most, one(set, &place, bytes) {
      count += 1
      if count == least { floor = place }
    }
    stepsLeft -= count
    if count < least { return false }
    if let next, place > floor {
      thread.choices.append(Choice(instruction: next, place: place, least: floor))
    }
    return true
  }

  private mutating func looks(
    _ programs: [RegexProgram], _ widths: [Int]?, _ place: Int, _ bytes: [UInt8]
  ) -> Bool {
    for (index, program) in programs.enumerated() {
      var start = place
      if let widths {
        for _ in 0..<widths[index] where start >= text.lowerBound {
          start =
            start == text.lowerBound
            ? -1 : start - UTF8Text.character(before: start, in: bytes).length
        }
        if start < text.lowerBound { continue }
      }
      if run(program, from: start, in: bytes) != nil { return true }
    }
    return false
  }

  private func holds(_ anchor: RegexNode.Anchor, _ place: Int, _ bytes: [UInt8]) -> Bool {
    switch anchor {
    case .textStart: place == text.lowerBound
    case .textEnd: place == text.upperBound
    case .textEndOrLastLine:
      place == text.upperBound || place + 1 == text.upperBound && bytes[place] == 10
    case .lineStart:
      place == text.lowerBound || place < text.upperBound && bytes[place - 1] == 10
    case .lineEnd: place == text.upperBound || bytes[place] == 10
    case .wordEdge: isWordEdge(place, bytes)
    case .noWordEdge: !isWordEdge(place, bytes)
    }
  }

  private func isWordEdge(_ place: Int, _ bytes: [UInt8]) -> Bool {
    let before =
      place > text.lowerBound
      && CharacterClass.of(UTF8Text.character(before: place, in: bytes).value).contains(.word)
    let after =
      place < text.upperBound
      && CharacterClass.of(UTF8Text.character(at: place, in: bytes).value).contains(.word)
    return before != after
  }
}
