public import Layers
public import Tensors

/// A rule that moves a model along a gradient.
///
///     var optimizer = AdamW(for: model, learningRate: 3e-4)
///     let (loss, gradient) = valueAndGradient(at: model) { … }
///     optimizer.update(&model, along: gradient)
///
/// An optimizer is a module: its moments have the model's structure and names, so it is saved, moved and compiled like a
/// model, and a copy of it is a snapshot. The learning rate is a tensor, so that a schedule may change it without another
/// trace. To maximise, differentiate the negative.
public protocol Optimizer<Model>: Module {
  associatedtype Model: Module
  /// float64 (or any float type), shape [].
  var learningRate: Tensor { get set }
  /// Moves the trained tensors of `model`; buffers stay as they are.
  mutating func update(_ model: inout Model, along gradient: Model)
}

extension Optimizer {
  /// Sets the learning rate of the steps that follow.
  public mutating func setLearningRate(_ rate: Double) { learningRate = Tensor(rate, .float64) }
}

/// Which tensors a weight decay applies to.
public struct DecayRule: Hashable, Sendable {
  /// Tensors of fewer axes are left alone.
  public var leastRank: Int
  /// Tensors with one of these words in their dotted name are left alone, such as `pos_embed`.
  public var exceptions: [String]

  public init(leastRank: Int, exceptions: [String] = []) {
    self.leastRank = leastRank
    self.exceptions = exceptions
  }

  /// Every trained tensor.
  public static let all = DecayRule(leastRank: 0)
  /// Tensors of two or more axes: weights, but neither biases nor the parameters of norms.
  public static let matrices = DecayRule(leastRank: 2)
  /// The same without those that have one of these words in their dotted name.
  public static func matrices(except names: String...) -> DecayRule {
    DecayRule(leastRank: 2, exceptions: names)
  }

  /// Whether the rule applies to a tensor of a model.
  public func applies(to leaf: Visitor.Leaf) -> Bool {
    guard leaf.tensor.rank >= leastRank else { return false }
    if exceptions.isEmpty { return true }
    let words = leaf.name.split(separator: ".")
    return !exceptions.contains { exception in words.contains { $0 == exception } }
  }

  /// The gradient of the loss and of ½ · decay · ‖w‖² together.
  func slope(_ gradient: Tensor, of weight: Tensor, decay: Double, _ leaf: Visitor.Leaf) -> Tensor {
    decay != 0 && applies(to: leaf) ? gradient + weight * decay : gradient
  }

  /// The weight made smaller by learning rate · decay, apart from any gradient.
  func shrunk(_ weight: Tensor, decay: Double, rate: Tensor, _ leaf: Visitor.Leaf) -> Tensor {
    guard decay != 0, applies(to: leaf) else { return weight }
    return weight * (1 - rate * decay).cast(to: weight.dataType)
  }
}

extension Module {
  /// `value` for every number of every trained tensor; an empty tensor for a buffer.
  package func filledMoments(_ value: Double = 0) -> Self {
    replacingTensors(
      leaves.map { leaf in
        leaf.isTrained ? .fill(value, leaf.tensor.shape, leaf.tensor.dataType) : .zeros([0])
      })
  }
}

/// Applies `rule` to every trained tensor with its gradient and its moments.
package func updateEach<M: Module>(
  _ model: inout M, along gradient: M, moments: inout [M],
  _ rule: (
    _ weight: inout Tensor, _ gradient: Tensor, _ moments: inout [Tensor], _ leaf: Visitor.Leaf
  ) -> Void
) {
  let leaves = model.leaves
  var weights = leaves.map(\.tensor)
  let slopes = gradient.tensors
  var states = moments.map(\.tensors)
  guard slopes.count == weights.count else {
    fail(
      "the gradient has \(slopes.count) tensors, the model \(weights.count): they must have one structure"
    )
  }
  for state in states where state.count != weights.count {
    fail(
      "the optimizer was made for a model of \(state.count) tensors, this one has \(weights.count)")
  }
  for i in leaves.indices where leaves[i].isTrained {
    guard slopes[i].shape == weights[i].shape else {
      fail("the gradient of \(leaves[i].name) is \(slopes[i].type), the tensor \(weights[i].type)")
    }
    var own = states.map { $0[i] }
    rule(&weights[i], slopes[i], &own, leaves[i])
    for m in own.indices { states[m][i] = own[m] }
  }
  model.replaceTensors(weights)
  for m in moments.indices { moments[m].replaceTensors(states[m]) }
}

/// 1 − βᵗ, by which a mean that began at 0 is too small after t steps. In float64: in float32 it would be off by 6·10⁻⁵
/// for β = 0.999 at the first step.
func correction(_ beta: Double, _ count: Tensor) -> Tensor {
  1 - Tensor(beta, .float64).power(count)
}
