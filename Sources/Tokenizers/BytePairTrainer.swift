/// Learns a byte-level vocabulary from text: counts pieces, then joins the most frequent pair of
/// neighbours until the vocabulary is full (Sennrich et al. 2016; GPT-2's bytes).
///
/// Of equally frequent pairs the one with the smaller ids is joined first, so that the same text
/// gives the same vocabulary everywhere. Ids go to the special tokens, the 256 bytes, and the
/// merges in their order.
public struct BytePairTrainer: Sendable {
  public let vocabularySize: Int
  public let specialTokens: [String]
  /// Pairs that are seen less often are not joined.
  public let minimumFrequency: Int

  private var counts: [[UInt8]: Int] = [:]

  /// - Throws: `TokenizerError` when the vocabulary has no room for the bytes and special tokens,
  ///   or two special tokens are the same.
  public init(
    vocabularySize: Int, specialTokens: [String] = ["<|endoftext|>"], minimumFrequency: Int = 2
  ) throws(TokenizerError) {
    guard vocabularySize >= 256 + specialTokens.count, vocabularySize <= Int(Int32.max) else {
      throw .settings(
        problem: "a vocabulary of \(vocabularySize) has no room for 256 bytes and "
          + "\(specialTokens.count) special tokens, or over 31 bits")
    }
    guard Set(specialTokens.map { Array($0.utf8) }).count == specialTokens.count,
      !specialTokens.contains("")
    else {
      throw .settings(problem: "special tokens must differ and have characters: \(specialTokens)")
    }
    self.vocabularySize = vocabularySize
    self.specialTokens = specialTokens
    self.minimumFrequency = minimumFrequency
  }

  /// Counts the pieces of a text; call it for every part of the training text.
  public mutating func count(_ text: String) { count(bytes: Array(text.utf8)) }

  /// Counts the pieces of a text given as bytes.
  public mutating func count(bytes: [UInt8]) {
    PieceSplitter().forEachPiece(in: bytes) { counts[Array(bytes[$0]), default: 0] += 1 }
  }

  /// The tokenizer for the text counted so far. It has fewer tokens than asked for when no pair is
  /// frequent enough any more.
  public func train() -> BytePairTokenizer {
    let first = specialTokens.count
    var tokens = specialTokens.map { Array($0.utf8) }
    var byteTokens = [Int?](repeating: nil, count: 256)
    for (index, byte) in ByteAlphabet.order.enumerated() {
      byteTokens[Int(byte)] = first + index
      tokens.append([byte])
    }
    var ids = Dictionary(
      uniqueKeysWithValues: tokens.enumerated().dropFirst(first).map { ($1, $0) })
    var merges: [BytePairModel.Merge] = []
    // Sorted, since nothing may depend on a dictionary's order.
    let words = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var pairs = PairCounter(
      words: words.map { ($0.key.compactMap { byteTokens[Int($0)] }, $0.value) })
    while tokens.count < vocabularySize, let pair = pairs.mostFrequent(atLeast: minimumFrequency) {
      let joined = tokens[pair.left] + tokens[pair.right]
      // Two merges may lead to one token.
      let id = ids[joined] ?? tokens.count
      if id == tokens.count {
        ids[joined] = id
        tokens.append(joined)
      }
      merges.append(BytePairModel.Merge(left: pair.left, right: pair.right, result: id))
      pairs.join(pair, into: id)
    }
    return BytePairTokenizer(
      model: BytePairModel(byteTokens: byteTokens, merges: merges), tokens: tokens,
      addedTokens: specialTokens.enumerated().map { AddedToken(id: $0, text: $1) })
  }
}
