public import Layers
public import Tensors

/// Stochastic gradient descent with momentum as PyTorch defines it: v ← μ v + g, w ← w − lr · v; the decay is added to the
/// gradient before. Nesterov's form moves along g + μ v (Sutskever et al. 2013).
public struct SGD<Model: Module>: Optimizer {
  public var learningRate: Tensor
  public var momentum: Double
  /// The part of every gradient but the first that does not enter the velocity.
  public var dampening: Double
  public var isNesterov: Bool
  public var weightDecay: Double
  public var decays: DecayRule
  /// Nil without momentum.
  public var velocity: Model?
  /// Updates made so far: float64, shape []. Nil without dampening, which alone asks for it.
  public var count: Tensor?

  public init(
    for model: Model, learningRate: Double, momentum: Double = 0, dampening: Double = 0,
    isNesterov: Bool = false, weightDecay: Double = 0, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.momentum = momentum
    self.dampening = dampening
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
    self.decays = decays
    // v = 0 before the first step gives v = g in it, as PyTorch begins.
    velocity = momentum == 0 ? nil : model.filledMoments()
    count = momentum == 0 || dampening == 0 ? nil : Tensor(0, .float64)
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = velocity.map { [$0] } ?? []
    let share = count.map {
      select($0.equal(to: 0), Tensor(1, .float64), Tensor(1 - dampening, .float64))
    }
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      var step = decays.slope(slope, of: weight, decay: weightDecay, leaf)
      if !moments.isEmpty {
        let entering = share.map { step * $0.cast(to: step.dataType) } ?? step
        moments[0] = moments[0] * momentum + entering
        step = isNesterov ? step + moments[0] * momentum : moments[0]
      }
      weight = weight - learningRate.cast(to: weight.dataType) * step
    }
    velocity = moments.first
    count = count.map { $0 + 1 }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("momentum_buffer", &velocity)
    visitor.fixed("momentum", momentum)
    visitor.fixed("dampening", dampening)
    visitor.fixed("nesterov", isNesterov)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
