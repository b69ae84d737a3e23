/// WordPiece: a word is cut into the longest tokens from its beginning on; those inside a word
/// have a mark in front.
struct WordPieceModel: Sendable {
  let vocabulary: Vocabulary
  let unknown: String
  /// The mark of tokens inside words.
  let prefix: String
  /// Words of more characters are unknown.
  let longestWord: Int

  private let trie: Trie
  private let unknownID: UInt32?
  /// Where tokens inside words begin; nil where there are none.
  private let inner: Int?

  init(_ vocabulary: Vocabulary, unknown: String, prefix: String, longestWord: Int) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.prefix = prefix
    self.longestWord = longestWord
    trie = Trie(vocabulary)
    unknownID = vocabulary.id(unknown).map { UInt32($0) }
    inner = trie.node(prefix.utf8)
  }

  func tokenize(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    if range.count > longestWord, isTooLong(bytes, range) {
      return addUnknown(range, &work)
    }
    var start = range.lowerBound
    while start < range.upperBound {
      var node = start == range.lowerBound ? Trie.root : inner
      var best: (token: Int, end: Int)?
      var place = start
      while let here = node, place < range.upperBound {
        node = trie.next(here, bytes[place])
        place += 1
        if let node, let token = trie.token(node) { best = (token, place) }
      }
      guard let best else {
        work.found.removeAll(keepingCapacity: true)
        return addUnknown(range, &work)
      }
      work.found.append(
        PieceToken(
          id: UInt32(best.token), start: UInt32(start - range.lowerBound),
          end: UInt32(best.end - range.lowerBound)))
      start = best.end
    }
  }

  private func isTooLong(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    range.reduce(0) { $0 + (UTF8Text.isStart($1, in: bytes) ? 1 : 0) } > longestWord
  }

  private func addUnknown(_ range: Range<Int>, _ work: inout Workspace) {
    if let unknownID {
      work.found.append(PieceToken(id: unknownID, start: 0, end: UInt32(range.count)))
    } else if work.unknown == nil {
      work.unknown = []
    }
  }
}

extension Trie {
  init(_ vocabulary: Vocabulary) {
    self.init()
    for id in 0..<vocabulary.limit {
      if let token = vocabulary.token(id), !token.isEmpty { insert(token, token: id) }
    }
  }
}

/// A token for every word of a list.
struct WordLevelModel: Sendable {
  let vocabulary: Vocabulary
  let unknown: String
  private let unknownID: UInt32?

  init(_ vocabulary: Vocabulary, unknown: String) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    unknownID = vocabulary.id(unknown).map { UInt32($0) }
  }

  func tokenize(_ bytes: [UInt8], _ range: Range<Int>, _ work: inout Workspace) {
    if let id = vocabulary.id(bytes, range).map({ UInt32($0) }) ?? unknownID {
      work.found.append(PieceToken(id: id, start: 0, end: UInt32(range.count)))
    } else if work.unknown == nil {
      work.unknown = []
    }
  }
}
