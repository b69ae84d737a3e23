/// Turns text into numbers for a model and back.
///
/// Conformers are values; the same text gives the same ids on every machine.
public protocol Tokenizer: Sendable {
  /// One more than the greatest id: the number of rows that an embedding needs.
  var vocabularySize: Int { get }

  /// The ids of a text given as bytes, which need not be valid UTF-8.
  func encode(bytes: [UInt8]) -> [Int]

  /// The bytes that ids stand for; ids outside the vocabulary stand for none.
  func decodeBytes(_ ids: some Sequence<Int>) -> [UInt8]
}

extension Tokenizer {
  /// The ids of a text.
  public func encode(_ text: String) -> [Int] { encode(bytes: Array(text.utf8)) }

  /// The text that ids stand for, with U+FFFD in place of bytes that are no UTF-8.
  public func decode(_ ids: some Sequence<Int>) -> String {
    String(decoding: decodeBytes(ids), as: UTF8.self)
  }
}

/// The tokenizer without a vocabulary: every byte is its own id, 0 to 255.
public struct ByteTokenizer: Tokenizer, Hashable {
  public init() {}

  public var vocabularySize: Int { 256 }

  public func encode(bytes: [UInt8]) -> [Int] { bytes.map(Int.init) }

  public func decodeBytes(_ ids: some Sequence<Int>) -> [UInt8] {
    ids.compactMap { UInt8(exactly: $0) }
  }
}
