public import Layers
public import Tensors

/// Adam with Nesterov's momentum (Dozat 2016, "Incorporating Nesterov momentum into Adam").
public struct NAdam<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rates of the mean and of the mean square of gradients.
  public var betas: (Double, Double)
  public var epsilon: Double
  /// How fast the momentum of step t, β₁ (1 − ½ · 0.96^(t · this)), rises to β₁.
  public var momentumDecay: Double
  public var weightDecay: Double
  /// Whether the decay shrinks the weights apart from the moments or is added to the gradient.
  public var isDecoupled: Bool
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  /// The product of the momenta of all steps so far: float64, shape [].
  public var momentumProduct: Tensor
  public var mean: Model
  public var meanSquare: Model

  public init(
    for model: Model, learningRate: Double = 2e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, momentumDecay: Double = 4e-3, weightDecay: Double = 0,
    isDecoupled: Bool = false, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.betas = betas
    self.epsilon = epsilon
    self.momentumDecay = momentumDecay
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.decays = decays
    count = Tensor(0, .float64)
    momentumProduct = Tensor(1, .float64)
    mean = model.filledMoments()
    meanSquare = model.filledMoments()
  }

  /// The momentum of step `count`.
  private func momentum(_ count: Tensor) -> Tensor {
    (1 - Tensor(0.96, .float64).power(count * momentumDecay) * 0.5) * betas.0
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    let (now, next) = (momentum(count), momentum(count + 1))
    momentumProduct = momentumProduct * now
    let rate = learningRate.cast(to: .float64)
    let gradientStep = rate * (1 - now) / (1 - momentumProduct)
    let meanStep = rate * next / (1 - momentumProduct * next)
    let root = correction(betas.1, count).sqrt()
    var moments = [mean, meanSquare]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let type = weight.dataType
      let slope = isDecoupled ? slope : decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = moments[1] * betas.1 + slope.square() * (1 - betas.1)
      if isDecoupled { weight = decays.shrunk(weight, decay: weightDecay, rate: rate, leaf) }
      let step = gradientStep.cast(to: type) * slope + meanStep.cast(to: type) * moments[0]
      weight = weight - step / (moments[1].sqrt() / root.cast(to: type) + epsilon)
    }
    (mean, meanSquare) = (moments[0], moments[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("mu_product", &momentumProduct)
    visitor.buffer("exp_avg", &mean)
    visitor.buffer("exp_avg_sq", &meanSquare)
    visitor.fixed("betas", [betas.0, betas.1])
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("momentum_decay", momentumDecay)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decoupled", isDecoupled)
    visitor.fixed("decays", decays)
  }
}
