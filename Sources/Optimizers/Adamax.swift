public import Layers
public import Tensors

/// Adam with the greatest past gradient in place of the mean square (Kingma and Ba, arXiv:1412.6980, algorithm 2).
public struct Adamax<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rates of the mean and of the greatest magnitude.
  public var betas: (Double, Double)
  public var epsilon: Double
  public var weightDecay: Double
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  public var mean: Model
  /// The greatest magnitude of past gradients, older ones counting less.
  public var greatest: Model

  public init(
    for model: Model, learningRate: Double = 2e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decays = decays
    count = Tensor(0, .float64)
    mean = model.filledMoments()
    greatest = model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    let step = learningRate.cast(to: .float64) / correction(betas.0, count)
    var moments = [mean, greatest]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let slope = decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = maximum(moments[1] * betas.1, slope.abs() + epsilon)
      weight = weight - step.cast(to: weight.dataType) * (moments[0] / moments[1])
    }
    (mean, greatest) = (moments[0], moments[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("exp_avg", &mean)
    visitor.buffer("exp_inf", &greatest)
    visitor.fixed("betas", [betas.0, betas.1])
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
