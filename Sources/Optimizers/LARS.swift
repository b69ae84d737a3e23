public import Layers
public import Tensors

/// SGD with momentum whose steps are made as long as a small part of the tensor they move: for very large batches (You et
/// al., arXiv:1708.03888, algorithm 1).
public struct LARS<Model: Module>: Optimizer {
  public var learningRate: Tensor
  public var momentum: Double
  public var isNesterov: Bool
  /// The part of a tensor's norm that a step of learning rate 1 has.
  public var trust: Double
  public var epsilon: Double
  public var weightDecay: Double
  /// Which tensors decay and have the length of their step fitted; others step as in SGD.
  public var decays: DecayRule
  /// Nil without momentum.
  public var velocity: Model?

  public init(
    for model: Model, learningRate: Double, momentum: Double = 0.9, isNesterov: Bool = false,
    trust: Double = 0.001, epsilon: Double = 1e-8, weightDecay: Double = 0,
    decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.trust = trust
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decays = decays
    velocity = momentum == 0 ? nil : model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = velocity.map { [$0] } ?? []
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      var step = slope
      if decays.applies(to: leaf) {
        let (own, other) = (weight.norm, slope.norm)
        let scale = ratio(own * trust, other + own * weightDecay + epsilon, where: own, other)
        step = (slope + weight * weightDecay) * scale
      }
      if !moments.isEmpty {
        moments[0] = moments[0] * momentum + step
        step = isNesterov ? step + moments[0] * momentum : moments[0]
      }
      weight = weight - learningRate.cast(to: weight.dataType) * step
    }
    velocity = moments.first
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("momentum_buffer", &velocity)
    visitor.fixed("momentum", momentum)
    visitor.fixed("nesterov", isNesterov)
    visitor.fixed("trust_coeff", trust)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
