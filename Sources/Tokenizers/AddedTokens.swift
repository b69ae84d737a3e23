/// A text that stands for one id, whatever is around it.
public struct AddedToken: Hashable, Sendable {
  public var id: Int
  public var text: String
  /// Whether the token steers a model and is no text itself, such as the end of a document.
  public var isSpecial: Bool
  /// Whether it is looked for after the normalizer, in its own normal form.
  public var isNormalized: Bool
  /// Whether it is found only where no other letter, mark or digit touches it.
  public var isSingleWord: Bool
  /// Whether white space before it belongs to it.
  public var stripsLeft: Bool
  /// Whether white space behind it belongs to it.
  public var stripsRight: Bool

  public init(
    id: Int, text: String, isSpecial: Bool = true, isNormalized: Bool = false,
    isSingleWord: Bool = false, stripsLeft: Bool = false, stripsRight: Bool = false
  ) {
    self.id = id
    self.text = text
    self.isSpecial = isSpecial
    self.isNormalized = isNormalized
    self.isSingleWord = isSingleWord
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
  }
}

/// Finds added tokens in text: from the left, of those that begin at a place the longest.
struct AddedTokenFinder: Sendable {
  private var trie = Trie()
  private var beginnings = [Bool](repeating: false, count: 256)
  private let tokens: [AddedToken]

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter tokens: Tokens and the bytes to look for.
  init(_ tokens: [(token: AddedToken, bytes: [UInt8])]) {
    let tokens = tokens.filter { !$0.bytes.isEmpty }
    self.tokens = tokens.map(\.token)
    for (index, (_, bytes)) in tokens.enumerated() {
      trie.insert(bytes, token: index)
      beginnings[Int(bytes[0])] = true
    }
  }

  /// Calls `body` with every part of a range: the token that it is, or nil for text between them.
  func forEachPart(
    in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>, AddedToken?) -> Void
  ) {
    var start = range.lowerBound
    var place = start
    while place < range.upperBound {
      guard beginnings[Int(bytes[place])], let (token, end) = longest(in: bytes, place, range)
      else {
        place += 1
        continue
      }
      let match = place..<end
      place = end
      if token.isSingleWord, touchesWord(match, bytes, range) { continue }
      let found = widened(match, token, bytes, start..<range.upperBound)
      if start < found.lowerBound { body(start..<found.lowerBound, nil) }
      body(found, token)
      start = found.upperBound
      place = max(place, start)
    }
    if start < range.upperBound { body(start..<range.upperBound, nil) }
  }

  private func longest(
    in bytes: [UInt8], _ start: Int, _ range: Range<Int>
  ) -> (AddedToken, Int)? {
    var found: (AddedToken, Int)?
    var node = Trie.root
    var place = start
    while place < range.upperBound, let next = trie.next(node, bytes[place]) {
      node = next
      place += 1
      if let index = trie.token(node) { found = (tokens[index], place) }
    }
    return found
  }

  private func touchesWord(_ match: Range<Int>, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    func isWord(_ character: UTF8Text.Character) -> Bool {
      CharacterClass.of(character.value).contains(.word)
        || character.value == 0x200C || character.value == 0x200D
    }
    return match.lowerBound > range.lowerBound
      && isWord(UTF8Text.character(before: match.lowerBound, in: bytes))
      || match.upperBound < range.upperBound
        && isWord(UTF8Text.character(at: match.upperBound, in: bytes))
  }

  /// The match with the white space that belongs to it.
  private func widened(
    _ match: Range<Int>, _ token: AddedToken, _ bytes: [UInt8], _ limits: Range<Int>
  ) -> Range<Int> {
    func isSpace(_ character: UTF8Text.Character) -> Bool {
      CharacterClass.of(character.value).contains(.space)
    }
    var (start, end) = (match.lowerBound, match.upperBound)
    while token.stripsLeft, start > limits.lowerBound {
      let character = UTF8Text.character(before: start, in: bytes)
      guard isSpace(character) else { break }
      start -= character.length
    }
    while token.stripsRight, end < limits.upperBound {
      let character = UTF8Text.character(at: end, in: bytes)
      guard isSpace(character) else { break }
      end += character.length
    }
    return start..<end
  }
}

/// The added tokens of a tokenizer, ready to be found and spelled.
struct AddedVocabulary: Sendable {
  let tokens: [AddedToken]
  /// Looks in the text as it is.
  let raw: AddedTokenFinder
  /// Looks in normalized text.
  let normalized: AddedTokenFinder
  /// How the tokens are spelled: in their normal form.
  let spellings: [Int: [UInt8]]
  /// The ids that decoding may leave out.
  let specialIDs: Set<Int>

  init(_ tokens: [AddedToken], _ normalizer: Normalizer?, _ vocabulary: Vocabulary) {
    self.tokens = tokens.sorted { $0.id < $1.id }
    var spellings: [Int: [UInt8]] = [:]
    for token in tokens {
      let text = AlignedText(Array(token.text.utf8), isTracked: false)
      spellings[token.id] =
        token.isNormalized ? (normalizer?.normalize(text) ?? text).bytes : text.bytes
    }
    func finder(_ isNormalized: Bool) -> AddedTokenFinder {
      AddedTokenFinder(
        tokens.filter { $0.isNormalized == isNormalized }.map { ($0, spellings[$0.id] ?? []) })
    }
    raw = finder(false)
    normalized = finder(true)
    self.spellings = spellings
    // A token is special by its spelling, as in the reference.
    let specialTexts = Set(tokens.filter(\.isSpecial).map { Array($0.text.utf8) })
    var ids = Set(tokens.map(\.id).filter { specialTexts.contains(spellings[$0] ?? []) })
    for text in specialTexts {
      if let id = vocabulary.id(text), spellings[id] == nil { ids.insert(id) }
    }
    specialIDs = ids
  }
}
