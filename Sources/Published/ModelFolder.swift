public import Checkpoints
public import Foundation
public import Layers
internal import Tensors

/// A folder with a `config.json` and, beside it, weights in their library's own names: safetensors, PyTorch's files, each in
/// one piece or in shards, or NumPy's `.npz`.
public struct ModelFolder: Sendable {
  public let url: URL
  public let configuration: ModelConfiguration
  public let architecture: any PublishedModel.Type

  /// Reads the configuration.
  public init(_ url: URL) throws(PublishedError) {
    self.url = url
    configuration = try ModelConfiguration(reading: url.appendingPathComponent("config.json"))
    architecture = try Architectures.architecture(of: configuration)
  }

  /// The network with its weights.
  /// - Throws: every tensor that is missing, surplus or of another shape, at once.
  public func model() throws(PublishedError) -> any PublishedModel {
    var model = try architecture.init(configuration, key: RandomKey(seed: 0))
    try fill(&model)
    return model
  }

  /// Puts the folder's weights in place of a network's own.
  /// - Parameter mayRenew: whether a tensor of this name keeps its own numbers where the folder has none of its shape.
  /// - Returns: the names of those that did.
  @discardableResult
  func fill(
    _ model: inout any PublishedModel, renewing mayRenew: (_ name: String) -> Bool = { _ in false }
  ) throws(PublishedError) -> [String] {
    if let weights = weightsFile() {
      return try model.load(from: weights, renewing: mayRenew)
    } else if let recipe = try SyntheticWeights(configuration) ?? recipeOfReference() {
      model.replaceTensors(
        model.publishedLeaves().map {
          $0.tensor.dataType.isFloatingPoint && !$0.isComputed && !mayRenew($0.name)
            ? recipe($0.name, $0.tensor.shape) : $0.tensor
        })
      return model.publishedLeaves().map(\.name).filter(mayRenew)
    } else {
      throw .missing(
        file: url.appendingPathComponent("model.safetensors").path,
        mend: "put the weights beside config.json")
    }
  }

  /// What the metadata of a reference beside the configuration say of the weights.
  private func recipeOfReference() -> SyntheticWeights? {
    let file = try? SafetensorsFile(url.appendingPathComponent("reference.safetensors"))
    return file.flatMap { SyntheticWeights(metadata: $0.metadata) }
  }

  /// The file of weights, or the index of its shards, by the libraries' names: safetensors before PyTorch's and NumPy's
  /// files. Else the only `.pth`, `.pt` or `.npz` file; nil where the folder has none.
  private func weightsFile() -> URL? {
    let files = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    let names = [
      "model.safetensors", "diffusion_pytorch_model.safetensors", "pytorch_model.bin",
      "diffusion_pytorch_model.bin", "model.npz",
    ].flatMap { [$0, $0 + ".index.json"] }
    let others = files.filter { file in
      [".pth", ".pt", ".npz"].contains { file.hasSuffix($0) }
    }
    let name = names.first(where: files.contains) ?? (others.count == 1 ? others[0] : nil)
    return name.map(url.appendingPathComponent)
  }
}

extension PublishedModel {
  /// A network of published size with the weights of a file that has no `config.json` beside it:
  ///
  ///     let vad = try PublishedSileroVAD(weights: url).model
  ///     let faces = try PublishedMTCNN(weights: url, size: "onet").model
  ///
  /// - Parameters:
  ///   - url: a file of any format that `Checkpoint` reads.
  ///   - size: a name of `card.sizes`; the first unless given.
  /// - Throws: where no size is called so; every tensor that is missing, surplus or of another shape, at once.
  public init(weights url: URL, size: String? = nil) throws(PublishedError) {
    guard let known = Self.card.sizes.first(where: { size == nil || $0.name == size }) else {
      throw .unknownArchitecture(name: size ?? Self.card.name, file: url.path)
    }
    try self.init(
      ModelConfiguration(parsing: known.configuration, file: known.name), key: RandomKey(seed: 0))
    try load(from: url)
  }

  /// The network's tensors under the file's names.
  /// - Parameter hasPrefix: whether names have the beginning that some files leave out.
  public func publishedLeaves(hasPrefix: Bool = true) -> [Visitor.Leaf] {
    let names = names
    return leaves.map { leaf in
      var leaf = leaf
      leaf.name = names(leaf.name)
      if !hasPrefix, leaf.name.hasPrefix(optionalPrefix) {
        leaf.name.removeFirst(optionalPrefix.count)
      }
      return leaf
    }
  }

  /// Puts a file's tensors in place of the network's own.
  /// - Parameter mayRenew: whether a tensor of this name keeps its own numbers where the file has none of its shape.
  /// - Returns: the names of those that did.
  /// - Throws: every tensor that is missing, surplus or of another shape, at once; the network is then as it was.
  @discardableResult
  public mutating func load(
    from url: URL, renewing mayRenew: (_ name: String) -> Bool = { _ in false }
  ) throws(PublishedError) -> [String] {
    do throws(CheckpointError) {
      let file = try Checkpoint(url)
      let prefix = optionalPrefix
      let hasPrefix = prefix.isEmpty || file.entries.contains { $0.name.hasPrefix(prefix) }
      let olderNames = olderNames
      let leaves = publishedLeaves(hasPrefix: hasPrefix).map { leaf in
        var leaf = leaf
        let older = olderNames(leaf.name)
        if file[older] != nil { leaf.name = older }
        return leaf
      }
      let names = publishedLeaves().map(\.name)
      let isRenewed = leaves.indices.map { i in
        mayRenew(names[i]) && file[leaves[i].name]?.shape != leaves[i].tensor.shape
      }
      var own = tensors
      let places = own.indices.filter { !isRenewed[$0] }
      let replaced = Set(own.indices.filter { isRenewed[$0] }.map { leaves[$0].name })
      let read = try tensors(of: file, for: places.map { leaves[$0] }) { name in
        mayRenew(name) || replaced.contains(name)
      }
      for (place, tensor) in zip(places, read) { own[place] = tensor }
      replaceTensors(own)
      return names.indices.filter { isRenewed[$0] }.map { names[$0] }
    } catch {
      throw .weights(error)
    }
  }

  /// What is left over may be something that no network needs.
  private func tensors(
    of file: Checkpoint, for leaves: [Visitor.Leaf], sparing isSpare: (_ name: String) -> Bool
  ) throws(CheckpointError) -> [Tensor] {
    do throws(CheckpointError) {
      return try file.tensors(for: leaves)
    } catch {
      guard case .mismatched(let path, let mismatches) = error else { throw error }
      let serious = mismatches.filter { mismatch in
        guard case .surplus(let name, _) = mismatch else { return true }
        return !isSpare(name) && !ignored.contains { WeightNames.fits(name, $0) }
      }
      guard serious.isEmpty else { throw .mismatched(file: path, serious) }
      return try file.tensors(for: leaves, allowsSurplus: true)
    }
  }

  /// Writes the weights under the library's names.
  public func savePublished(to url: URL) throws(CheckpointError) {
    try Safetensors.write(publishedLeaves(), to: url)
  }
}

extension Visitor.Leaf {
  /// Whether the tensor is a table that the network computes, which no recipe gives: any buffer but running statistics.
  fileprivate var isComputed: Bool { isBuffer && !name.contains("running_") }
}
