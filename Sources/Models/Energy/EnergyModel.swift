public import Layers
public import Tensors

/// A network that says where the density of its distribution grows the most.
public protocol ScoreModel: Module {
  /// ∇ log p(x), of the shape of x, [batch, …].
  func score(_ x: Tensor) -> Tensor
}

/// A network that gives every example an energy; p(x) = exp(−U(x)) / Z with a constant Z that nobody need know.
public protocol EnergyModel: ScoreModel {
  /// U(x) in nats, [batch], each of its own row of x, [batch, …], alone.
  func energy(_ x: Tensor) -> Tensor
}

extension EnergyModel {
  /// U(x), [batch], and ∇U(x), of the shape of x.
  public func energyAndSlope(_ x: Tensor) -> (energy: Tensor, slope: Tensor) {
    var energy: Tensor?
    let (_, slope) = valueAndGradient(at: x) { x in
      let energies = self.energy(x)
      energy = energies
      return energies.sum()
    }
    return (energy!, slope)
  }

  public func score(_ x: Tensor) -> Tensor { -energyAndSlope(x).slope }
}

/// A model whose units can be drawn by turns, each given the others.
public protocol GibbsModel: Module {
  /// New states, [chains, …], after every unit was drawn once.
  func gibbsSweep(_ x: Tensor, _ key: RandomKey) -> Tensor
}

/// The energy of nothing: a base for tempering alone.
public struct FlatEnergy: EnergyModel {
  public init() {}
  public func energy(_ x: Tensor) -> Tensor { .zeros([x.shape[0]], x.dataType) }
  public func score(_ x: Tensor) -> Tensor { x.zerosLike() }
  public mutating func visit(_ visitor: inout Visitor) {}
}

/// The way from one energy to another: (1 − share) · base + share · target.
///
/// With a flat base the share is an inverse temperature.
public struct EnergyPath<Base: EnergyModel, Target: EnergyModel>: EnergyModel {
  public var base: Base
  public var target: Target
  /// 0 … 1, for all rows, [], or for each, [batch].
  public var share: Tensor

  public init(from base: Base, to target: Target, share: Tensor = Tensor(1)) {
    self.base = base
    self.target = target
    self.share = share
  }

  public func energy(_ x: Tensor) -> Tensor {
    let (start, end) = (base.energy(x), target.energy(x))
    return start + (end - start) * share.cast(to: start.dataType)
  }

  /// ∂U/∂share, [batch]: the target's energy less the base's.
  public func difference(_ x: Tensor) -> Tensor { target.energy(x) - base.energy(x) }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("base", &base)
    visitor("target", &target)
    visitor("share", &share)
  }
}

/// An energy with a trained guess of its log Z, which makes it a density.
///
/// Likelihood cannot train the guess: it would rise without end. Noise contrast can.
public struct NormalizedEnergy<Model: EnergyModel>: ProbabilityModel, EnergyModel {
  public var model: Model
  /// log Z in nats, [].
  public var logPartition: Tensor

  public init(_ model: Model, logPartition: Tensor = Tensor(0)) {
    self.model = model
    self.logPartition = logPartition
  }

  public func logProbability(of x: Tensor) -> Tensor { -energy(x) }

  public func energy(_ x: Tensor) -> Tensor {
    let energy = model.energy(x)
    return energy + logPartition.cast(to: energy.dataType)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("model", &model)
    visitor("log_partition", &logPartition)
  }
}

extension DiagonalGaussian: ProbabilityModel, EnergyModel {
  public func energy(_ x: Tensor) -> Tensor { -logProbability(of: x) }
}
