/// What can go wrong with pictures and compressed bytes. Every case names its source: a path, or
/// what the caller called the bytes.
public enum ImageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file cannot be read or written.
  case file(path: String, reason: String)
  /// The bytes are no picture of a format that is read.
  case unrecognized(source: String)
  /// The bytes end too early.
  case truncated(source: String, reason: String)
  /// The bytes break the rules of their format, or use a feature that is not supported.
  case malformed(source: String, reason: String)
  /// The result would be larger than allowed.
  case tooLarge(source: String, reason: String)
  /// What was asked cannot be done, whatever the bytes: a size of zero, a wrong PNG keyword.
  case argument(reason: String)

  /// What happened, without the source: a part of a sentence.
  public var explanation: String {
    switch self {
    case .file(_, let reason), .argument(let reason): reason
    case .unrecognized: "not a picture that can be read; PNG, JPEG and WebP are"
    case .truncated(_, let reason): "cut short: \(reason)"
    case .malformed(_, let reason): "damaged or not supported: \(reason)"
    case .tooLarge(_, let reason): "too large: \(reason)"
    }
  }

  public var description: String {
    switch self {
    case .file(let source, _), .unrecognized(let source), .truncated(let source, _),
      .malformed(let source, _), .tooLarge(let source, _):
      "\(source): \(explanation)."
    case .argument: "\(explanation)."
    }
  }
}
