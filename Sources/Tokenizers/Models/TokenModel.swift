/// The step that cuts pieces into tokens of a vocabulary.
enum TokenModel: Sendable {
  case bytePair(BytePairModel)
  case wordPiece(WordPieceModel)
  case wordLevel(WordLevelModel)
  case unigram(UnigramModel)

  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .wordPiece(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    }
  }

  /// The token whose spelling is the text it stands for.
  var surfaceToken: Int? {
    if case .unigram(let model) = self { model.unknown } else { nil }
  }

  /// Finds the tokens of a piece; what has none is noted as unknown.
  func tokenize(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    switch self {
    case .bytePair(let model): model.tokenize(bytes, range, &work)
    case .wordPiece(let model): model.tokenize(bytes, range, &work)
    case .wordLevel(let model): model.tokenize(bytes, range, &work)
    case .unigram(let model): model.tokenize(bytes, range, &work)
    }
    if work.unknown?.isEmpty == true { work.unknown = Array(bytes[range]) }
  }

  /// Calls `body` with parts of a piece that can be encoded alone.
  @inline(__always)
  func forEachPart(of range: Range<Int>, in bytes: [UInt8], _ body: (Range<Int>) -> Void) {
    if case .bytePair(let model) = self {
      model.forEachPart(of: range, in: bytes, body)
    } else {
      body(range)
    }
  }
}
