public import Tensors

/// Low-rank adapters (Hu et al., arXiv:2106.09685): for each adapted weight W two small factors, so
/// that the model computes with W + scale · B A.
///
/// They are a module of their own. Freezing is differentiating at less, so training them is
///
///     let (loss, gradient) = valueAndGradient(at: adapters) { adapters in
///       loss(of: adapters.applied(to: model))
///     }
///
/// and merging them for good is `adapters.merged(into: model)`. Adapted are weights of any module
/// that are called `<module>.weight` in its `visit`: of linear layers, [outputs, inputs], and of
/// convolutions, [outputs, inputs / groups, kernel…]. Tensors are named as PEFT names them.
public struct LowRankAdapters: Module {
  /// What adapters are made with; the names in PEFT's `adapter_config.json` stand behind.
  public struct Settings: Hashable, Sendable {
    /// The rank of a pair (`r`).
    public var rank: Int
    /// The scale of a pair times its rank (`lora_alpha`).
    public var alpha: Double
    /// How many inputs are left out in training, within 0 ..< 1 (`lora_dropout`).
    public var dropout: Double
    /// Names of the modules to adapt (`target_modules`): each stands for every module whose dotted
    /// path is it or ends in a dot and it.
    public var targets: [String]
    /// Divide alpha by √rank instead of by the rank (`use_rslora`; Kalajdzievski, arXiv:2312.03732).
    public var isRankStabilized: Bool
    /// Whether linear weights are [inputs, outputs] (`fan_in_fan_out`).
    public var isInputFirst: Bool
    /// Other ranks of some modules (`rank_pattern`).
    public var ranks: [String: Int]
    /// Other alphas of some modules (`alpha_pattern`).
    public var alphas: [String: Double]

    public init(
      rank: Int = 8, alpha: Double = 8, dropout: Double = 0, targets: [String],
      isRankStabilized: Bool = false, isInputFirst: Bool = false, ranks: [String: Int] = [:],
      alphas: [String: Double] = [:]
    ) {
      (self.rank, self.alpha, self.dropout, self.targets) = (rank, alpha, dropout, targets)
      (self.isRankStabilized, self.isInputFirst) = (isRankStabilized, isInputFirst)
      (self.ranks, self.alphas) = (ranks, alphas)
    }

    /// Whether a module is adapted.
    public func targets(_ module: String) -> Bool {
      targets.contains { Self.matches(module, $0) }
    }

    /// The rank of a module's pair.
    public func rank(of module: String) -> Int { Self.value(ranks, module) ?? rank }

    /// What a module's product B A is multiplied by.
    public func scale(of module: String, rank: Int) -> Double {
      let alpha = Self.value(alphas, module) ?? alpha
      return alpha / (isRankStabilized ? Double(rank).squareRoot() : Double(rank))
    }

    private static func matches(_ module: String, _ name: String) -> Bool {
      module == name || module.hasSuffix("." + name)
    }

    /// The value of the longest name that matches.
    private static func value<Value>(_ values: [String: Value], _ module: String) -> Value? {
      values.filter { matches(module, $0.key) }
        .max { ($0.key.utf8.count, $0.key) < ($1.key.utf8.count, $1.key) }?.value
    }
  }

  /// The factors of one weight's change.
  public struct Pair: Module {
    /// A: [rank, inputs], for convolutions [rank, inputs / groups, kernel…].
    public var down: Tensor
    /// B: [outputs, rank], for convolutions with a kernel of ones.
    public var up: Tensor
    /// What the product is multiplied by.
    public var scale: Double

    public init(down: Tensor, up: Tensor, scale: Double) {
      (self.down, self.up, self.scale) = (down, up, scale)
    }

    public var rank: Int { down.shape[0] }

    public mutating func visit(_ visitor: inout Visitor) {
      visitor("lora_A.weight", &down)
      visitor("lora_B.weight", &up)
      visitor.fixed("scale", scale)
    }

    /// scale · B A in the shape of the weight, which is [inputs, outputs] where `isInputFirst`.
    func change(isInputFirst: Bool) -> Tensor {
      let (outputs, rest) = (up.shape[0], Array(down.shape.dropFirst()))
      let product =
        matrixProduct(up.reshaped([outputs, rank]), down.reshaped([rank, -1])) * scale
      return isInputFirst && rest.count == 1
        ? product.transposed() : product.reshaped([outputs] + rest)
    }

    /// The shape of the weight.
    func weightShape(isInputFirst: Bool) -> [Int] {
      let shape = [up.shape[0]] + down.shape.dropFirst()
      return isInputFirst && shape.count == 2 ? shape.reversed() : shape
    }
  }

  /// The pairs by the dotted path of their module.
  public var pairs: [String: Pair]
  public var settings: Settings

  /// - Parameter pairs: by the dotted path of their module.
  public init(pairs: [String: Pair], settings: Settings) {
    (self.pairs, self.settings) = (pairs, settings)
  }

  /// New adapters that change nothing yet: A as a linear layer's weight is drawn, B zero.
  /// - Throws: `LowRankError` where a target names no weight that can be adapted.
  public init(
    for model: some Module, _ settings: Settings, key: RandomKey
  ) throws(LowRankError) {
    self.init(pairs: [:], settings: settings)
    guard (0..<1).contains(settings.dropout) else { throw .dropout(settings.dropout) }
    let weights = Self.weights(of: model)
    for name in settings.targets
    where !weights.contains(where: { $0.module == name || $0.module.hasSuffix("." + name) }) {
      throw .noTarget(name, modules: weights.map(\.module))
    }
    for (index, weight) in weights.enumerated() where settings.targets(weight.module) {
      let rank = settings.rank(of: weight.module)
      guard rank > 0 else { throw .rank(rank, module: weight.module) }
      let shape = weight.tensor.shape
      let isInputFirst = settings.isInputFirst && shape.count == 2
      let (outputs, inputs) = isInputFirst ? (shape[1], [shape[0]]) : (shape[0], Array(shape[1...]))
      pairs[weight.module] = Pair(
        down: Initializer.fanInUniform([rank] + inputs, key.fork(index)),
        up: .zeros([outputs, rank] + inputs.dropFirst().map { _ in 1 }),
        scale: settings.scale(of: weight.module, rank: rank))
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.inline(&pairs)
    visitor.fixed("dropout", settings.dropout)
    visitor.fixed("isInputFirst", settings.isInputFirst)
  }

  // MARK: - Use

  /// The model with W + scale · B A in place of every adapted W, as part of the graph: gradients
  /// reach the adapters.
  ///
  /// - Parameter phase: In training the settings' dropout leaves out inputs of A, the same for all
  ///   examples of the batch.
  public func applied<M: Module>(to model: M, _ phase: Phase = .inference) -> M {
    do { try check(model) } catch { fail("adapters: \(error)") }
    let leaves = model.leaves
    var tensors = leaves.map(\.tensor)
    for (index, leaf) in leaves.enumerated() {
      guard let module = Self.module(leaf), var pair = pairs[module] else { continue }
      if case .training(let key) = phase, settings.dropout > 0 {
        let inputs = [1, pair.down.shape[1]] + pair.down.shape.dropFirst(2).map { _ in 1 }
        let kept = Tensor.ones(inputs, pair.down.dataType)
        pair.down = pair.down * kept.dropout(settings.dropout, key.fork(index))
      }
      let change = pair.change(isInputFirst: settings.isInputFirst)
      tensors[index] = leaf.tensor + change.cast(to: leaf.tensor.dataType)
    }
    return model.replacingTensors(tensors)
  }

  /// The model with the adapters in its weights, computed now.
  public func merged<M: Module>(into model: M) -> M { applied(to: model).evaluated() }

  /// A model into which the adapters were merged, without them; weights are what they were but for
  /// rounding.
  public func unmerged<M: Module>(from model: M) -> M {
    var negative = self
    for module in pairs.keys { negative.pairs[module]!.scale.negate() }
    return negative.merged(into: model)
  }

  /// Sees that every pair fits a weight of the model.
  public func check(_ model: some Module) throws(LowRankError) {
    let weights = Dictionary(
      Self.weights(of: model).map { ($0.module, $0.tensor.shape) },
      uniquingKeysWith: { first, _ in first })
    for (module, pair) in pairs.sorted(by: { $0.key < $1.key }) {
      guard let shape = weights[module] else {
        throw .noTarget(module, modules: weights.keys.sorted())
      }
      let wanted = pair.weightShape(isInputFirst: settings.isInputFirst)
      guard shape == wanted else { throw .shape(module: module, weight: shape, adapter: wanted) }
    }
  }

  /// The module of a weight that can be adapted.
  private static func module(_ leaf: Visitor.Leaf) -> String? {
    let ending = ".weight"
    guard leaf.name.hasSuffix(ending), leaf.tensor.rank > 1, leaf.tensor.dataType.isFloatingPoint
    else { return nil }
    return String(leaf.name.dropLast(ending.count))
  }

  private static func weights(of model: some Module) -> [(module: String, tensor: Tensor)] {
    model.leaves.compactMap { leaf in module(leaf).map { ($0, leaf.tensor) } }
  }
}

/// Why adapters do not fit a model.
public enum LowRankError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The model has no weight that a name stands for; `modules` are those that it has.
  case noTarget(String, modules: [String])
  case rank(Int, module: String)
  case dropout(Double)
  case shape(module: String, weight: [Int], adapter: [Int])

  public var description: String {
    switch self {
    case .noTarget(let name, let modules):
      "no module \"\(name)\" has a weight to adapt; there are "
        + modules.prefix(20).joined(separator: ", ") + (modules.count > 20 ? ", …" : "")
    case .rank(let rank, let module): "the rank of \(module) is \(rank); it must be positive"
    case .dropout(let rate): "the dropout \(rate) is not within 0 ..< 1"
    case .shape(let module, let weight, let adapter):
      "\(module).weight is \(weight), its adapter is for \(adapter); "
        + "use the model that the adapters were trained on"
    }
  }
}
