internal import Checkpoints
internal import Documents
public import Foundation
internal import Layers
internal import Optimizers
internal import Tensors

/// Compares a published network with numbers of its reference implementation.
///
/// The folder has a `reference.safetensors` beside its configuration and weights: `input.<argument>`, `output.<name>`, and
/// at will `train.loss`, `train.grad.<parameter>`, `train.grad_norm.<parameter>`, `train.losses` and `train.step3.<name>`
/// of three AdamW steps, with `train.mode`, `train.optimizer` and `train.settings` in its metadata. Networks that write have
/// `output.generate.<mode>.…` with the settings as `generate.<mode>` in the metadata.
public struct Verification: Sendable {
  /// One tensor of the reference.
  public struct Row: Sendable {
    public let name: String
    /// The greatest difference; infinite where shapes differ or the network does not give the tensor.
    public let absolute: Double
    /// The same over the reference's greatest magnitude.
    public let relative: Double
    public let tolerance: Double
    public var isWithin: Bool { relative <= tolerance }
    /// Why there is nothing to compare.
    public var problem: String?
  }

  public let folder: URL
  public let architecture: String
  public private(set) var rows: [Row] = []
  public var isWithin: Bool { rows.allSatisfy(\.isWithin) }

  private let reference: SafetensorsFile

  /// Loads the folder's network, runs it and compares.
  public init(_ url: URL) throws(PublishedError) {
    folder = url
    let file = url.appendingPathComponent("reference.safetensors")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw .missing(
        file: file.path,
        mend: "store what the reference implementation computes, see `apus verify --help`")
    }
    let folder = try ModelFolder(url)
    architecture = folder.configuration.architecture
    do {
      reference = try SafetensorsFile(file)
    } catch {
      throw .weights(error)
    }
    try compare(try folder.model(), folder)
  }

  private mutating func compare<M: PublishedModel>(_ model: M, _ folder: ModelFolder)
    throws(PublishedError)
  {
    let inputs = try inputs(folder.configuration)
    let mode = reference.metadata["train.mode"] == "train"
    var outputs = try Self.outputs(of: model, inputs)
    if let model = model as? any PublishedGenerator {
      var lengths: [String: Int] = [:]
      for name in names("output.generate.") where name.hasSuffix(".sequences") {
        let shape = reference["output.generate." + name]?.shape ?? []
        lengths["generate." + name.dropLast(".sequences".count)] = shape.count == 2 ? shape[1] : 0
      }
      let texts = ReferenceTexts(
        folder: folder, file: reference.url.path, metadata: reference.metadata, lengths: lengths)
      outputs.merge(try texts.outputs(of: model, inputs)) { _, text in text }
    }
    if reference["output.loss"] != nil, outputs["loss"] == nil {
      var copy = model
      outputs["loss"] = try copy.loss(of: inputs, .inference)
    }
    for name in names("output.") {
      check("output." + name, Self.derived(name, from: outputs), tolerance: 1e-4)
    }
    if reference["train.loss"] != nil {
      try compareGradient(model, inputs, isTraining: mode)
      if reference["train.losses"] != nil { try compareSteps(model, inputs, isTraining: mode) }
    }
  }

  /// What the network gives, with inner values under the file's names.
  private static func outputs<M: PublishedModel>(of model: M, _ inputs: ModelInputs)
    throws(PublishedError) -> [String: Tensor]
  {
    let run = Recording.of {
      Result { () throws(PublishedError) in try model.outputs(of: inputs, .inference) }
    }
    let names = model.names
    var outputs: [String: Tensor] = [:]
    for (name, value) in run.values { outputs[names(name)] = value }
    return outputs.merging(try run.result.get()) { _, own in own }
  }

  // MARK: Inputs

  private func names(_ prefix: String) -> [String] {
    reference.entries.map(\.name).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
  }

  private func tensor(_ name: String) -> Tensor? {
    reference[name].flatMap { entry in
      entry.type.dataType.map {
        Tensor(bytes: reference.bytes(of: entry), TensorType(entry.shape, $0))
      }
    }
  }

  private func inputs(_ configuration: ModelConfiguration) throws(PublishedError) -> ModelInputs {
    var inputs: [String: Tensor] = [:]
    for name in names("input.") { inputs[name] = tensor("input." + name) }
    if let recipe = try SyntheticWeights(configuration), configuration.has("input") {
      let given = try configuration.part("input")
      for member in given.values.members ?? [] {
        let shape = try given.sizes(member.name)
        inputs[member.name] = recipe.uniform("input.\(member.name)", shape) {
          $0 * 3.0.squareRoot()
        }
      }
    }
    return ModelInputs(inputs)
  }

  // MARK: Values

  /// A value by its name in the reference, which may be a part of a large one.
  private static func derived(_ name: String, from outputs: [String: Tensor]) -> Tensor? {
    if let value = outputs[name] { return value }
    func behind(_ suffix: String) -> Tensor? {
      name.hasSuffix(suffix) ? outputs[String(name.dropLast(suffix.count))] : nil
    }
    if let whole = behind(".first4096") {
      return whole.reshaped([-1]).sliced(0, 0..<min(4096, whole.count))
    }
    if let logits = behind(".argmax") { return logits.argmax(-1).cast(to: .int64) }
    if let logits = behind(".logsumexp") { return logits.logSumExp(-1) }
    if let logits = behind(".last"), logits.rank == 3 {
      return logits.element(1, -1).sliced(1, 0..<min(4096, logits.shape[2]))
    }
    return nil
  }

  private mutating func check(
    _ name: String, _ value: Tensor?, tolerance: Double, scale: Double? = nil
  ) {
    guard let expected = tensor(name) else { return }
    func miss(_ problem: String) {
      rows.append(
        Row(
          name: name, absolute: .infinity, relative: .infinity, tolerance: tolerance,
          problem: problem))
    }
    guard let value else { return miss("the network does not give it") }
    guard value.shape == expected.shape else {
      return miss("its shape is \(value.shape) instead of \(expected.shape)")
    }
    var (absolute, largest) = (0.0, scale ?? 0)
    for (a, b) in zip(value.doubles(), expected.doubles()) {
      if scale == nil, b.isFinite { largest = max(largest, abs(b)) }
      // Equal infinities agree; anything else that is not finite does not.
      if a == b || a.isNaN && b.isNaN { continue }
      absolute = abs(a - b).isNaN ? .infinity : max(absolute, abs(a - b))
    }
    let isExact = !expected.dataType.isFloatingPoint
    rows.append(
      Row(
        name: name, absolute: absolute,
        relative: absolute == 0 ? 0 : absolute / max(largest, .leastNormalMagnitude),
        tolerance: isExact ? 0 : tolerance))
  }

  // MARK: Training

  private mutating func compareGradient<M: PublishedModel>(
    _ model: M, _ inputs: ModelInputs, isTraining: Bool
  ) throws(PublishedError) {
    var copy = model
    let (loss, slopes) = try Self.lossAndSlopes(&copy, inputs, isTraining)
    check("train.loss", loss, tolerance: 2e-5)
    var named: [String: Tensor] = [:]
    for (leaf, slope) in zip(model.publishedLeaves(), slopes) { named[leaf.name] = slope }
    for name in names("train.grad.") { check("train.grad." + name, named[name], tolerance: 1e-4) }
    let norms = names("train.grad_norm.")
    let largest = norms.compactMap { tensor("train.grad_norm." + $0)?.scalar }.max() ?? 0
    for name in norms {
      let own = tensor("train.grad_norm." + name)!.scalar
      // Some norms are zero in exact arithmetic: what rounding leaves of them is measured by the largest.
      check(
        "train.grad_norm." + name, named[name].map { $0.square().sum().sqrt() }, tolerance: 1e-3,
        scale: own + 0.01 * largest)
    }
  }

  /// The loss and the gradients of all tensors; nil for those that the loss does not depend on.
  private static func lossAndSlopes<M: PublishedModel>(
    _ model: inout M, _ inputs: ModelInputs, _ isTraining: Bool
  ) throws(PublishedError) -> (Tensor, [Tensor?]) {
    let phase = isTraining ? Phase.training(RandomKey(seed: 0)) : .inference
    var failure: PublishedError?
    let (loss, slopes) = valueAndSlopes(updating: &model, at: \.self) { model in
      do throws(PublishedError) {
        return try model.loss(of: inputs, phase)
      } catch {
        failure = error
        return Tensor(0)
      }
    }
    if let failure { throw failure }
    return (loss, slopes)
  }

  /// Three steps of AdamW; tensors without a gradient are left alone, as PyTorch does.
  private mutating func compareSteps<M: PublishedModel>(
    _ model: M, _ inputs: ModelInputs, isTraining: Bool
  ) throws(PublishedError) {
    var model = model
    let settings = try optimizerSettings()
    let betas = settings.values["betas"]?.elements?.compactMap(\.real) ?? []
    try settings.require(betas.count == 2, "betas", "has \(betas.count) numbers", "give two")
    var optimizer = AdamW(
      for: model, learningRate: try settings.real("lr"), betas: (betas[0], betas[1]),
      epsilon: try settings.real("eps"), weightDecay: try settings.real("weight_decay"))
    var losses: [Tensor] = []
    for _ in 0..<3 {
      let before = model.tensors
      let (loss, slopes) = try Self.lossAndSlopes(&model, inputs, isTraining)
      losses.append(loss)
      let gradient = model.replacingTensors(
        zip(model.tensors, slopes).map { tensor, slope in
          slope ?? (tensor.dataType.isFloatingPoint ? tensor.zerosLike() : tensor)
        })
      let isReached = zip(model.leaves, slopes).map { $0.isBuffer || $1 != nil }
      optimizer.update(&model, along: gradient)
      model.replaceTensors(
        model.tensors.indices.map { isReached[$0] ? model.tensors[$0] : before[$0] })
      model = model.evaluated()
    }
    check("train.losses", stack(losses), tolerance: 1e-4)
    var named: [String: Tensor] = [:]
    for leaf in model.publishedLeaves() { named[leaf.name] = leaf.tensor }
    for name in names("train.step3.") { check("train.step3." + name, named[name], tolerance: 1e-4) }
  }

  private func optimizerSettings() throws(PublishedError) -> ModelConfiguration {
    let text = reference.metadata["train.settings"] ?? "{}"
    let values: JSONValue
    do {
      values = try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw .configuration(
        file: reference.url.path, problem: "\"train.settings\" is no JSON: \(error)",
        mend: "store the optimizer's settings as a JSON object")
    }
    return ModelConfiguration(values, file: reference.url.path, path: "train.settings.")
  }
}
