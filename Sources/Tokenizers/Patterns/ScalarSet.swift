/// A set of scalars as a regular expression writes it: `\p{L}`, `[^\s\d]`, `[a-z&&[^aeiou]]`.
indirect enum ScalarSet: Sendable {
  case range(UInt32, UInt32)
  case classes(CharacterClass)
  case category(Set<Unicode.GeneralCategory>)
  case property(Property)
  case union([ScalarSet])
  case intersection(ScalarSet, ScalarSet)
  case complement(ScalarSet)
  case foldingCase(ScalarSet)

  enum Property: Sendable {
    case alphabetic, uppercase, lowercase, ideographic, emoji
  }

  func contains(_ value: UInt32) -> Bool {
    switch self {
    case .range(let low, let high): return low <= value && value <= high
    case .classes(let classes): return !CharacterClass.of(value).isDisjoint(with: classes)
    case .category(let categories):
      return UnicodeScalar(value).map { categories.contains($0.properties.generalCategory) }
        ?? false
    case .property(let property):
      return UnicodeScalar(value).map { Self.has(property, $0.properties) } ?? false
    case .union(let sets): return sets.contains { $0.contains(value) }
    case .intersection(let a, let b): return a.contains(value) && b.contains(value)
    case .complement(let set): return !set.contains(value)
    case .foldingCase(let set):
      return set.contains(value) || Self.caseVariants(of: value).contains { set.contains($0) }
    }
  }

  private static func has(_ property: Property, _ properties: UnicodeScalar.Properties) -> Bool {
    switch property {
    case .alphabetic: properties.isAlphabetic
    case .uppercase: properties.isUppercase
    case .lowercase: properties.isLowercase
    case .ideographic: properties.isIdeographic
    case .emoji: properties.isEmoji
    }
  }

  /// The scalars that differ from one only in case.
  static func caseVariants(of value: UInt32) -> [UInt32] {
    guard let scalar = UnicodeScalar(value) else { return [] }
    let lower = single(scalar.properties.lowercaseMapping) ?? value
    let upper = single(scalar.properties.uppercaseMapping) ?? value
    let folded = UnicodeScalar(upper).flatMap { single($0.properties.lowercaseMapping) } ?? lower
    var variants = [lower, upper, folded]
    // The two that fold to letters of ASCII from elsewhere.
    if folded == 0x73 { variants.append(0x17F) }
    if folded == 0x6B { variants.append(0x212A) }
    return variants
  }

  private static func single(_ text: String) -> UInt32? {
    let scalars = text.unicodeScalars
    return scalars.count == 1 ? scalars.first?.value : nil
  }

  /// The set of a name in `\p{…}`; nil where there is none.
  static func named(_ name: String) -> ScalarSet? {
    let key = name.lowercased().filter { $0 != " " && $0 != "-" && $0 != "_" }
    if let categories = categories[key] { return .category(categories) }
    switch key {
    case "l", "letter": return .classes(.letter)
    case "n", "number": return .classes(.number)
    case "m", "mark": return .classes(.mark)
    case "nd", "digit", "decimalnumber": return .classes(.digit)
    case "space", "whitespace": return .classes(.space)
    case "word": return .classes(.word)
    case "alnum": return .union([.property(.alphabetic), .classes(.digit)])
    case "alpha", "alphabetic": return .property(.alphabetic)
    case "upper", "uppercase": return .property(.uppercase)
    case "lower", "lowercase": return .property(.lowercase)
    case "punct": return .category(categories["p"] ?? [])
    case "ideographic": return .property(.ideographic)
    case "emoji": return .property(.emoji)
    case "any": return .range(0, 0x10FFFF)
    case "ascii": return .range(0, 0x7F)
    case "cntrl": return .category([.control])
    case "xdigit", "asciihexdigit":
      return .union([.range(0x30, 0x39), .range(0x41, 0x46), .range(0x61, 0x66)])
    case "blank": return .union([.category([.spaceSeparator]), .range(9, 9)])
    default: return ScriptTable.shared.set(named: key)
    }
  }

  private static let categories: [String: Set<Unicode.GeneralCategory>] = {
    let single: [(String, String, Unicode.GeneralCategory)] = [
      ("lu", "uppercaseletter", .uppercaseLetter), ("ll", "lowercaseletter", .lowercaseLetter),
      ("lt", "titlecaseletter", .titlecaseLetter), ("lm", "modifierletter", .modifierLetter),
      ("lo", "otherletter", .otherLetter), ("mn", "nonspacingmark", .nonspacingMark),
      ("mc", "spacingmark", .spacingMark), ("me", "enclosingmark", .enclosingMark),
      ("nl", "letternumber", .letterNumber), ("no", "othernumber", .otherNumber),
      ("pc", "connectorpunctuation", .connectorPunctuation),
      ("pd", "dashpunctuation", .dashPunctuation), ("ps", "openpunctuation", .openPunctuation),
      ("pe", "closepunctuation", .closePunctuation),
      ("pi", "initialpunctuation", .initialPunctuation),
      ("pf", "finalpunctuation", .finalPunctuation), ("po", "otherpunctuation", .otherPunctuation),
      ("sm", "mathsymbol", .mathSymbol), ("sc", "currencysymbol", .currencySymbol),
      ("sk", "modifiersymbol", .modifierSymbol), ("so", "othersymbol", .otherSymbol),
      ("zs", "spaceseparator", .spaceSeparator), ("zl", "lineseparator", .lineSeparator),
      ("zp", "paragraphseparator", .paragraphSeparator), ("cc", "control", .control),
      ("cf", "format", .format), ("co", "privateuse", .privateUse),
      ("cs", "surrogate", .surrogate), ("cn", "unassigned", .unassigned),
    ]
    var sets: [String: Set<Unicode.GeneralCategory>] = [:]
    for (short, long, category) in single {
      (sets[short], sets[long]) = ([category], [category])
      if "pszc".contains(short.prefix(1)) {
        sets[String(short.prefix(1)), default: []].insert(category)
      }
    }
    for (short, long) in [
      ("p", "punctuation"), ("s", "symbol"), ("z", "separator"), ("c", "other"),
    ] { sets[long] = sets[short] }
    sets["lc"] = [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter]
    return sets
  }()
}
