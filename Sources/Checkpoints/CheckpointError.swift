public import Foundation

/// Why a file of weights could not be read or written: which file, what is wrong, how to mend it.
public enum CheckpointError: Error, Hashable, Sendable {
  /// The file is not there, or the system does not let us read it.
  case unreadable(file: String, problem: String)
  /// The file is there, but it is not what its format asks for.
  case refused(Refusal, file: String, problem: String)
  /// The file could not be written; what stood under its name still stands.
  case unwritable(file: String, problem: String)

  /// The kind of fault in a file.
  public enum Refusal: String, Sendable, CaseIterable {
    /// The data ends early.
    case truncated
    /// The description of the contents is malformed.
    case header
    /// A range leaves the data, or data belong to no tensor.
    case bounds
    /// Two tensors share bytes.
    case overlap
    /// Sizes that are negative, overflow or do not fit their bytes.
    case shape
    /// An element type that the format does not have.
    case dtype
    /// One name twice.
    case duplicate
    /// Another format, known by its first bytes.
    case format
  }

  public var refusal: Refusal? {
    if case .refused(let refusal, _, _) = self { refusal } else { nil }
  }
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
  public var description: String {
    switch self {
    case .unreadable(let file, let problem): "cannot read \(file): \(problem)"
    case .unwritable(let file, let problem): "cannot write \(file): \(problem)"
    case .refused(let refusal, let file, let problem):
      "\(file) is no valid checkpoint (\(refusal.rawValue)): \(problem); \(mend(refusal))"
    }
  }

  public var errorDescription: String? { description }

  private func mend(_ refusal: Refusal) -> String {
    switch refusal {
    case .truncated: "fetch or copy the file again, it is incomplete"
    case .dtype: "convert the tensor to a type that the format has"
    case .format: "convert it to safetensors with the program it came from"
    case .header, .bounds, .overlap, .shape, .duplicate:
      "fetch the file again or write it anew with the program it came from"
    }
  }
}
