/// Byte-level byte pair encoding in the manner of GPT-2: added tokens are cut out of the text,
/// the rest is cut into pieces, and each piece is merged.
///
/// With a token for every byte, decoding gives back exactly the bytes that were encoded.
public struct BytePairTokenizer: Tokenizer {
  public let model: BytePairModel
  /// The bytes of every token by id; empty for ids that are not used.
  public let tokens: [[UInt8]]
  /// Texts that stand for one id each, whatever is around them, by id.
  public let addedTokens: [AddedToken]
  /// Whether a text that does not begin with a space is given one.
  public let addsPrefixSpace: Bool

  private let finder: AddedTokenFinder

  init(
    model: BytePairModel, tokens: [[UInt8]], addedTokens: [AddedToken],
    addsPrefixSpace: Bool = false
  ) {
    self.model = model
    self.tokens = tokens
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.addsPrefixSpace = addsPrefixSpace
    finder = AddedTokenFinder(addedTokens)
  }

  public var vocabularySize: Int { tokens.count }

  /// The id of an added token, such as `<|endoftext|>`; nil where there is none of this text.
  public func id(ofAddedToken text: String) -> Int? {
    addedTokens.first { $0.text.utf8.elementsEqual(text.utf8) }?.id
  }

  public func encode(bytes: [UInt8]) -> [Int] {
    encode(bytes: bytes, findingAddedTokens: true)
  }

  /// The ids of a text.
  ///
  /// - Parameter findingAddedTokens: Whether an added token's text becomes its id; false for text
  ///   from strangers, in which it must stay text.
  public func encode(bytes: [UInt8], findingAddedTokens: Bool) -> [Int] {
    var ids: [Int] = []
    ids.reserveCapacity(bytes.count / 3)
    var work = BytePairModel.Workspace()
    var start = 0
    if findingAddedTokens, !finder.isEmpty {
      var place = 0
      while place < bytes.count {
        guard let found = finder.find(in: bytes, at: place) else {
          place += 1
          continue
        }
        encode(bytes, start..<place, &ids, &work)
        ids.append(found.id)
        place += found.length
        start = place
      }
    }
    encode(bytes, start..<bytes.count, &ids, &work)
    return ids
  }

  private func encode(
    _ bytes: [UInt8], _ range: Range<Int>, _ ids: inout [Int],
    _ work: inout BytePairModel.Workspace
  ) {
    if range.isEmpty { return }
    var text = range.count == bytes.count ? bytes : Array(bytes[range])
    if addsPrefixSpace, text.first != UInt8(ascii: " ") { text.insert(UInt8(ascii: " "), at: 0) }
    PieceSplitter().forEachPiece(in: text) { piece in
      model.encode(text[piece], into: &ids, using: &work)
    }
  }

  public func decodeBytes(_ ids: some Sequence<Int>) -> [UInt8] {
    decodeBytes(ids, skippingSpecialTokens: false)
  }

  /// The bytes that ids stand for, with or without the special ones.
  public func decodeBytes(_ ids: some Sequence<Int>, skippingSpecialTokens: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for id in ids where tokens.indices.contains(id) {
      if skippingSpecialTokens, finder.specialIDs.contains(id) { continue }
      bytes.append(contentsOf: tokens[id])
    }
    return bytes
  }
}

/// A text that stands for one id, whatever is around it.
public struct AddedToken: Hashable, Sendable {
  public let id: Int
  public let text: String
  /// Whether the token steers a model and is no text itself, such as the end of a document.
  public let isSpecial: Bool

  public init(id: Int, text: String, isSpecial: Bool = true) {
    self.id = id
    self.text = text
    self.isSpecial = isSpecial
  }
}

/// Finds added tokens in text, the longest that begins at a place.
struct AddedTokenFinder: Sendable {
  let specialIDs: Set<Int>
  private let byFirstByte: [UInt8: [(bytes: [UInt8], id: Int)]]

  var isEmpty: Bool { byFirstByte.isEmpty }

  init(_ tokens: [AddedToken]) {
    specialIDs = Set(tokens.filter(\.isSpecial).map(\.id))
    let texts = tokens.map { (bytes: Array($0.text.utf8), id: $0.id) }
      .filter { !$0.bytes.isEmpty }.sorted { $0.bytes.count > $1.bytes.count }
    byFirstByte = Dictionary(grouping: texts) { $0.bytes[0] }
  }

  func find(in bytes: [UInt8], at place: Int) -> (id: Int, length: Int)? {
    guard let candidates = byFirstByte[bytes[place]] else { return nil }
    for (text, id) in candidates where bytes[place...].starts(with: text) {
      return (id, text.count)
    }
    return nil
  }
}
