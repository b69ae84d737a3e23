internal import Synchronization

/// A complete tokenizer, as a `tokenizer.json` file describes it: added tokens are cut out of the
/// text; the rest is normalized and cut into pieces; a model cuts these into tokens; a
/// post-processor adds special tokens; and a decoder makes text of tokens.
///
/// The ids, offsets and texts are those of the reference, the `tokenizers` library. Encoding is
/// deterministic: a model's dropout is kept in files, but not applied.
public struct TokenizerPipeline: Tokenizer {
  public let normalizer: Normalizer?
  public let preTokenizer: PreTokenizer?
  public let postProcessor: PostProcessor?
  public let decoder: TokenDecoder?
  /// How encodings that are too long are cut; nil: they are not.
  public var truncation: Truncation?
  /// How encodings that are too short are filled up; nil: they are not.
  public var padding: Padding?

  let model: TokenModel
  let added: AddedVocabulary
  /// The pre-tokenizer that leaves bytes to a model that reads them.
  private let cutter: PreTokenizer?
  /// The ids of one text with a -1 where its own stand.
  private let surroundings: [Int]
  private let workspaces = WorkspacePool()

  init(
    model: TokenModel, addedTokens: [AddedToken] = [], normalizer: Normalizer? = nil,
    preTokenizer: PreTokenizer? = nil, postProcessor: PostProcessor? = nil,
    decoder: TokenDecoder? = nil
  ) {
    self.model = model
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.postProcessor = postProcessor
    self.decoder = decoder
    if case .bytePair(let model) = model, model.readsBytes {
      cutter = preTokenizer?.readingBytes()
    } else {
      cutter = preTokenizer
    }
    added = AddedVocabulary(addedTokens, normalizer, model.vocabulary)
    var placeholder = Encoding()
    placeholder.append(id: -1, token: "", typeID: 0)
    surroundings =
      postProcessor?.process([placeholder], addingSpecialTokens: true).ids ?? placeholder.ids
  }

  /// Whether a model of byte pairs is to read bytes rather than characters of GPT-2's alphabet.
  static func readsBytes(_ preTokenizer: PreTokenizer?, _ options: BytePairModel.Options) -> Bool {
    preTokenizer?.readingBytes() != nil && !options.fallsBackToBytes
  }

  /// The tokens that stand for one id each, by id.
  public var addedTokens: [AddedToken] { added.tokens }

  public var vocabularySize: Int {
    max(model.vocabulary.limit, (added.tokens.last?.id ?? -1) + 1)
  }

  /// The id of a token as the vocabulary spells it; nil where there is none.
  public func id(of token: String) -> Int? {
    added.tokens.first { $0.text.utf8.elementsEqual(token.utf8) }?.id ?? model.vocabulary.id(token)
  }

  /// How a token is spelled; nil where there is none of this id.
  public func token(of id: Int) -> String? {
    spelling(id).map { String(decoding: $0, as: UTF8.self) }
  }

  func spelling(_ id: Int) -> [UInt8]? {
    added.spellings[id] ?? model.vocabulary.token(id).map { Array($0) }
  }

  // MARK: - Ids alone

  public func encode(bytes: [UInt8]) -> [Int] {
    encode(bytes: bytes, addingSpecialTokens: true)
  }

  /// The ids of a text, without truncation and padding; what the vocabulary cannot express is left
  /// out.
  ///
  /// - Parameters:
  ///   - addingSpecialTokens: Whether the special tokens around a text are added.
  ///   - findingAddedTokens: Whether an added token's text becomes its id; false for text from
  ///     strangers, in which it must stay text.
  public func encode(
    bytes: [UInt8], addingSpecialTokens: Bool, findingAddedTokens: Bool = true
  ) -> [Int] {
    var ids: [Int] = []
    ids.reserveCapacity(bytes.count / 3)
    let pieces = pieces(of: text(bytes), isTracked: false, findingAddedTokens)
    workspaces.use { work in
      let text = pieces.text.bytes
      for piece in pieces.pieces {
        if let token = piece.token {
          ids.append(token)
          continue
        }
        model.forEachPart(of: piece.range, in: text) { part in
          work.forEachToken(of: part, in: text, by: model) { ids.append(Int($0.id)) }
        }
      }
    }
    if !addingSpecialTokens || surroundings.count == 1 { return ids }
    return surroundings.flatMap { $0 < 0 ? ids : [$0] }
  }

  /// The bytes to encode: any at all where every byte is its own character, else UTF-8.
  private func text(_ bytes: [UInt8]) -> [UInt8] {
    if case .bytePair(let model) = model, model.readsBytes, normalizer == nil { return bytes }
    return UTF8Text.repaired(bytes)
  }

  // MARK: - Everything about a text

  /// All that there is to know about a text or a pair of texts.
  ///
  /// - Parameters:
  ///   - addingSpecialTokens: Whether the special tokens around texts are added.
  ///   - keepingOverflow: Whether what truncation cuts off is kept.
  /// - Throws: `TokenizerError` where truncation is impossible, or where the vocabulary has no
  ///   tokens for a text and no unknown token.
  public func encoding(
    of text: String, pair: String? = nil, addingSpecialTokens: Bool = true,
    keepingOverflow: Bool = false
  ) throws(TokenizerError) -> Encoding {
    try encodings(
      of: [(text, pair)], addingSpecialTokens: addingSpecialTokens,
      keepingOverflow: keepingOverflow)[0]
  }

  /// The encodings of many texts, padded to a common length where there is padding.
  ///
  /// - Throws: `TokenizerError`, as `encoding(of:)`.
  public func encodings(
    of batch: [(text: String, pair: String?)], addingSpecialTokens: Bool = true,
    keepingOverflow: Bool = false
  ) throws(TokenizerError) -> [Encoding] {
    var encodings: [Encoding] = []
    for (text, pair) in batch {
      var parts = [try encoding(of: Array(text.utf8), sequence: 0)]
      if let pair { parts.append(try encoding(of: Array(pair.utf8), sequence: 1)) }
      if let truncation {
        let added = postProcessor?.addedCount(isPair: pair != nil) ?? 0
        try truncation.apply(to: &parts, addedCount: addingSpecialTokens ? added : 0)
        if !keepingOverflow { for index in parts.indices { parts[index].overflow = [] } }
      }
      encodings.append(
        postProcessor?.process(parts, addingSpecialTokens: addingSpecialTokens)
          ?? PostProcessor.joined(parts))
    }
    padding?.apply(to: &encodings)
    return encodings
  }

  /// The encoding of one text, without special tokens.
  private func encoding(of bytes: [UInt8], sequence: Int) throws(TokenizerError) -> Encoding {
    let pieces = pieces(of: bytes, isTracked: true, true)
    let text = pieces.text
    let counter = ScalarCounter(bytes)
    var encoding = Encoding()
    var unknown: [UInt8]?
    workspaces.use { work in
      work.unknown = nil
      for (index, piece) in pieces.pieces.enumerated() {
        if let token = piece.token {
          encoding.append(
            id: token, token: String(decoding: text.bytes[piece.range], as: UTF8.self),
            offsets: counter.span(of: text.span(of: piece.range)), typeID: sequence, word: index,
            sequence: sequence)
        } else {
          append(piece.range, of: text, word: index, sequence, counter, &encoding, &work)
        }
      }
      unknown = work.unknown
    }
    if let unknown { throw .unknown(text: String(decoding: unknown, as: UTF8.self)) }
    return encoding
  }

  private func append(
    _ range: Range<Int>, of text: AlignedText, word: Int, _ sequence: Int,
    _ counter: ScalarCounter, _ encoding: inout Encoding, _ work: inout Workspace
  ) {
    let surface = model.surfaceToken
    let vocabulary = model.vocabulary
    model.forEachPart(of: range, in: text.bytes) { part in
      work.forEachToken(of: part, in: text.bytes, by: model) { token in
        let id = Int(token.id)
        let place = Int(token.start)..<Int(token.end)
        let spelling = id == surface ? text.bytes[place] : vocabulary.token(id) ?? []
        encoding.append(
          id: id, token: String(decoding: spelling, as: UTF8.self),
          offsets: place.isEmpty ? .none : counter.span(of: text.span(of: place)),
          typeID: sequence, word: word, sequence: sequence)
      }
    }
  }

  /// The text with its added tokens found, normalized and cut.
  private func pieces(
    of bytes: [UInt8], isTracked: Bool, _ findsAddedTokens: Bool
  ) -> Pieces {
    var pieces = sections(of: bytes, isTracked, findsAddedTokens)
    cutter?.kind.apply(to: &pieces)
    return pieces
  }

  private func sections(
    of bytes: [UInt8], _ isTracked: Bool, _ findsAddedTokens: Bool
  ) -> Pieces {
    let whole = AlignedText(bytes, isTracked: isTracked)
    var parts: [Pieces.Piece] = []
    func add(_ range: Range<Int>, _ token: AddedToken?) {
      parts.append(
        Pieces.Piece(start: range.lowerBound, end: range.upperBound, token: token?.id))
    }
    let all = 0..<bytes.count
    if findsAddedTokens, !added.raw.isEmpty {
      added.raw.forEachPart(in: bytes, all, add)
    } else if !bytes.isEmpty {
      add(all, nil)
    }
    if normalizer == nil, added.normalized.isEmpty || !findsAddedTokens {
      return Pieces(text: whole, pieces: parts)
    }
    var builder = TextBuilder(AlignedText([], isTracked: isTracked))
    let raw = parts
    parts = []
    for part in raw {
      let base = builder.count
      let isWhole = part.range == all
      let section = AlignedText(
        isWhole ? bytes : Array(bytes[part.range]), base: part.start, isTracked: isTracked)
      let text = part.token == nil ? normalizer?.normalize(section) ?? section : section
      let range = 0..<text.bytes.count
      if part.token != nil || added.normalized.isEmpty || !findsAddedTokens {
        if !range.isEmpty {
          parts.append(.init(start: base, end: base + range.count, token: part.token))
        }
      } else {
        added.normalized.forEachPart(in: text.bytes, range) { range, token in
          add(base + range.lowerBound..<base + range.upperBound, token)
        }
      }
      if raw.count == 1 { return Pieces(text: text, pieces: parts) }
      builder.append(all: text)
    }
    return Pieces(text: builder.finish(), pieces: parts)
  }
}

/// Workspaces that wait for the next text; each thread takes its own.
private final class WorkspacePool: Sendable {
  private let free = Mutex<[Workspace]>([])

  func use(_ body: (inout Workspace) -> Void) {
    var work = free.withLock { $0.popLast() } ?? Workspace()
    body(&work)
    let used = work
    free.withLock { if $0.count < 64 { $0.append(used) } }
  }
}
