/// Reads a pickle: a program for a machine with a stack, of which only what builds data is known
/// (Python's pickletools describes every instruction). It never executes anything; what it may
/// call is in `PickleGlobal`.
///
/// Work and memory are bounded by a budget of instructions, not by what lengths claim.
struct Unpickler {
  var pickle = Pickle()
  var stack: [Pickle.Reference] = []
  let fail: Refuse

  private let bytes: [UInt8]
  /// Which part of the file the bytes are, for messages.
  private let part: String
  /// The next byte.
  private(set) var position: Int
  /// Where the instruction being read begins.
  private var start = 0
  private var marks: [Int] = []
  private var memo: [Int: Pickle.Reference] = [:]
  private var budget: Int

  init(_ bytes: [UInt8], at position: Int = 0, part: String, budget: Int, fail: Refuse) {
    self.bytes = bytes
    self.part = part
    self.position = position
    self.budget = budget
    self.fail = fail
  }

  /// Runs to the end and gives the value that is left.
  mutating func run() throws(CheckpointError) -> Pickle.Reference {
    while true {
      start = position
      try spend(1)
      if try step(byte()) { return try pop() }
    }
  }

  mutating func spend(_ work: Int) throws(CheckpointError) {
    guard work <= budget else {
      throw refuse(.limit, "it has too many instructions for a file of this size")
    }
    budget -= work
  }

  func refuse(_ refusal: CheckpointError.Refusal, _ problem: String) -> CheckpointError {
    fail(refusal, "\(problem), at byte \(start) of \(part)")
  }

  // MARK: - Instructions

  /// Carries out an instruction; whether it was the last.
  private mutating func step(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "."): return true
    case 0x80:
      let version = try byte()
      guard version <= 5 else { throw refuse(.unsupported, "pickle protocol \(version)") }
    case 0x95: _ = try count(8)
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"):
      if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    default:
      if try pushNumber(code) { return false }
      if try pushText(code) { return false }
      if try useMemo(code) { return false }
      if try build(code) { return false }
      try call(code)
    }
    return false
  }

  private mutating func pushNumber(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "J"): push(.integer(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
    case UInt8(ascii: "K"): push(.integer(Int(try byte())))
    case UInt8(ascii: "M"): push(.integer(Int(try unsigned(2))))
    case UInt8(ascii: "G"): push(.number(Double(bitPattern: try unsigned(8).byteSwapped)))
    case UInt8(ascii: "F"):
      guard let value = Double(try line()) else { throw refuse(.corrupt, "a malformed number") }
      push(.number(value))
    case UInt8(ascii: "I"), UInt8(ascii: "L"): push(try integer(line()))
    case 0x8A: push(PickleInteger.value(try take(Int(byte()))))
    case 0x8B:
      let count = Int(Int32(truncatingIfNeeded: try unsigned(4)))
      guard count >= 0 else { throw refuse(.corrupt, "an integer of negative length") }
      push(PickleInteger.value(try take(count)))
    default: return false
    }
    return true
  }

  private mutating func pushText(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "X"): push(.text(try utf8(count(4))))
    case 0x8C: push(.text(try utf8(count(1))))
    case 0x8D: push(.text(try utf8(count(8))))
    // Texts of Python 2.
    case UInt8(ascii: "T"): push(.text(Self.latin(try take(count(4)))))
    case UInt8(ascii: "U"): push(.text(Self.latin(try take(count(1)))))
    case UInt8(ascii: "V"): push(.text(try line()))
    case UInt8(ascii: "S"):
      let text = try line()
      guard text.utf8.count > 1, let quote = text.first, quote == "'" || quote == "\"",
        text.last == quote
      else { throw refuse(.corrupt, "a text without quotes") }
      push(.text(String(text.dropFirst().dropLast())))
    case UInt8(ascii: "B"), UInt8(ascii: "C"), 0x8E, 0x96:
      _ = try take(count(code == UInt8(ascii: "B") ? 4 : code == UInt8(ascii: "C") ? 1 : 8))
      push(.bytes)
    default: return false
    }
    return true
  }

  private mutating func useMemo(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "p"): memo[try memoIndex(line())] = try top()
    case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
    case UInt8(ascii: "r"): memo[Int(try unsigned(4))] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "g"): try recall(memoIndex(line()))
    case UInt8(ascii: "h"): try recall(Int(byte()))
    case UInt8(ascii: "j"): try recall(Int(unsigned(4)))
    default: return false
    }
    return true
  }

  private mutating func build(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "]"), 0x8F: push(.list([]))
    case UInt8(ascii: "}"): push(.dictionary([]))
    case UInt8(ascii: "t"): push(.tuple(try popMark()))
    case UInt8(ascii: "l"), 0x91: push(.list(try popMark()))
    case UInt8(ascii: "d"): push(.dictionary(try pairs(popMark())))
    case 0x85, 0x86, 0x87:
      var items: [Pickle.Reference] = []
      for _ in 0x85...code { items.append(try pop()) }
      push(.tuple(items.reversed()))
    case UInt8(ascii: "a"): try extend([pop()], pairs: false)
    case UInt8(ascii: "e"), 0x90: try extend(popMark(), pairs: false)
    case UInt8(ascii: "s"):
      let value = try pop()
      try extend([pop(), value], pairs: true)
    case UInt8(ascii: "u"): try extend(pairs(popMark()), pairs: true)
    default: return false
    }
    return true
  }

  /// Adds to the list or dictionary on the stack.
  private mutating func extend(
    _ items: [Pickle.Reference], pairs: Bool
  ) throws(CheckpointError) {
    let target = try top()
    switch (pickle[target], pairs) {
    case (.list(var list), false):
      // Taken out first, so that it is changed where it lies.
      pickle[target] = .none
      list += items
      pickle[target] = .list(list)
    case (.dictionary(var members), true):
      pickle[target] = .none
      members += items
      pickle[target] = .dictionary(members)
    // The contents of an object that is not understood.
    case (.record, _): break
    default: throw refuse(.corrupt, "something is added to what is no list or dictionary")
    }
  }

  private func pairs(_ items: [Pickle.Reference]) throws(CheckpointError) -> [Pickle.Reference] {
    guard items.count % 2 == 0 else { throw refuse(.corrupt, "a key without a value") }
    return items
  }

  // MARK: - Stack

  mutating func push(_ value: Pickle.Value) { stack.append(pickle.add(value)) }

  mutating func pop() throws(CheckpointError) -> Pickle.Reference {
    let value = try top()
    stack.removeLast()
    return value
  }

  private func top() throws(CheckpointError) -> Pickle.Reference {
    // Marks fence off what lies below them.
    guard let last = stack.last, stack.count > marks.last ?? 0 else {
      throw refuse(.corrupt, "an instruction lacks its operand")
    }
    return last
  }

  mutating func popMark() throws(CheckpointError) -> [Pickle.Reference] {
    guard let mark = marks.popLast(), mark <= stack.count else {
      throw refuse(.corrupt, "a mark is missing")
    }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ index: Int) throws(CheckpointError) {
    guard let value = memo[index] else { throw refuse(.corrupt, "a memo that was never stored") }
    stack.append(value)
  }

  private func memoIndex(_ text: String) throws(CheckpointError) -> Int {
    guard let index = Int(text) else { throw refuse(.corrupt, "a malformed memo") }
    return index
  }

  // MARK: - Bytes

  private mutating func byte() throws(CheckpointError) -> UInt8 {
    guard position < bytes.count else { throw refuse(.truncated, "the pickle ends early") }
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else {
      throw refuse(.truncated, "\(count) bytes are promised, \(bytes.count - position) are there")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func unsigned(_ count: Int) throws(CheckpointError) -> UInt64 {
    try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A length in so many bytes.
  private mutating func count(_ width: Int) throws(CheckpointError) -> Int {
    let count = try unsigned(width)
    guard count <= UInt64(bytes.count) else {
      throw refuse(.truncated, "\(count) bytes are promised, \(bytes.count - position) are there")
    }
    return Int(count)
  }

  private mutating func utf8(_ count: Int) throws(CheckpointError) -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw refuse(.corrupt, "a text is not UTF-8")
    }
    return text
  }

  /// The text up to the end of the line.
  mutating func line() throws(CheckpointError) -> String {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
      throw refuse(.truncated, "a line does not end")
    }
    defer { position = end + 1 }
    return Self.latin(bytes[position..<end])
  }

  private static func latin(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  /// An integer in decimal; Python writes truth values so, too.
  private func integer(_ text: String) throws(CheckpointError) -> Pickle.Value {
    if text == "00" || text == "01" { return .bool(text == "01") }
    let digits = text.hasSuffix("L") ? String(text.dropLast()) : text
    if let value = Int(digits) { return .integer(value) }
    let isLong =
      !digits.isEmpty && digits.utf8.count < 400
      && digits.drop { $0 == "-" }.allSatisfy { $0.isASCII && $0.isNumber }
    guard isLong else { throw refuse(.corrupt, "a malformed integer") }
    return .longInteger(digits)
  }
}

/// Integers in two's complement, of any length.
enum PickleInteger {
  static func value(_ bytes: ArraySlice<UInt8>) -> Pickle.Value {
    let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
    if bytes.count <= 8 {
      let bits = bytes.reversed().reduce(isNegative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
      return .integer(Int(Int64(bitPattern: bits)))
    }
    // Decimal digits take time that grows with the square of the length.
    guard bytes.count <= 128 else { return .longInteger("an integer of \(bytes.count) bytes") }
    var magnitude = Array(bytes)
    if isNegative { negate(&magnitude) }
    var digits: [UInt8] = []
    while let last = magnitude.last {
      if last == 0 {
        magnitude.removeLast()
        continue
      }
      var rest = 0
      for i in magnitude.indices.reversed() {
        rest = rest << 8 | Int(magnitude[i])
        magnitude[i] = UInt8(rest / 10)
        rest %= 10
      }
      digits.append(UInt8(ascii: "0") + UInt8(rest))
    }
    let text = String(decoding: digits.reversed(), as: UTF8.self)
    if let value = Int(isNegative ? "-" + text : text) { return .integer(value) }
    return text.isEmpty ? .integer(0) : .longInteger(isNegative ? "-" + text : text)
  }

  private static func negate(_ bytes: inout [UInt8]) {
    var carry = 1
    for i in bytes.indices {
      let sum = Int(~bytes[i]) + carry
      bytes[i] = UInt8(sum & 0xFF)
      carry = sum >> 8
    }
  }
}
