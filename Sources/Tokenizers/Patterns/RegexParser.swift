/// Reads regular expressions as the reference's engine (Oniguruma, Ruby's syntax) writes them,
/// without back references.
struct RegexParser {
  private let scalars: [UInt32]
  private var place = 0
  private var flags = Flags()
  private var depth = 0

  private struct Flags {
    var ignoresCase = false
    var dotMatchesLines = false
    var isExtended = false
  }

  init(_ text: String) { scalars = text.unicodeScalars.map(\.value) }

  static func parse(_ text: String) throws(RegexError) -> RegexNode {
    var parser = RegexParser(text)
    let node = try parser.choice()
    if parser.place < parser.scalars.count { throw parser.error("a ) without its (") }
    return node
  }

  func error(_ problem: String) -> RegexError { RegexError(offset: place, problem: problem) }

  private var next: UInt32? { place < scalars.count ? scalars[place] : nil }

  private func isNext(_ text: StaticString) -> Bool {
    let wanted = "\(text)".unicodeScalars.map(\.value)
    return scalars[place...].starts(with: wanted)
  }

  private mutating func take(_ text: StaticString) -> Bool {
    guard isNext(text) else { return false }
    place += "\(text)".unicodeScalars.count
    return true
  }

  private mutating func choice() throws(RegexError) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw error("groups lie too deep in each other") }
    let outer = flags
    var nodes = [try sequence()]
    while take("|") { nodes.append(try sequence()) }
    flags = outer
    return nodes.count == 1 ? nodes[0] : .choice(nodes)
  }

  private mutating func sequence() throws(RegexError) -> RegexNode {
    var nodes: [RegexNode] = []
    while let scalar = next, scalar != UInt32(ascii: "|"), scalar != UInt32(ascii: ")") {
      if flags.isExtended, skipExtended() { continue }
      if let node = try atom() { nodes.append(try repetition(of: node)) }
    }
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  /// Skips white space or a comment of the extended syntax.
  private mutating func skipExtended() -> Bool {
    guard let scalar = next else { return false }
    if scalar == UInt32(ascii: "#") {
      while let scalar = next, scalar != 10 { place += 1 }
      return true
    }
    guard scalar == 0x20 || (9...13).contains(scalar) else { return false }
    place += 1
    return true
  }

  /// One thing that may be repeated; nil for flags and comments.
  private mutating func atom() throws(RegexError) -> RegexNode? {
    guard let scalar = next else { throw error("the expression ends early") }
    if take("(") { return try group() }
    if isNext("[") { return .set(folded(try setInBrackets())) }
    if take(".") {
      return .set(flags.dotMatchesLines ? .range(0, 0x10FFFF) : .complement(.range(10, 10)))
    }
    if take("^") { return .anchor(.lineStart) }
    if take("$") { return .anchor(.lineEnd) }
    if isNext("*") || isNext("+") || isNext("?") { throw error("nothing to repeat") }
    if take("\\") { return try escape() }
    place += 1
    return .set(folded(.range(scalar, scalar)))
  }

  private func folded(_ set: ScalarSet) -> ScalarSet {
    flags.ignoresCase ? .foldingCase(set) : set
  }

  private mutating func group() throws(RegexError) -> RegexNode? {
    if take("?#") {
      while let scalar = next, scalar != UInt32(ascii: ")") { place += 1 }
      return try close(.empty)
    }
    if take("?:") { return try close(choice()) }
    if take("?=") { return try close(.look(choice(), isBehind: false, isNegative: false)) }
    if take("?!") { return try close(.look(choice(), isBehind: false, isNegative: true)) }
    if take("?<=") { return try close(behind(isNegative: false)) }
    if take("?<!") { return try close(behind(isNegative: true)) }
    if take("?>") { return try close(.atomic(choice())) }
    if isNext("?<") || isNext("?'") || isNext("?P<") {
      while let scalar = next, scalar != UInt32(ascii: ">"), scalar != UInt32(ascii: ")") {
        place += 1
      }
      guard take(">") else { throw error("a group's name has no end") }
      return try close(choice())
    }
    if take("?") { return try flagGroup() }
    return try close(choice())
  }

  private mutating func behind(isNegative: Bool) throws(RegexError) -> RegexNode {
    let node = try choice()
    let parts: [RegexNode] = if case .choice(let nodes) = node { nodes } else { [node] }
    guard parts.allSatisfy({ $0.width != nil }) else {
      throw error("what is looked for behind must have a fixed length")
    }
    return .look(node, isBehind: true, isNegative: isNegative)
  }

  private mutating func close(_ node: RegexNode) throws(RegexError) -> RegexNode {
    guard take(")") else { throw error("a ( without its )") }
    return node
  }

  /// `(?i)`, `(?i-m:…)`.
  private mutating func flagGroup() throws(RegexError) -> RegexNode? {
    var isOn = true
    var changed = flags
    while let scalar = next, scalar != UInt32(ascii: ")"), scalar != UInt32(ascii: ":") {
      place += 1
      switch scalar {
      case UInt32(ascii: "-"): isOn = false
      case UInt32(ascii: "i"): changed.ignoresCase = isOn
      case UInt32(ascii: "m"), UInt32(ascii: "s"): changed.dotMatchesLines = isOn
      case UInt32(ascii: "x"): changed.isExtended = isOn
      default: throw error("an unknown kind of group")
      }
    }
    if take(")") {
      flags = changed
      return nil
    }
    guard take(":") else { throw error("a ( without its )") }
    let outer = flags
    flags = changed
    let node = try choice()
    flags = outer
    return try close(node)
  }

  private mutating func repetition(of node: RegexNode) throws(RegexError) -> RegexNode {
    var node = node
    while let (least, most, isInterval) = try bounds() {
      var kind = RegexNode.Repetition.greedy
      // `{2,3}+` is a repetition of a repetition, as in Ruby.
      if take("?") { kind = .lazy } else if !isInterval, take("+") { kind = .possessive }
      node = .repeated(node, least: least, most: most, kind: kind)
    }
    return node
  }

  private mutating func bounds() throws(RegexError) -> (Int, Int?, isInterval: Bool)? {
    if take("*") { return (0, nil, false) }
    if take("+") { return (1, nil, false) }
    if take("?") { return (0, 1, false) }
    guard isNext("{") else { return nil }
    let start = place
    place += 1
    let least = number()
    var most = least
    if take(",") { most = number() }
    // What is no interval is text, as in the reference.
    guard take("}"), least != nil || most != nil else {
      place = start
      return nil
    }
    let low = least ?? 0
    let isOpen = most == nil
    if let most, most < low { throw error("an interval whose end is before its beginning") }
    if max(low, most ?? 0) > 1000 { throw error("more than 1000 repetitions") }
    return (low, isOpen ? nil : most, true)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, (0x30...0x39).contains(scalar), (value ?? 0) < 100_000 {
      value = (value ?? 0) * 10 + Int(scalar - 0x30)
      place += 1
    }
    return value
  }
}

extension RegexParser {
  /// What follows a backslash outside of brackets.
  private mutating func escape() throws(RegexError) -> RegexNode {
    guard let scalar = next else { throw error("the expression ends with a \\") }
    let anchors: [(UInt32, RegexNode.Anchor)] = [
      (UInt32(ascii: "A"), .textStart), (UInt32(ascii: "z"), .textEnd),
      (UInt32(ascii: "Z"), .textEndOrLastLine), (UInt32(ascii: "b"), .wordEdge),
      (UInt32(ascii: "B"), .noWordEdge),
    ]
    if let anchor = anchors.first(where: { $0.0 == scalar })?.1 {
      place += 1
      return .anchor(anchor)
    }
    if (0x31...0x39).contains(scalar) { throw error("back references are not supported") }
    if take("R") {
      return .choice([
        .sequence([.set(.range(13, 13)), .set(.range(10, 10))]),
        .set(.union([.range(10, 13), .range(0x85, 0x85), .range(0x2028, 0x2029)])),
      ])
    }
    return .set(folded(try setOfEscape()))
  }

  /// The scalar or class that a backslash stands before.
  private mutating func setOfEscape() throws(RegexError) -> ScalarSet {
    guard let scalar = next else { throw error("the expression ends with a \\") }
    place += 1
    switch scalar {
    case UInt32(ascii: "s"): return .classes(.space)
    case UInt32(ascii: "S"): return .complement(.classes(.space))
    case UInt32(ascii: "d"): return .classes(.digit)
    case UInt32(ascii: "D"): return .complement(.classes(.digit))
    case UInt32(ascii: "w"): return .classes(.word)
    case UInt32(ascii: "W"): return .complement(.classes(.word))
    case UInt32(ascii: "h"): return ScalarSet.named("xdigit") ?? .union([])
    case UInt32(ascii: "H"): return .complement(ScalarSet.named("xdigit") ?? .union([]))
    case UInt32(ascii: "p"), UInt32(ascii: "P"):
      return try property(isNegative: scalar == UInt32(ascii: "P"))
    case UInt32(ascii: "n"): return .range(10, 10)
    case UInt32(ascii: "r"): return .range(13, 13)
    case UInt32(ascii: "t"): return .range(9, 9)
    case UInt32(ascii: "f"): return .range(12, 12)
    case UInt32(ascii: "v"): return .range(11, 11)
    case UInt32(ascii: "a"): return .range(7, 7)
    case UInt32(ascii: "e"): return .range(27, 27)
    case UInt32(ascii: "0"): return .range(0, 0)
    case UInt32(ascii: "u"): return try code(digits: 4)
    case UInt32(ascii: "x"):
      guard take("{") else { return try code(digits: 2) }
      let set = try code(digits: 8, isExact: false)
      guard take("}") else { throw error("a code without its }") }
      return set
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A:
      throw error("an escape that is not supported")
    default: return .range(scalar, scalar)
    }
  }

  private mutating func code(digits: Int, isExact: Bool = true) throws(RegexError) -> ScalarSet {
    var value: UInt32 = 0
    var count = 0
    while count < digits, let scalar = next, let character = UnicodeScalar(scalar),
      let digit = Character(character).hexDigitValue, scalar < 0x80
    {
      value = value << 4 | UInt32(digit)
      place += 1
      count += 1
    }
    guard count == digits || !isExact && count > 0, value <= 0x10FFFF else {
      throw error("a code that is no character")
    }
    return .range(value, value)
  }

  private mutating func property(isNegative: Bool) throws(RegexError) -> ScalarSet {
    guard take("{") else { throw error("expected { after \\p") }
    let isComplement = take("^") != isNegative
    var name = String.UnicodeScalarView()
    while let scalar = next, scalar != UInt32(ascii: "}"), let character = UnicodeScalar(scalar) {
      name.append(character)
      place += 1
    }
    guard take("}") else { throw error("a property without its }") }
    guard let set = ScalarSet.named(String(name)) else {
      throw error("an unknown property \"\(String(name))\"")
    }
    return isComplement ? .complement(set) : set
  }

  /// `[…]`, with ranges, classes, sets in sets and `&&`.
  private mutating func setInBrackets() throws(RegexError) -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    if depth > 100 { throw error("sets lie too deep in each other") }
    guard take("[") else { throw error("expected [") }
    if let named = try posixClass() { return named }
    let isNegative = take("^")
    var parts: [ScalarSet] = []
    var operands: [ScalarSet] = []
    var isFirst = true
    while isFirst || !isNext("]") {
      guard next != nil else { throw error("a [ without its ]") }
      if take("&&") {
        operands.append(.union(parts))
        parts = []
      } else if isNext("[") {
        parts.append(try setInBrackets())
      } else {
        parts.append(try rangeInBrackets())
      }
      isFirst = false
    }
    place += 1
    operands.append(.union(parts))
    let set = operands.dropFirst().reduce(operands[0]) { .intersection($0, $1) }
    return isNegative ? .complement(set) : set
  }

  private mutating func rangeInBrackets() throws(RegexError) -> ScalarSet {
    let low = try scalarInBrackets()
    guard case .range(let first, let same) = low, first == same, isNext("-"),
      place + 1 < scalars.count, scalars[place + 1] != UInt32(ascii: "]")
    else { return low }
    place += 1
    guard case .range(let last, let alike) = try scalarInBrackets(), last == alike, first <= last
    else { throw error("a range whose end is before its beginning") }
    return .range(first, last)
  }

  private mutating func scalarInBrackets() throws(RegexError) -> ScalarSet {
    guard let scalar = next else { throw error("a [ without its ]") }
    if take("\\") {
      if take("b") { return .range(8, 8) }
      return try setOfEscape()
    }
    place += 1
    return .range(scalar, scalar)
  }

  /// The rest of `[:alpha:]` after its bracket.
  private mutating func posixClass() throws(RegexError) -> ScalarSet? {
    guard depth > 1, isNext(":") else { return nil }
    let start = place
    place += 1
    let isNegative = take("^")
    var name = ""
    while let scalar = next, let character = UnicodeScalar(scalar), character.isASCII,
      character.properties.isAlphabetic
    {
      name.unicodeScalars.append(character)
      place += 1
    }
    guard take(":]"), let set = ScalarSet.named(name) else {
      place = start
      return nil
    }
    return isNegative ? .complement(set) : set
  }
}

extension UInt32 {
  init(ascii scalar: UnicodeScalar) { self = scalar.value }
}
