public import Tensors

/// A machine of two sides of units, where those of one side are independent given the other: so the second side, of binary
/// units, can be summed out, which makes an energy of the first.
public protocol BoltzmannMachine: EnergyModel, GibbsModel {
  /// The second side's biases, [hidden].
  var hiddenBiases: Tensor { get }
  /// What drives the second side, [batch, hidden], given the first, [batch, visible]: logits.
  func hiddenField(_ v: Tensor) -> Tensor
  /// −U without the terms of the second side, [batch].
  func visibleScore(_ v: Tensor) -> Tensor
  /// A draw of the first side, [batch, visible], given the second, [batch, hidden].
  func visibleSample(_ h: Tensor, _ key: RandomKey) -> Tensor
  /// The logarithm of the sum, or integral, over the first side given the second, [batch], without the biases' term.
  func logVisibleSum(_ h: Tensor) -> Tensor
}

extension BoltzmannMachine {
  /// F(v) = −log Σₕ exp(−E(v, h)) in nats, [batch], of first sides [batch, visible].
  public func freeEnergy(_ v: Tensor) -> Tensor {
    -visibleScore(v) - hiddenField(v).softplus().sum([1])
  }

  public func energy(_ x: Tensor) -> Tensor { freeEnergy(x) }

  /// p(hⱼ = 1 | v), [batch, hidden].
  public func hiddenProbabilities(_ v: Tensor) -> Tensor { hiddenField(v).sigmoid() }

  /// One sweep of block Gibbs sampling: the second side given the first, then a new first side given that.
  public func gibbsSweep(_ x: Tensor, _ key: RandomKey) -> Tensor {
    let p = hiddenProbabilities(x)
    return visibleSample(key.fork(0).bernoulli(p).cast(to: p.dataType), key.fork(1))
  }

  /// log Z by summing over all states of the second side: at most 20 units.
  fileprivate func logPartitionByHiddenStates() -> Tensor {
    let h = Tensor.binaryStates(hiddenBiases.count, hiddenBiases.dataType)
    return (matrixProduct(h, hiddenBiases.expanded(1)).squeezed(1) + logVisibleSum(h)).logSumExp(0)
  }

  public func exactLogPartition() -> Tensor { logPartitionByHiddenStates() }
}

/// A machine whose first side is binary too.
public protocol BinaryBoltzmannMachine: BoltzmannMachine {
  /// The first side's biases, [visible].
  var visibleBiases: Tensor { get }
  /// What drives the first side, [batch, visible], given the second, [batch, hidden]: logits.
  func visibleField(_ h: Tensor) -> Tensor
}

extension BinaryBoltzmannMachine {
  /// p(vᵢ = 1 | h), [batch, visible].
  public func visibleProbabilities(_ h: Tensor) -> Tensor { visibleField(h).sigmoid() }

  public func visibleScore(_ v: Tensor) -> Tensor {
    matrixProduct(v, visibleBiases.expanded(1)).squeezed(1)
  }

  public func visibleSample(_ h: Tensor, _ key: RandomKey) -> Tensor {
    let p = visibleProbabilities(h)
    return key.bernoulli(p).cast(to: p.dataType)
  }

  public func logVisibleSum(_ h: Tensor) -> Tensor { visibleField(h).softplus().sum([1]) }

  /// log Z by summing over all states of the smaller side: at most 20 units.
  public func exactLogPartition() -> Tensor {
    if hiddenBiases.count < visibleBiases.count { return logPartitionByHiddenStates() }
    let v = Tensor.binaryStates(visibleBiases.count, visibleBiases.dataType)
    return (-freeEnergy(v)).logSumExp(0)
  }
}

extension Tensor {
  /// All states of so many binary units, at most 20: [2^count, count], the first unit's bit the lowest.
  public static func binaryStates(_ count: Int, _ dataType: DataType = .float32) -> Tensor {
    guard count <= 20 else {
      fail("\(count) units have 2^\(count) states; their sum can be estimated by annealing")
    }
    let states = indices([1 << count, count], axis: 0, .int64)
    let places = indices([1 << count, count], axis: 1, .int64)
    return Tensor(Binary.shiftRight, [states, places]).and(states.onesLike()).cast(to: dataType)
  }
}
