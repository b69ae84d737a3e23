/// A part of a text, counted in its Unicode scalars.
public struct TextSpan: Hashable, Sendable {
  public var start: Int
  public var end: Int

  public init(start: Int, end: Int) {
    self.start = start
    self.end = end
  }

  /// What tokens that stand for no text have.
  public static let none = TextSpan(start: 0, end: 0)
}

/// What a text, or a pair of texts, is to a model: one entry of every list for every token.
public struct Encoding: Hashable, Sendable {
  public var ids: [Int] = []
  /// The tokens as the vocabulary spells them.
  public var tokens: [String] = []
  /// What every token stands for in its own text.
  public var offsets: [TextSpan] = []
  /// The kind of text that every token belongs to, as the post-processor numbers them.
  public var typeIDs: [Int] = []
  /// Whether a model should look at the token: false for padding.
  public var attentionMask: [Bool] = []
  /// Whether the token was added and stands for no text.
  public var specialTokensMask: [Bool] = []
  /// The piece of the text, as the pre-tokenizer cut it, that the token belongs to.
  public var wordIDs: [Int?] = []
  /// 0 for tokens of the text, 1 for those of its pair; nil for added ones.
  public var sequenceIDs: [Int?] = []
  /// What truncation cut off, in encodings of the same length.
  public var overflow: [Encoding] = []

  public var count: Int { ids.count }

  /// Adds a token.
  mutating func append(
    id: Int, token: String, offsets: TextSpan = .none, typeID: Int, isSpecial: Bool = false,
    word: Int? = nil, sequence: Int? = nil, isAttended: Bool = true
  ) {
    ids.append(id)
    tokens.append(token)
    self.offsets.append(offsets)
    typeIDs.append(typeID)
    attentionMask.append(isAttended)
    specialTokensMask.append(isSpecial)
    wordIDs.append(word)
    sequenceIDs.append(sequence)
  }

  /// Adds all of another encoding, without what it lost to truncation.
  mutating func append(_ other: Encoding) {
    ids += other.ids
    tokens += other.tokens
    offsets += other.offsets
    typeIDs += other.typeIDs
    attentionMask += other.attentionMask
    specialTokensMask += other.specialTokensMask
    wordIDs += other.wordIDs
    sequenceIDs += other.sequenceIDs
  }

  /// Adds another encoding; what either lost is joined with all that the other has.
  mutating func merge(_ other: Encoding) {
    var joined: [Encoding] = []
    let others = [other] + other.overflow
    for lost in overflow { joined += others.map { lost.followed(by: $0) } }
    joined += other.overflow.map { followed(by: $0) }
    append(other)
    overflow = joined
  }

  private func followed(by other: Encoding) -> Encoding {
    var copy = self
    copy.overflow = []
    copy.append(other)
    return copy
  }

  func slice(_ range: Range<Int>) -> Encoding {
    Encoding(
      ids: Array(ids[range]), tokens: Array(tokens[range]), offsets: Array(offsets[range]),
      typeIDs: Array(typeIDs[range]), attentionMask: Array(attentionMask[range]),
      specialTokensMask: Array(specialTokensMask[range]), wordIDs: Array(wordIDs[range]),
      sequenceIDs: Array(sequenceIDs[range]))
  }
}

/// From places in bytes to places in scalars.
struct ScalarCounter {
  /// How many scalars begin before every byte; nil where the text is ASCII.
  private let counts: [UInt32]?
  private let total: Int

  init(_ bytes: [UInt8]) {
    if UTF8Text.isASCII(bytes) {
      counts = nil
      total = bytes.count
      return
    }
    var counts: [UInt32] = []
    counts.reserveCapacity(bytes.count)
    var count: UInt32 = 0
    for byte in bytes {
      // A place inside a character counts as its beginning.
      if byte & 0xC0 != 0x80 { count += 1 }
      counts.append(count == 0 ? 0 : count - 1)
    }
    self.counts = counts
    total = Int(count)
  }

  func span(of span: ByteSpan) -> TextSpan {
    TextSpan(start: scalars(before: Int(span.start)), end: scalars(before: Int(span.end)))
  }

  private func scalars(before place: Int) -> Int {
    guard let counts else { return min(place, total) }
    return place < counts.count ? Int(counts[place]) : total
  }
}
