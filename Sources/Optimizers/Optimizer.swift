public import Layers
public import Tensors

/// A rule that moves a model along a gradient.
///
/// An optimizer is a module: its moments have the model's structure and names, so it is saved, moved and compiled like a
/// model. The learning rate is a tensor, so that a schedule may change it without another trace.
public protocol Optimizer<Model>: Module {
  associatedtype Model: Module
  /// float32, shape [].
  var learningRate: Tensor { get set }
  /// Moves the trained tensors of `model`; buffers stay as they are.
  mutating func update(_ model: inout Model, along gradient: Model)
}

/// Which tensors a weight decay applies to.
public enum DecayRule: Hashable, Sendable {
  /// Every trained tensor.
  case all
  /// Tensors of two or more axes: weights, but neither biases nor the parameters of norms.
  case matrices

  func applies(to leaf: Visitor.Leaf) -> Bool { self == .all || leaf.tensor.rank >= 2 }
}

extension Module {
  /// Zeros for every trained tensor, of its shape (or of `shape`); an empty tensor for a buffer.
  package func zeroMoments(_ value: Double = 0) -> Self {
    replacingTensors(
      leaves.map { leaf in
        leaf.isTrained ? .fill(value, leaf.tensor.shape, leaf.tensor.dataType) : .zeros([0])
      })
  }
}

extension Visitor.Leaf {
  /// Whether gradients move the tensor.
  public var isTrained: Bool { !isBuffer && tensor.dataType.isFloatingPoint }
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
  for i in leaves.indices where leaves[i].isTrained {
    var own = states.map { $0[i] }
    rule(&weights[i], slopes[i], &own, leaves[i])
    for m in own.indices { states[m][i] = own[m] }
  }
  model.replaceTensors(weights)
  for m in moments.indices { moments[m].replaceTensors(states[m]) }
}
