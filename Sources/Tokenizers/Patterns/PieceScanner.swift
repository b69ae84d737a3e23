/// The published rules that cut text into pieces before any merging, written out by hand: several
/// times faster than a regular expression.
///
/// A byte that is no part of a character counts as a symbol, so that any bytes at all can be cut;
/// the pieces joined are the bytes.
enum PieceScanner: Sendable {
  /// GPT-2's rule.
  case gpt2
  /// The rule of cl100k, Llama 3 and Qwen 2, with pieces of at most so many digits.
  case cl100k(digits: Int)

  static let gpt2Source =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The scanner that finds what a regular expression does; nil where there is none.
  init?(source: String) {
    let symbols = #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    let words = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    switch source {
    case Self.gpt2Source,
      #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#:
      self = .gpt2
    case words + #"\p{N}{1,3}|"# + symbols,
      #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|"#
      + #"\s*[\r\n]|\s+(?!\S)|\s+"#:
      self = .cl100k(digits: 3)
    case words + #"\p{N}|"# + symbols: self = .cl100k(digits: 1)
    default: return nil
    }
  }

  /// Calls `body` with every piece of a range, in order; together they cover it.
  func forEachPiece(in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    let text = Text(bytes: bytes, end: range.upperBound)
    var place = range.lowerBound
    while place < range.upperBound {
      let end =
        switch self {
        case .gpt2: text.endOfGPT2Piece(from: place)
        case .cl100k(let digits): text.endOfCL100KPiece(from: place, digits: digits)
        }
      body(place..<end)
      place = end
    }
  }

  private enum Kind { case letter, number, space, symbol, end }

  private struct Text {
    let bytes: [UInt8]
    let end: Int

    /// The kind of the character at a place and how many bytes it has.
    @inline(__always)
    func kind(at place: Int) -> (Kind, Int) {
      if place >= end { return (.end, 0) }
      let character = UTF8Text.character(at: place, in: bytes)
      let classes = CharacterClass.of(character.value)
      if classes.contains(.letter) { return (.letter, character.length) }
      if classes.contains(.number) { return (.number, character.length) }
      return (classes.contains(.space) ? .space : .symbol, character.length)
    }

    func endOfRun(of wanted: Kind, from start: Int, most: Int = .max) -> Int {
      var place = start
      var count = 0
      while count < most {
        let (kind, length) = kind(at: place)
        if kind != wanted { break }
        place += length
        count += 1
      }
      return place
    }

    /// The end of white space, which leaves its last character to a word that follows.
    func endOfSpace(from start: Int) -> Int {
      var place = start
      var last = start
      while true {
        let (kind, length) = kind(at: place)
        if kind != .space { break }
        last = place
        place += length
      }
      return place == end || last == start ? place : last
    }

    func isNewline(at place: Int) -> Bool {
      place < end && (bytes[place] == 10 || bytes[place] == 13)
    }

    func endOfGPT2Piece(from start: Int) -> Int {
      if bytes[start] == UInt8(ascii: "'"), let place = contraction(at: start, folding: false) {
        return place
      }
      let (first, length) = kind(at: start)
      if first != .space { return endOfRun(of: first, from: start + length) }
      if bytes[start] == UInt8(ascii: " ") {
        let (second, next) = kind(at: start + 1)
        if second != .space, second != .end {
          return endOfRun(of: second, from: start + 1 + next)
        }
      }
      return endOfSpace(from: start)
    }

    func endOfCL100KPiece(from start: Int, digits: Int) -> Int {
      if bytes[start] == UInt8(ascii: "'"), let place = contraction(at: start, folding: true) {
        return place
      }
      let (first, length) = kind(at: start)
      if first == .letter { return endOfRun(of: .letter, from: start + length) }
      if first == .number { return endOfRun(of: .number, from: start, most: digits) }
      if !isNewline(at: start), kind(at: start + length).0 == .letter {
        return endOfRun(of: .letter, from: start + length)
      }
      if first == .symbol { return endOfSymbols(from: start) }
      if bytes[start] == UInt8(ascii: " "), kind(at: start + 1).0 == .symbol {
        return endOfSymbols(from: start + 1)
      }
      let run = endOfRun(of: .space, from: start)
      if let newline = (start..<run).last(where: { isNewline(at: $0) }) { return newline + 1 }
      return endOfSpace(from: start)
    }

    private func endOfSymbols(from start: Int) -> Int {
      var place = endOfRun(of: .symbol, from: start)
      while isNewline(at: place) { place += 1 }
      return place
    }

    /// The end of 's 't 're 've 'm 'll 'd at an apostrophe.
    private func contraction(at start: Int, folding: Bool) -> Int? {
      func letter(_ place: Int) -> UInt8 {
        guard place < end else { return 0 }
        let byte = bytes[place]
        return folding && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
      }
      switch (letter(start + 1), letter(start + 2)) {
      case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
        (UInt8(ascii: "d"), _):
        return start + 2
      case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
        (UInt8(ascii: "l"), UInt8(ascii: "l")):
        return start + 3
      // The long s, an s in all but its shape.
      case (0xC5, 0xBF) where folding: return start + 3
      default: return nil
      }
    }
  }
}
