public import Layers
public import Tensors

/// Stochastic gradient descent with momentum as PyTorch defines it: v ← μ v + g, w ← w − lr · v; the decay is added to the
/// gradient before. Nesterov's form moves along g + μ v (Sutskever et al. 2013).
public struct SGD<Model: Module>: Optimizer {
  public var learningRate: Tensor
  public var momentum: Double
  public var isNesterov: Bool
  public var weightDecay: Double
  public var decays: DecayRule
  /// Nil without momentum.
  public var velocity: Model?

  public init(
    for model: Model, learningRate: Double, momentum: Double = 0, isNesterov: Bool = false,
    weightDecay: Double = 0,
    decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate)
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
    self.decays = decays
    // v = 0 before the first step gives v = g in it, as PyTorch begins.
    velocity = momentum == 0 ? nil : model.zeroMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = velocity.map { [$0] } ?? []
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      var slope =
        weightDecay != 0 && decays.applies(to: leaf) ? slope + weight * weightDecay : slope
      if !moments.isEmpty {
        moments[0] = moments[0] * momentum + slope
        slope = isNesterov ? slope + moments[0] * momentum : moments[0]
      }
      weight = weight - learningRate.cast(to: weight.dataType) * slope
    }
    velocity = moments.first
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("momentum_buffer", &velocity)
    visitor.fixed("momentum", momentum)
    visitor.fixed("nesterov", isNesterov)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
