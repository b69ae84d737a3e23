public import Layers
public import Tensors

/// Adam that goes by the mean alone until the mean square can be trusted (Liu et al., arXiv:1908.03265, algorithm 2).
public struct RAdam<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rates of the mean and of the mean square of gradients.
  public var betas: (Double, Double)
  public var epsilon: Double
  public var weightDecay: Double
  /// Whether the decay shrinks the weights apart from the moments or is added to the gradient.
  public var isDecoupled: Bool
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  public var mean: Model
  public var meanSquare: Model

  public init(
    for model: Model, learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0, isDecoupled: Bool = false,
    decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.decays = decays
    count = Tensor(0, .float64)
    mean = model.filledMoments()
    meanSquare = model.filledMoments()
  }

  /// The lengths of the steps along m / (√v + ε) and along m; one of the two is 0.
  private func steps(_ rate: Tensor) -> (adaptive: Tensor, plain: Tensor) {
    let limit = 2 / (1 - betas.1) - 1
    let corrections = (correction(betas.0, count), correction(betas.1, count))
    // The length of the average that the mean square amounts to.
    let length = limit - 2 * count * (1 - corrections.1) / corrections.1
    let rectified =
      ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)).sqrt()
    let step = rate / corrections.0
    let isAdaptive = length.greater(than: 5)
    let zero = step.zerosLike()
    return (
      select(isAdaptive, step * rectified * corrections.1.sqrt(), zero),
      select(isAdaptive, zero, step)
    )
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    let rate = learningRate.cast(to: .float64)
    let (adaptive, plain) = steps(rate)
    var moments = [mean, meanSquare]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let type = weight.dataType
      let slope = isDecoupled ? slope : decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = moments[1] * betas.1 + slope.square() * (1 - betas.1)
      if isDecoupled { weight = decays.shrunk(weight, decay: weightDecay, rate: rate, leaf) }
      let length = adaptive.cast(to: type) / (moments[1].sqrt() + epsilon) + plain.cast(to: type)
      weight = weight - moments[0] * length
    }
    (mean, meanSquare) = (moments[0], moments[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("exp_avg", &mean)
    visitor.buffer("exp_avg_sq", &meanSquare)
    visitor.fixed("betas", [betas.0, betas.1])
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decoupled", isDecoupled)
    visitor.fixed("decays", decays)
  }
}
