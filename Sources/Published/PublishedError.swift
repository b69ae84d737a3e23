public import Checkpoints
public import Samplers
public import Tokenizers

/// Why a folder of published weights is no model: which file, what is wrong with it, how to mend it.
public enum PublishedError: Error, Sendable {
  /// A file of the folder is not there.
  case missing(file: String, mend: String)
  /// `config.json` says something that no model can be built from.
  case configuration(file: String, problem: String, mend: String)
  /// `config.json` names an architecture that is not among ours.
  case unknownArchitecture(name: String, file: String)
  /// The weights do not belong to the configuration, or their file is broken.
  case weights(CheckpointError)
  /// `tokenizer.json` cannot be read.
  case tokenizer(file: String, TokenizerError)
  /// A setting or a prompt means nothing to the model.
  case generation(GenerationError)
  /// The model lacks an input, or one has a shape that it cannot take.
  case input(name: String, problem: String)
}

extension PublishedError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let file, let mend): "\(file) is not there; \(mend)"
    case .configuration(let file, let problem, let mend): "\(file): \(problem); \(mend)"
    case .unknownArchitecture(let name, let file):
      "\(file): no architecture is called \"\(name)\"; `apus models` lists those there are"
    case .weights(let error): "\(error)"
    case .tokenizer(let file, let error): "\(file): \(error)"
    case .generation(let error): "\(error)"
    case .input(let name, let problem): "the input \"\(name)\": \(problem)"
    }
  }
}
