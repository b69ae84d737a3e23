import Checkpoints
import Documents
import Foundation
import Layers
import Tensors

/// How a recipe's state lies in the files of a checkpoint.
///
/// The model and its average stand under their own names, as others expect them; whatever else
/// belongs to the state stands in `optimizer.safetensors` under its path in the state. Which tensor
/// of the state is exported under which name is found by renaming the state's tensors and looking
/// where the names come out: no table is kept that could be wrong.
struct RecipeCheckpoint<R: Recipe> {
  private enum File: String, CaseIterable {
    case model = "model.safetensors"
    case average = "ema.safetensors"
    case adapters = "adapter_model.safetensors"
    case rest = "optimizer.safetensors"
  }

  /// The file and name of each tensor of the state.
  private var places: [(file: File, name: String)]

  init(_ recipe: R, _ state: R.State) {
    let leaves = state.leaves
    let renamed = leaves.indices.map { Tensor(Alias("\($0)"), [leaves[$0].tensor]) }
    let export = recipe.export(state.replacingTensors(renamed))
    places = leaves.map { (.rest, $0.name) }
    let parts: [(File, (any Module)?)] = [
      (File.adapters, export.adapters), (.average, export.average), (.model, export.model),
    ]
    for (file, module) in parts {
      for leaf in module?.leaves ?? [] {
        guard let alias = leaf.tensor.node.primitive as? Alias, let place = Int(alias.path),
          renamed.indices.contains(place), renamed[place].isIdentical(to: leaf.tensor)
        else { continue }
        places[place] = (file, leaf.name)
      }
    }
  }

  /// The files of a checkpoint.
  func files(
    _ recipe: R, _ state: R.State, _ trainer: TrainerState, configuration: String
  ) -> [String: CheckpointStore.Content] {
    let export = recipe.export(state)
    var files: [String: CheckpointStore.Content] = [
      "config.json": .bytes(Self.json(export.configuration)),
      "trainer_state.json": .bytes(trainer.json),
      "README.md": .bytes(Array(ModelCard(R.method, trainer, configuration).text.utf8)),
      TrainedModel.settingsFile: .bytes(Array(configuration.utf8)),
    ]
    let parts: [(File, (any Module)?)] = [
      (File.model, export.model), (.average, export.average), (.adapters, export.adapters),
    ]
    for (file, module) in parts {
      guard let leaves = module?.leaves, !leaves.isEmpty else { continue }
      files[file.rawValue] = .tensors(leaves)
    }
    if let text = export.tokenizer { files["tokenizer.json"] = .bytes(Array(text.utf8)) }
    for (name, bytes) in export.files { files[name] = .bytes(bytes) }
    files[File.rest.rawValue] = .tensors(leaves(of: state, in: .rest))
    return files
  }

  /// The state of a checkpoint, in the structure of `state`.
  ///
  /// - Parameter toGoOn: Whether the training shall go on; a model that is only used may have lost the state of its
  ///   optimizer.
  func load(
    _ folder: URL, into state: R.State, toGoOn: Bool = true
  ) throws(CheckpointError) -> R.State {
    var tensors = state.tensors
    for file in File.allCases {
      let indices = places.indices.filter { places[$0].file == file }
      let path = folder.appendingPathComponent(file.rawValue)
      let isDispensable = file == .rest && !toGoOn
      if indices.isEmpty || isDispensable && !FileManager.default.fileExists(atPath: path.path) {
        continue
      }
      let opened = try Checkpoint(path)
      // A model file may hold tensors that the recipe computed for others.
      let values = try opened.tensors(
        for: leaves(of: state, in: file), allowsSurplus: file != .rest)
      for (index, value) in zip(indices, values) { tensors[index] = value }
    }
    return state.replacingTensors(tensors)
  }

  private func leaves(of state: R.State, in file: File) -> [Visitor.Leaf] {
    zip(state.leaves, places).filter { $0.1.file == file }.map { leaf, place in
      var leaf = leaf
      leaf.name = place.name
      return leaf
    }
  }

  private static func json(_ value: any Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      fail("a configuration must be encodable: \(value)")
    }
    return [UInt8](data) + [UInt8(ascii: "\n")]
  }
}
