public import Layers
public import Tensors

/// Steps of one length along the sign of a mean (Chen et al., arXiv:2302.06675, algorithm 2). It wants a learning rate 3 to
/// 10 times smaller than AdamW and as much more decay.
public struct Lion<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// The weight of the mean in the step, and the mean's decay rate.
  public var betas: (Double, Double)
  /// Shrinks the weights apart from the mean.
  public var weightDecay: Double
  public var decays: DecayRule

  public var mean: Model

  public init(
    for model: Model, learningRate: Double = 1e-4, betas: (Double, Double) = (0.9, 0.99),
    weightDecay: Double = 0, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.betas = betas
    self.weightDecay = weightDecay
    self.decays = decays
    mean = model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    let rate = learningRate.cast(to: .float64)
    var moments = [mean]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let direction = (moments[0] * betas.0 + slope * (1 - betas.0)).sign()
      weight = decays.shrunk(weight, decay: weightDecay, rate: rate, leaf)
      weight = weight - rate.cast(to: weight.dataType) * direction
      moments[0] = moments[0] * betas.1 + slope * (1 - betas.1)
    }
    mean = moments[0]
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("exp_avg", &mean)
    visitor.fixed("betas", [betas.0, betas.1])
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
