/// Why a tokenizer could not be read, written, trained or used: what is wrong, where, and how to
/// mend it.
public enum TokenizerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file could not be opened or written.
  case file(String, problem: String)
  /// The text is no description of a tokenizer.
  case malformed(problem: String)
  /// The description is in order but asks for something that is not there.
  case unsupported(part: String, known: String)
  /// Numbers that no tokenizer can have.
  case settings(problem: String)
  /// A text that the vocabulary has no tokens for.
  case unknown(text: String)

  public var description: String {
    switch self {
    case .file(let path, let problem): "tokenizer file \(path): \(problem)"
    case .malformed(let problem):
      "this is no valid tokenizer.json: \(problem); correct it there or fetch the file again"
    case .unsupported(let part, let known):
      "this tokenizer.json has \(part), which is not known; what is known: \(known)"
    case .settings(let problem): problem
    case .unknown(let text):
      "the vocabulary has no tokens for \"\(text)\" and no unknown token; "
        + "use a tokenizer that covers the text, or name its unknown token"
    }
  }
}
