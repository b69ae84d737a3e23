extension TokenizerPipeline {
  public func decodeBytes(_ ids: some Sequence<Int>) -> [UInt8] {
    decodeBytes(ids, skippingSpecialTokens: false)
  }

  /// The bytes that ids stand for, with or without the special ones; ids outside the vocabulary
  /// stand for none.
  public func decodeBytes(_ ids: some Sequence<Int>, skippingSpecialTokens: Bool) -> [UInt8] {
    var tokens: [[UInt8]] = []
    for id in ids {
      if skippingSpecialTokens, added.specialIDs.contains(id) { continue }
      if let token = spelling(id) { tokens.append(token) }
    }
    return decoder?.decode(tokens) ?? Array(tokens.joined(separator: [0x20]))
  }

  /// The text that ids stand for, with or without the special ones.
  public func decode(_ ids: some Sequence<Int>, skippingSpecialTokens: Bool) -> String {
    let bytes = decodeBytes(ids, skippingSpecialTokens: skippingSpecialTokens)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Makes text of ids that come one after the other, as a model writes them.
public struct DecodingStream: Sendable {
  private let tokenizer: TokenizerPipeline
  private let skipsSpecialTokens: Bool
  /// The last ids: those of text that was given out, and those that wait.
  private var ids: [Int] = []
  /// The text that was given out last, and how many ids it has.
  private var prefix: [UInt8] = []
  private var prefixCount = 0

  public init(_ tokenizer: TokenizerPipeline, skippingSpecialTokens: Bool = true) {
    self.tokenizer = tokenizer
    skipsSpecialTokens = skippingSpecialTokens
  }

  /// Takes the next id.
  /// - Returns: The text that is certain now; nil while a character is unfinished.
  public mutating func next(_ id: Int) -> String? {
    if prefix.isEmpty, !ids.isEmpty {
      let text = decoded()
      if !Self.isUnfinished(text) {
        prefix = text
        prefixCount = ids.count
      }
    }
    ids.append(id)
    let text = decoded()
    guard text.count > prefix.count, !Self.isUnfinished(text) else { return nil }
    // A decoder may spell old text anew behind new; what both have in common was given out.
    let common = zip(text, prefix).prefix { $0 == $1 }.count
    let new = String(decoding: text[common...], as: UTF8.self)
    let count = ids.count - prefixCount
    ids.removeFirst(prefixCount)
    prefix = decoded()
    prefixCount = count
    return new
  }

  /// What waits for more ids that do not come: a character that stays unfinished is U+FFFD.
  /// The next id begins a new text.
  public mutating func finish() -> String {
    let text = decoded()
    let common = zip(text, prefix).prefix { $0 == $1 }.count
    (ids, prefix, prefixCount) = ([], [], 0)
    return String(decoding: text[common...], as: UTF8.self)
  }

  private func decoded() -> [UInt8] {
    UTF8Text.repaired(tokenizer.decodeBytes(ids, skippingSpecialTokens: skipsSpecialTokens))
  }

  private static func isUnfinished(_ text: [UInt8]) -> Bool {
    text.suffix(3).elementsEqual("\u{FFFD}".utf8)
  }
}
