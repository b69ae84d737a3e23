/// Learns a tokenizer's vocabulary from text: counts the pieces that a normalizer and a
/// pre-tokenizer make of it, and chooses tokens by one of four methods.
///
/// The same text gives the same vocabulary everywhere, whatever the order of its parts. Ids go to
/// the special tokens first.
public struct TokenizerTrainer: Sendable {
  public enum Method: Sendable {
    /// Byte pair encoding: the most frequent pair of neighbours is joined until the vocabulary is
    /// full; of equally frequent ones that with the smaller ids (Sennrich et al. 2016).
    case bytePairs(BytePairSettings)
    /// WordPiece: byte pair encoding with a mark in front of tokens inside words.
    case wordPiece(BytePairSettings)
    /// The unigram language model: of many candidates those are kept without which the text would
    /// become less probable (Kudo 2018).
    case unigram(UnigramSettings)
    /// The most frequent pieces as they are.
    case words(minimumFrequency: Int)
  }

  public let method: Method
  public let vocabularySize: Int
  public let specialTokens: [String]
  /// The token of what the vocabulary lacks; nil: none.
  public let unknownToken: String?
  public let normalizer: Normalizer?
  public let preTokenizer: PreTokenizer?
  public let postProcessor: PostProcessor?
  public let decoder: TokenDecoder?

  private var counts: [[UInt8]: Int] = [:]

  /// - Parameter unknownToken: added to the special tokens where it is not among them.
  /// - Throws: `TokenizerError` when the vocabulary has no room for what must be in it, or two
  ///   special tokens are the same.
  public init(
    _ method: Method, vocabularySize: Int, specialTokens: [String] = [],
    unknownToken: String? = nil, normalizer: Normalizer? = nil, preTokenizer: PreTokenizer? = nil,
    postProcessor: PostProcessor? = nil, decoder: TokenDecoder? = nil
  ) throws(TokenizerError) {
    var tokens = specialTokens
    if let unknownToken, !tokens.contains(where: { $0.utf8.elementsEqual(unknownToken.utf8) }) {
      tokens.insert(unknownToken, at: 0)
    }
    guard Set(tokens.map { Array($0.utf8) }).count == tokens.count, !tokens.contains("") else {
      throw .settings(problem: "special tokens must differ and have characters: \(tokens)")
    }
    var least = tokens.count
    if case .bytePairs(let settings) = method { least += settings.alphabet.count }
    guard vocabularySize >= max(least, 1), vocabularySize <= 1 << 24 else {
      throw .settings(
        problem: "a vocabulary of \(vocabularySize) has no room for \(tokens.count) special tokens "
          + "and \(least - tokens.count) characters, or more than \(1 << 24) tokens")
    }
    self.method = method
    self.vocabularySize = vocabularySize
    self.specialTokens = tokens
    self.unknownToken = unknownToken
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.postProcessor = postProcessor
    self.decoder = decoder
  }

  /// A trainer of byte pairs on bytes in the manner of GPT-2: any bytes can be encoded, and come
  /// back.
  public static func byteLevel(
    vocabularySize: Int, specialTokens: [String] = ["<|endoftext|>"], minimumFrequency: Int = 2
  ) throws(TokenizerError) -> TokenizerTrainer {
    let byteLevel = #"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}"#
    var settings = BytePairSettings()
    settings.minimumFrequency = minimumFrequency
    settings.alphabet = ByteAlphabet.scalars.compactMap { UnicodeScalar($0) }
    return try TokenizerTrainer(
      .bytePairs(settings), vocabularySize: vocabularySize, specialTokens: specialTokens,
      preTokenizer: PreTokenizer(json: byteLevel), decoder: TokenDecoder(json: byteLevel))
  }

  /// Counts the pieces of a text; call it for every part of the training text.
  public mutating func count(_ text: String) { count(bytes: Array(text.utf8)) }

  /// Counts the pieces of a text given as bytes.
  public mutating func count(bytes: [UInt8]) {
    var text = AlignedText(bytes, isTracked: false)
    let readsBytes = preTokenizer?.readingBytes()
    if readsBytes == nil || normalizer != nil {
      text = AlignedText(UTF8Text.repaired(bytes), isTracked: false)
    }
    if let normalizer { text = normalizer.normalize(text) }
    let whole = Pieces.Piece(start: 0, end: text.bytes.count)
    var pieces = Pieces(text: text, pieces: text.bytes.isEmpty ? [] : [whole])
    (readsBytes ?? preTokenizer)?.kind.apply(to: &pieces)
    let cut = pieces.text.bytes
    for piece in pieces.pieces { counts[Array(cut[piece.range]), default: 0] += 1 }
  }

  /// The tokenizer for the text counted so far. It has fewer tokens than asked for when there are
  /// not enough candidates.
  ///
  /// - Throws: `TokenizerError` where the characters of the text alone are more than the
  ///   vocabulary has room for.
  public func train() throws(TokenizerError) -> TokenizerPipeline {
    let words = countedWords()
    let model: TokenModel =
      switch method {
      case .bytePairs(let settings): .bytePair(bytePairs(words, settings))
      case .wordPiece(let settings): .wordPiece(wordPiece(words, settings))
      case .unigram(let settings): .unigram(try unigram(words, settings))
      case .words(let minimumFrequency): .wordLevel(wordLevel(words, minimumFrequency))
      }
    let special = specialTokens.map { text in
      AddedToken(id: model.vocabulary.id(text) ?? 0, text: text)
    }
    return TokenizerPipeline(
      model: model, addedTokens: special, normalizer: normalizer, preTokenizer: preTokenizer,
      postProcessor: postProcessor, decoder: decoder)
  }

  /// The pieces in the order of their bytes, since nothing may depend on a dictionary's order.
  private func countedWords() -> [CountedWord] {
    let isInBytes = preTokenizer?.readingBytes() != nil
    return counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { word, count in
      let text = isInBytes ? Array(word.map { ByteAlphabet.characters[Int($0)] }.joined()) : word
      return CountedWord(
        scalars: String(decoding: text, as: UTF8.self).unicodeScalars.map(\.value), count: count)
    }
  }

  private func wordLevel(_ words: [CountedWord], _ minimumFrequency: Int) -> WordLevelModel {
    let frequent = words.filter { $0.count >= minimumFrequency }
      .map { (text: $0.text, count: $0.count) }
      .sorted {
        $0.count != $1.count
          ? $0.count > $1.count : $0.text.lexicographicallyPrecedes($1.text)
      }
    var vocabulary = Vocabulary(capacity: vocabularySize)
    for text in specialTokens.map({ Array($0.utf8) }) + frequent.map(\.text)
    where vocabulary.count < vocabularySize {
      _ = vocabulary.insert(text, id: vocabulary.limit)
    }
    return WordLevelModel(vocabulary, unknown: unknownToken ?? "[UNK]")
  }
}

/// A piece of the training text and how often it is there.
struct CountedWord {
  let scalars: [UInt32]
  let count: Int

  var text: [UInt8] {
    var bytes: [UInt8] = []
    for scalar in scalars { UTF8Text.append(scalar, to: &bytes) }
    return bytes
  }
}
