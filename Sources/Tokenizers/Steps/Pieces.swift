/// A text that has been cut, on its way from step to step.
struct Pieces {
  struct Piece {
    var start: Int
    var end: Int
    /// The added token that it is; nil: a model will cut it further.
    var token: Int?

    var range: Range<Int> { start..<end }
  }

  var text: AlignedText
  var pieces: [Piece]

  /// Cuts every piece that is no token; parts without bytes are dropped.
  mutating func split(_ cut: (Range<Int>, (Range<Int>) -> Void) -> Void) {
    var parts: [Piece] = []
    parts.reserveCapacity(pieces.count)
    for piece in pieces {
      if piece.token != nil {
        parts.append(piece)
      } else {
        cut(piece.range) { part in
          if !part.isEmpty { parts.append(Piece(start: part.lowerBound, end: part.upperBound)) }
        }
      }
    }
    pieces = parts
  }

  /// Cuts at what a search finds.
  mutating func split(
    _ behavior: SplitBehavior, inverted: Bool = false,
    matches: ([UInt8], Range<Int>, (Range<Int>) -> Void) -> Void
  ) {
    let bytes = text.bytes
    if behavior == .isolated { return isolate(matches) }
    split { range, body in
      var cuts: [(range: Range<Int>, isMatch: Bool)] = []
      var place = range.lowerBound
      matches(bytes, range) { match in
        if place < match.lowerBound { cuts.append((place..<match.lowerBound, inverted)) }
        cuts.append((match, !inverted))
        place = match.upperBound
      }
      if place < range.upperBound { cuts.append((place..<range.upperBound, inverted)) }
      behavior.parts(cuts).forEach(body)
    }
  }

  /// Cuts before and behind everything that a search finds.
  private mutating func isolate(
    _ matches: ([UInt8], Range<Int>, (Range<Int>) -> Void) -> Void
  ) {
    var parts: [Piece] = []
    parts.reserveCapacity(pieces.count == 1 ? text.bytes.count / 4 : pieces.count)
    func add(_ start: Int, _ end: Int) {
      if start < end { parts.append(Piece(start: start, end: end)) }
    }
    for piece in pieces {
      if piece.token != nil {
        parts.append(piece)
        continue
      }
      var place = piece.start
      matches(text.bytes, piece.range) { match in
        add(place, match.lowerBound)
        add(match.lowerBound, match.upperBound)
        place = match.upperBound
      }
      add(place, piece.end)
    }
    pieces = parts
  }

  /// Cuts at every character of a kind.
  mutating func split(_ behavior: SplitBehavior, where isMatch: (UInt32) -> Bool) {
    split(behavior) { bytes, range, body in
      var place = range.lowerBound
      while place < range.upperBound {
        let character = UTF8Text.character(at: place, in: bytes)
        if isMatch(character.value) { body(place..<place + character.length) }
        place += character.length
      }
    }
  }

  /// Rewrites the text of every piece that is no token.
  mutating func rewrite(_ rewrite: (Piece, inout TextBuilder) -> Void) {
    var builder = TextBuilder(text)
    for index in pieces.indices {
      builder.skip(to: pieces[index].start)
      let start = builder.count
      if pieces[index].token == nil { rewrite(pieces[index], &builder) }
      builder.keep(to: pieces[index].end)
      (pieces[index].start, pieces[index].end) = (start, builder.count)
    }
    text = builder.finish()
  }
}
