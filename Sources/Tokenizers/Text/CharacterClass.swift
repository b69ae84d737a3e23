/// What kinds of character a scalar is; a set of the members below.
struct CharacterClass: OptionSet, Sendable {
  let rawValue: UInt16

  /// General category L.
  static let letter = CharacterClass(rawValue: 1)
  /// General category N.
  static let number = CharacterClass(rawValue: 2)
  /// The property White_Space.
  static let space = CharacterClass(rawValue: 4)
  /// General category M.
  static let mark = CharacterClass(rawValue: 8)
  /// General category Mn.
  static let nonspacingMark = CharacterClass(rawValue: 16)
  /// General category P, and the symbols of ASCII.
  static let punctuation = CharacterClass(rawValue: 32)
  /// General category C.
  static let other = CharacterClass(rawValue: 64)
  /// What `\w` matches: alphabetic, M, Nd, Pc.
  static let word = CharacterClass(rawValue: 128)
  /// General category Nd.
  static let digit = CharacterClass(rawValue: 256)

  /// The classes of every scalar of the first plane.
  private static let table: [UInt16] = (0..<0x10000).map { value in
    UnicodeScalar(UInt32(value)).map { computed($0).rawValue } ?? 0
  }

  private static let asciiTable: [UInt16] = (0..<0x80).map { value in
    computed(UnicodeScalar(UInt8(value))).rawValue
  }

  @inline(__always)
  static func of(_ value: UInt32) -> CharacterClass {
    if value < 0x80 { return CharacterClass(rawValue: asciiTable[Int(value)]) }
    if value < 0x10000 { return CharacterClass(rawValue: table[Int(value)]) }
    return UnicodeScalar(value).map(computed) ?? []
  }

  private static func computed(_ scalar: UnicodeScalar) -> CharacterClass {
    let properties = scalar.properties
    var classes: CharacterClass = []
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      classes = .letter
    case .decimalNumber: classes = [.number, .digit, .word]
    case .letterNumber, .otherNumber: classes = .number
    case .nonspacingMark: classes = [.mark, .nonspacingMark, .word]
    case .spacingMark, .enclosingMark: classes = [.mark, .word]
    case .connectorPunctuation: classes = [.punctuation, .word]
    case .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      classes = .punctuation
    case .control, .format, .privateUse, .surrogate, .unassigned: classes = .other
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
      if scalar.isASCII { classes = .punctuation }
    default: break
    }
    if properties.isAlphabetic { classes.insert(.word) }
    if properties.isWhitespace { classes.insert(.space) }
    return classes
  }
}
