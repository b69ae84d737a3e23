/// A model that gives exact probabilities, as a codec: what it expects becomes short (Shannon 1948).
///
/// Both ends need the same weights; the bytes that come back are the ones that went in, whatever the model thinks of them.
public protocol LosslessCodec: Sendable {
  /// How many bytes make an item, such as a picture's pixels; the bytes are a whole number of items.
  var itemByteCount: Int { get }
  /// The bytes that occur are below this.
  var levels: Int { get }
  /// - Throws: `CodingError` if the bytes are not such items.
  func encode(_ bytes: [UInt8]) throws(CodingError) -> CodedBytes
  /// - Parameter count: the bytes that were encoded.
  /// - Throws: `CodingError` if the code is not of so many bytes.
  func decode(_ code: [UInt8], count: Int) throws(CodingError) -> [UInt8]
}

/// What an encoder makes.
public struct CodedBytes: Sendable {
  public let bytes: [UInt8]
  /// −log₂ p of what was encoded, by the model's own probabilities.
  public let claimedBits: Double
}

/// Why bytes cannot be coded.
public enum CodingError: Error, Hashable, CustomStringConvertible {
  case notWholeItems(count: Int, itemByteCount: Int)
  case unknownValue(UInt8, at: Int, levels: Int)
  case notReproduced

  public var description: String {
    switch self {
    case .notWholeItems(let count, let size):
      "\(count) bytes are no whole number of the model's items, which have \(size) bytes each"
    case .unknownValue(let value, let place, let levels):
      "byte \(place) is \(value), but the model knows 0 to \(levels - 1) only; give it data as it was trained on"
    case .notReproduced:
      "the model's tokenizer does not give the same bytes back; only byte-level tokenizers do"
    }
  }
}
