/// Byte pair encoding: a piece begins as characters or bytes, and of all neighbours that the list
/// of merges has, those earliest in it are joined first, from the left (Sennrich et al. 2016).
struct BytePairModel: Sendable {
  /// Two tokens that may be joined.
  struct Merge: Hashable, Sendable {
    let left: Int
    let right: Int
    /// The token that both together are.
    let result: Int
  }

  /// The members of a description beside its vocabulary and merges.
  struct Options: Sendable {
    var unknown: String?
    /// Written in front of every character but a piece's first.
    var prefix = ""
    /// Written behind a piece's last character.
    var suffix = ""
    /// Whether unknown characters in a row are one token.
    var fusesUnknown = false
    /// Whether unknown characters become tokens of their bytes.
    var fallsBackToBytes = false
    /// Whether a piece that is a token is not built of merges.
    var ignoresMerges = false
    /// The chance that a merge is left out in training; encoding here always makes all merges.
    var dropout: Double?
  }

  let vocabulary: Vocabulary
  /// The merges, the first ones joined first.
  let merges: [Merge]
  let options: Options
  /// Whether pieces are bytes that the vocabulary spells in GPT-2's alphabet.
  let readsBytes: Bool

  private let table: MergeTable
  private let unknown: UInt32?
  /// The tokens of characters below U+0080, or of all bytes, as the only, first, last and inner
  /// one of a piece; `none` where there is none.
  private let units: [UInt32]
  private let byteTokens: [UInt32]?
  private let seams: Seams?
  private static let none = UInt32.max

  init(_ vocabulary: Vocabulary, _ merges: [Merge], _ options: Options, readsBytes: Bool) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.options = options
    self.readsBytes = readsBytes
    table = MergeTable(merges)
    unknown = options.unknown.flatMap { vocabulary.id($0) }.map { UInt32($0) }
    let characters = (0..<(readsBytes ? 256 : 128)).map { index in
      readsBytes ? ByteAlphabet.characters[index] : [UInt8(index)]
    }
    let (prefix, suffix) = (Array(options.prefix.utf8), Array(options.suffix.utf8))
    units = (0..<4).flatMap { place in
      characters.map { character in
        let unit = (place & 2 == 0 ? [] : prefix) + character + (place & 1 == 0 ? [] : suffix)
        return vocabulary.id(unit).map { UInt32($0) } ?? Self.none
      }
    }
    let bytes = (0..<256).map { vocabulary.id(ByteTokens.text(UInt8($0))) }
    byteTokens =
      options.fallsBackToBytes ? bytes.map { $0.map { UInt32($0) } ?? Self.none } : nil
    let isPlain = prefix.isEmpty && suffix.isEmpty && !options.ignoresMerges && !readsBytes
    seams = isPlain ? Seams(vocabulary, merges) : nil
  }

  /// Finds the tokens of a piece.
  func tokenize(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    if options.ignoresMerges, let id = wholeToken(bytes, range) {
      return work.found.append(PieceToken(id: UInt32(id), start: 0, end: UInt32(range.count)))
    }
    work.merging.removeAll()
    if readsBytes {
      addBytes(bytes, range, &work)
    } else {
      addCharacters(bytes, range, &work)
    }
    work.merging.merge(by: table)
    var start: UInt32 = 0
    for (token, length) in zip(work.merging.tokens, work.merging.lengths) {
      work.found.append(PieceToken(id: token, start: start, end: start &+ length))
      start &+= length
    }
  }

  /// The token that a whole piece is.
  private func wholeToken(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    if !readsBytes { return vocabulary.id(bytes, range) }
    var text: [UInt8] = []
    text.reserveCapacity(2 * range.count)
    for index in range { text.append(contentsOf: ByteAlphabet.characters[Int(bytes[index])]) }
    return vocabulary.id(text)
  }

  private func addBytes(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    var pending = 0
    for index in range {
      let isFirst = index == range.lowerBound
      let isLast = index == range.upperBound - 1
      let place = (isFirst ? 0 : 2) + (isLast ? 1 : 0)
      let token = units[place << 8 | Int(bytes[index])]
      if token != Self.none {
        flushUnknown(&pending, &work)
        work.merging.append(token, length: 1)
      } else {
        addUnknown(length: 1, &pending, &work)
      }
    }
    flushUnknown(&pending, &work)
  }

  private func addCharacters(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    var pending = 0
    var place = range.lowerBound
    while place < range.upperBound {
      let character = UTF8Text.character(at: place, in: bytes)
      let end = place + character.length
      let isFirst = place == range.lowerBound
      let isLast = end >= range.upperBound
      let token =
        character.value < 0x80
        ? units[((isFirst ? 0 : 2) + (isLast ? 1 : 0)) << 7 | Int(character.value)]
        : unit(bytes, place..<end, isFirst, isLast)
      if token != Self.none {
        flushUnknown(&pending, &work)
        work.merging.append(token, length: character.length)
      } else if !fallBack(bytes, place..<end, isFirst, isLast, &work) {
        addUnknown(length: character.length, &pending, &work)
      }
      place = end
    }
    flushUnknown(&pending, &work)
  }

  private func unit(
    _ bytes: [UInt8], _ range: Range<Int>, _ isFirst: Bool, _ isLast: Bool
  ) -> UInt32 {
    if isFirst || options.prefix.isEmpty, !isLast || options.suffix.isEmpty {
      return vocabulary.id(bytes, range).map { UInt32($0) } ?? Self.none
    }
    return vocabulary.id(spelled(bytes[range], isFirst, isLast)).map { UInt32($0) } ?? Self.none
  }

  private func spelled(
    _ character: ArraySlice<UInt8>, _ isFirst: Bool, _ isLast: Bool
  ) -> [UInt8] {
    (isFirst ? [] : Array(options.prefix.utf8)) + character
      + (isLast ? Array(options.suffix.utf8) : [])
  }

  /// Adds the tokens of a character's bytes, where there is one for each.
  private func fallBack(
    _ bytes: [UInt8], _ range: Range<Int>, _ isFirst: Bool, _ isLast: Bool,
    _ work: inout Workspace
  ) -> Bool {
    guard let byteTokens else { return false }
    let text = spelled(bytes[range], isFirst, isLast)
    guard text.allSatisfy({ byteTokens[Int($0)] != Self.none }) else { return false }
    for byte in text { work.merging.append(byteTokens[Int(byte)], length: 1) }
    return true
  }

  /// Without an unknown token unknown characters are left out, as in the reference.
  private func addUnknown(length: Int, _ pending: inout Int, _ work: inout Workspace) {
    if unknown == nil {
      if options.unknown != nil, work.unknown == nil { work.unknown = [] }
      return
    }
    if !options.fusesUnknown { flushUnknown(&pending, &work) }
    pending += length
  }

  private func flushUnknown(_ pending: inout Int, _ work: inout Workspace) {
    if pending > 0, let unknown { work.merging.append(unknown, length: pending) }
    pending = 0
  }

  /// Calls `body` with parts of a piece that no merge joins.
  func forEachPart(
    of range: Range<Int>, in bytes: [UInt8], _ body: (Range<Int>) -> Void
  ) {
    guard let seams, range.count > 32 else { return body(range) }
    seams.forEachPart(of: range, in: bytes, body)
  }
}

/// Where a text may be cut because no token of a merge has the two characters beside each other:
/// what is on both sides can then be encoded alone, and most of it was seen before.
private struct Seams: Sendable {
  private var neighbors: Set<UInt64> = []
  /// Characters with tokens of their own; beside others no text is cut.
  private var known: Set<UInt32> = []

  init(_ vocabulary: Vocabulary, _ merges: [BytePairModel.Merge]) {
    for id in 0..<vocabulary.limit {
      guard let token = vocabulary.token(id), let first = token.first else { continue }
      if token.count == (first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4) {
        known.insert(UTF8Text.character(at: 0, in: Array(token)).value)
      }
    }
    for merge in merges {
      guard let token = vocabulary.token(merge.result) else { continue }
      let text = Array(token)
      var place = 0
      var last: UInt32?
      while place < text.count {
        let character = UTF8Text.character(at: place, in: text)
        if let last { neighbors.insert(UInt64(last) << 32 | UInt64(character.value)) }
        last = character.value
        place += character.length
      }
    }
  }

  func forEachPart(of range: Range<Int>, in bytes: [UInt8], _ body: (Range<Int>) -> Void) {
    var start = range.lowerBound
    var place = start
    var last: UInt32?
    while place < range.upperBound {
      let character = UTF8Text.character(at: place, in: bytes)
      if let last, !neighbors.contains(UInt64(last) << 32 | UInt64(character.value)),
        known.contains(last), known.contains(character.value)
      {
        body(start..<place)
        start = place
      }
      last = character.value
      place += character.length
    }
    body(start..<range.upperBound)
  }
}
