internal import Checkpoints
public import Layers
public import Models
public import Tensors

/// A published network that goes on learning: all of it, its head alone, or small factors beside its weights.
///
/// As a module it holds what training changes, under the names of its library: trained tensors, running statistics and
/// adapters. What is frozen is constant and belongs to the folder that it came from.
///
///     var network = try folder.tuned(for: ["cat", "dog"], key: key)
///     network.trainHeadAlone()
///     try network.adapt(rank: 8, alpha: 16, key: key)   // or this: LoRA beside frozen weights
///
/// `loss(of:_:)` is what a step minimises, `logits(of:_:)` what the network answers.
public struct TunedNetwork: Module {
  public private(set) var network: any PublishedModel
  /// What `config.json` is to say of it: the classes at hand.
  public let configuration: ModelConfiguration
  /// Names of the tensors whose shapes follow the number of classes.
  public let head: Set<String>
  /// Names of the tensors that did not come from the folder's weights.
  public let renewed: [String]
  public private(set) var adapters: LowRankAdapters?

  /// The published names, in the order of the network's tensors.
  private let names: [String]
  private let isBuffer: [Bool]
  private var isTrained: [Bool]

  init(
    _ network: any PublishedModel, _ configuration: ModelConfiguration, head: Set<String> = [],
    renewed: [String] = []
  ) {
    (self.network, self.configuration, self.head, self.renewed) = (
      network, configuration, head, renewed
    )
    let leaves = network.publishedLeaves()
    names = leaves.map(\.name)
    isBuffer = leaves.map(\.isBuffer)
    isTrained = leaves.map(\.isTrained)
  }

  /// Draws anew what did not come from the folder's weights.
  public mutating func redraw(_ key: RandomKey) throws(PublishedError) {
    let drawn = try type(of: network).init(configuration, key: key).tensors
    let renewed = Set(renewed)
    let tensors = network.tensors
    network.replaceTensors(
      names.indices.map { renewed.contains(names[$0]) ? drawn[$0] : tensors[$0] })
  }

  // MARK: What is trained

  /// Freezes all but the head. Statistics then belong into inference, too.
  public mutating func trainHeadAlone() {
    for i in names.indices where !head.contains(names[i]) { isTrained[i] = false }
  }

  /// Freezes all but the head, and puts small factors beside the weights of some modules.
  /// - Parameter targets: names of modules as in PEFT's `target_modules`; the linear layers of attention where it is empty,
  ///   and where there is no attention, all linear layers and convolutions besides the head.
  /// - Throws: `LowRankError` where a name is none of a module with a weight.
  public mutating func adapt(
    rank: Int, alpha: Double, dropout: Double = 0, targets: [String] = [], key: RandomKey
  ) throws(LowRankError) {
    trainHeadAlone()
    let modules = targets.isEmpty ? adaptableModules : targets
    let settings = LowRankAdapters.Settings(
      rank: rank, alpha: alpha, dropout: dropout, targets: modules, isInputFirst: isInputFirst)
    adapters = try LowRankAdapters(for: published, settings, key: key)
  }

  private var adaptableModules: [String] {
    let tensors = published
    let weights = names.filter { name in
      name.hasSuffix(".weight") && !head.contains(name) && tensors[name]!.rank > 1
    }
    let attention = weights.filter { name in
      tensors[name]!.rank == 2
        && ["attn", "attention"].contains { name.lowercased().contains($0) }
    }
    return (attention.isEmpty ? weights : attention).map { String($0.dropLast(".weight".count)) }
  }

  /// Whether linear weights are [inputs, outputs], which their biases tell.
  private var isInputFirst: Bool {
    let tensors = published
    return names.contains { name in
      guard name.hasSuffix(".weight"), let weight = tensors[name], weight.rank == 2,
        let bias = tensors[name.dropLast("weight".count) + "bias"], bias.rank == 1
      else { return false }
      return weight.shape[0] != weight.shape[1] && bias.count == weight.shape[1]
    }
  }

  /// Freezes what the loss of such inputs does not depend on, as PyTorch leaves alone what has no gradient. Nothing is
  /// computed.
  public mutating func freezeUnreached(by inputs: ModelInputs, _ phase: Phase)
    throws(PublishedError)
  {
    let arguments = ModelInputs(inputs.tensors.mapValues { Tensor(Placeholder($0.type), []) })
    var (copy, failure) = (self, nil as PublishedError?)
    let slopes = Evaluation.$mode.withValue(.trace) {
      valueAndSlopes(updating: &copy, at: \.self) { network in
        do throws(PublishedError) {
          return try network.loss(of: arguments, phase)
        } catch {
          failure = error
          return Tensor(0)
        }
      }.slopes
    }
    if let failure { throw failure }
    // Trained tensors come first in `visit`.
    for (i, slope) in zip(names.indices.filter { isTrained[$0] }, slopes) where slope == nil {
      isTrained[i] = false
    }
  }

  // MARK: Use

  /// The network with the adapters in its weights, as part of the graph.
  public func applied(_ phase: Phase = .inference) -> any PublishedModel {
    guard let adapters else { return network }
    let tensors = adapters.applied(to: published, phase)
    return network.replacingTensors(names.map { tensors[$0]! })
  }

  /// The network's own loss, a number; changes running statistics in training.
  public mutating func loss(of inputs: ModelInputs, _ phase: Phase) throws(PublishedError) -> Tensor
  {
    var model = applied(phase)
    let loss = try model.loss(of: inputs, phase)
    let (before, after) = (network.tensors, model.tensors)
    network.replaceTensors(names.indices.map { isBuffer[$0] ? after[$0] : before[$0] })
    return loss
  }

  /// The logits [batch, classes] or [batch, length, vocabulary].
  public func logits(of inputs: ModelInputs, _ phase: Phase = .inference) throws(PublishedError)
    -> Tensor
  {
    guard let logits = try applied(phase).outputs(of: inputs, phase)["logits"] else {
      throw .input(name: "labels", problem: "the network gives no logits")
    }
    return logits
  }

  /// What goes on with texts, where the network does.
  public var textModel: (any TokenModel<Nothing>)? {
    guard let writer = applied() as? any PublishedGenerator, writer.canWrite else { return nil }
    return writer.generator as? any TokenModel<Nothing>
  }

  // MARK: Files

  /// All tensors under the published names.
  private var published: [String: Tensor] {
    Dictionary(zip(names, network.tensors), uniquingKeysWith: { first, _ in first })
  }

  /// All tensors under the published names, the adapters in the weights.
  public var merged: [String: Tensor] {
    Dictionary(zip(names, applied().tensors), uniquingKeysWith: { first, _ in first })
  }

  /// The adapters and the head under PEFT's names, with the text of `adapter_config.json`; nil without adapters.
  public func adapterFiles(base: String) -> (tensors: [String: Tensor], configuration: [UInt8])? {
    guard let adapters else { return nil }
    var tensors = Dictionary(
      adapters.leaves.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    for (name, tensor) in published where head.contains(name) { tensors[name] = tensor }
    let modules = Set(head.map { $0.split(separator: ".").dropLast().joined(separator: ".") })
    return (
      Dictionary(
        tensors.map { (LowRankAdapters.prefix + $0.key, $0.value) },
        uniquingKeysWith: { first, _ in first }),
      adapters.configurationFile(base: base, saving: modules.sorted())
    )
  }

  public mutating func visit(_ visitor: inout Visitor) {
    var tensors = network.tensors
    func part(_ isWanted: (Int) -> Bool) -> NamedTensors {
      let places = names.indices.filter(isWanted)
      return NamedTensors(names: places.map { names[$0] }, tensors: places.map { tensors[$0] })
    }
    var trained = part { isTrained[$0] }
    visitor.inline(&trained)
    visitor("adapters", &adapters)
    var statistics = part { isBuffer[$0] }
    visitor.buffer("statistics", &statistics)
    guard visitor.mode == .replace else { return }
    var (next, nextBuffer) = (trained.tensors[...], statistics.tensors[...])
    for i in names.indices {
      if isTrained[i] { tensors[i] = next.removeFirst() }
      if isBuffer[i] { tensors[i] = nextBuffer.removeFirst() }
    }
    network.replaceTensors(tensors)
  }
}

/// Tensors under any names, in an order of their own.
private struct NamedTensors: Module {
  let names: [String]
  var tensors: [Tensor]

  mutating func visit(_ visitor: inout Visitor) {
    for i in tensors.indices { visitor.named(names[i], &tensors[i]) }
  }
}
