/// How byte pairs are learned.
public struct BytePairSettings: Sendable {
  /// Pairs that are seen less often are not joined.
  public var minimumFrequency = 2
  /// Characters that get a token though the text may lack them.
  public var alphabet: [UnicodeScalar] = []
  /// The most characters that get a token, the most frequent ones; nil: all.
  public var alphabetLimit: Int?
  /// Written in front of every character but a piece's first; "##" for WordPiece.
  public var continuingPrefix = ""
  /// Written behind a piece's last character.
  public var endSuffix = ""
  /// The most characters of a token; nil: any number.
  public var maximumTokenLength: Int?

  public init() {}
}

extension TokenizerTrainer {
  func wordPiece(_ words: [CountedWord], _ settings: BytePairSettings) -> WordPieceModel {
    var settings = settings
    if settings.continuingPrefix.isEmpty { settings.continuingPrefix = "##" }
    return WordPieceModel(
      bytePairs(words, settings).vocabulary, unknown: unknownToken ?? "[UNK]",
      prefix: settings.continuingPrefix, longestWord: 100)
  }

  func bytePairs(_ words: [CountedWord], _ settings: BytePairSettings) -> BytePairModel {
    var vocabulary = Vocabulary(capacity: vocabularySize)
    for token in specialTokens { _ = vocabulary.insert(Array(token.utf8), id: vocabulary.limit) }
    for scalar in alphabet(of: words, settings) {
      _ = vocabulary.insert(Self.bytes(scalar), id: vocabulary.limit)
    }
    let cutWords = words.map { (cut($0.scalars, settings, &vocabulary), $0.count) }
    var pairs = PairCounter(words: cutWords, maximumLength: settings.maximumTokenLength ?? .max)
    var merges: [BytePairModel.Merge] = []
    let prefix = Array(settings.continuingPrefix.utf8)
    while vocabulary.count < vocabularySize,
      let pair = pairs.mostFrequent(atLeast: settings.minimumFrequency)
    {
      let right = vocabulary.token(pair.right) ?? []
      let joined =
        Array(vocabulary.token(pair.left) ?? [])
        + (right.starts(with: prefix) ? right.dropFirst(prefix.count) : right)
      // Two merges may lead to one token.
      let id = vocabulary.id(joined) ?? vocabulary.limit
      if id == vocabulary.limit { _ = vocabulary.insert(joined, id: id) }
      merges.append(BytePairModel.Merge(left: pair.left, right: pair.right, result: id))
      pairs.join(pair, into: id)
    }
    var options = BytePairModel.Options()
    options.unknown = unknownToken
    options.prefix = settings.continuingPrefix
    options.suffix = settings.endSuffix
    return BytePairModel(
      vocabulary, merges, options,
      readsBytes: TokenizerPipeline.readsBytes(preTokenizer, options))
  }

  private static func bytes(_ scalar: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    UTF8Text.append(scalar, to: &bytes)
    return bytes
  }

  /// The characters that get a token, by code point.
  private func alphabet(of words: [CountedWord], _ settings: BytePairSettings) -> [UInt32] {
    var counts: [UInt32: Int] = [:]
    for word in words { for scalar in word.scalars { counts[scalar, default: 0] += word.count } }
    for scalar in settings.alphabet { counts[scalar.value] = .max }
    var kept = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    if let limit = settings.alphabetLimit { kept = Array(kept.prefix(max(limit, 0))) }
    return kept.map(\.key).sorted()
  }

  /// The tokens of a word's characters; those outside the alphabet are left out.
  private func cut(
    _ scalars: [UInt32], _ settings: BytePairSettings, _ vocabulary: inout Vocabulary
  ) -> [Int] {
    var tokens: [Int] = []
    for (index, scalar) in scalars.enumerated() {
      let character = Self.bytes(scalar)
      guard vocabulary.id(character) != nil else { continue }
      let unit =
        (index == 0 ? [] : Array(settings.continuingPrefix.utf8)) + character
        + (index == scalars.count - 1 ? Array(settings.endSuffix.utf8) : [])
      let id = vocabulary.id(unit) ?? vocabulary.limit
      if id == vocabulary.limit { _ = vocabulary.insert(unit, id: id) }
      tokens.append(id)
    }
    return tokens
  }
}
