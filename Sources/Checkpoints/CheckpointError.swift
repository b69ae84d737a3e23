public import Foundation

/// Why a file of weights could not be read or written: which file, what is wrong, how to mend it.
public enum CheckpointError: Error, Hashable, Sendable {
  /// The file is not there, or the system does not let us read it.
  case unreadable(file: String, problem: String)
  /// The file is there, but it is not what its format asks for.
  case refused(Refusal, file: String, problem: String)
  /// The file could not be written; what stood under its name still stands.
  case unwritable(file: String, problem: String)
  /// The disk is full; what stood under the file's name still stands.
  case diskFull(file: String)
  /// The folder or the file system takes no new files.
  case readOnly(file: String)
  /// The file's tensors are not those of the module; all differences, in the order of the file,
  /// then what it lacks in the order of the module. The module is as it was.
  case mismatched(file: String, [TensorMismatch])

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
    /// A pickle that asks for something other than data; nothing of it was executed.
    case unsafe
    /// Well-formed, but of a kind that is not read.
    case unsupported
    /// It contradicts itself or a checksum.
    case corrupt
    /// Reading it would need unreasonable time, depth or memory.
    case limit
    /// A name that leaves the file's folder.
    case path
    /// Something that the file refers to is not there.
    case missing
  }

  public var refusal: Refusal? {
    if case .refused(let refusal, _, _) = self { refusal } else { nil }
  }
}

/// A tensor of a file or a module that has no counterpart.
public enum TensorMismatch: Hashable, Sendable, CustomStringConvertible {
  /// The module has it, the file does not.
  case missing(name: String, shape: [Int])
  /// The file has it, the module does not.
  case surplus(name: String, shape: [Int])
  /// Both have it, in different shapes.
  case shape(name: String, file: [Int], module: [Int])
  /// Both have it, in types that are not converted.
  case type(name: String, file: String, module: String)

  public var description: String {
    switch self {
    case .missing(let name, let shape): "\(name) \(shape) is missing in the file"
    case .surplus(let name, let shape): "\(name) \(shape) is in the file alone"
    case .shape(let name, let file, let module):
      "\(name) is \(file) in the file, \(module) in the model"
    case .type(let name, let file, let module):
      "\(name) is \(file) in the file, \(module) in the model"
    }
  }
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
  public var description: String {
    switch self {
    case .unreadable(let file, let problem): "cannot read \(file): \(problem)"
    case .unwritable(let file, let problem): "cannot write \(file): \(problem)"
    case .diskFull(let file):
      "cannot write \(file): the disk is full; free some space, what was there before is unharmed"
    case .readOnly(let file):
      "cannot write \(file): its folder takes no files; choose another or change its permissions"
    case .mismatched(let file, let tensors):
      "\(file) does not fit the model in \(tensors.count) "
        + (tensors.count == 1 ? "tensor:" : "tensors:")
        + tensors.map { "\n  \($0)" }.joined() + "\n  " + mend(tensors)
    case .refused(let refusal, let file, let problem):
      "\(file) is no valid checkpoint (\(refusal.rawValue)): \(problem); \(mend(refusal))"
    }
  }

  public var errorDescription: String? { description }

  private func mend(_ tensors: [TensorMismatch]) -> String {
    let haveOtherShapes = tensors.contains { if case .shape = $0 { true } else { false } }
    return haveOtherShapes
      ? "build the model from the config.json that belongs to the file"
      : "build the model that the file was made for, or load what fits with strict: false"
  }

  private func mend(_ refusal: Refusal) -> String {
    switch refusal {
    case .truncated: "fetch or copy the file again, it is incomplete"
    case .dtype: "convert the tensor to a type that the format has"
    case .format, .unsupported: "convert it to safetensors with the program it came from"
    case .unsafe:
      "nothing was executed; save the tensors alone (a state dictionary), or as safetensors"
    case .missing: "fetch what is missing into the same folder, or write it anew"
    case .limit: "write it anew with plain, contiguous tensors under few names"
    case .header, .bounds, .overlap, .shape, .duplicate, .corrupt, .path:
      "fetch the file again or write it anew with the program it came from"
    }
  }
}
