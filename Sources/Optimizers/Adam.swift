public import Layers
public import Tensors

/// Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1) and AdamW (Loshchilov and Hutter, arXiv:1711.05101).
public struct Adam<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rates of the mean and of the mean square of gradients.
  public var betas: (Double, Double)
  public var epsilon: Double
  public var weightDecay: Double
  /// Whether the decay shrinks the weights apart from the moments (AdamW) or is added to the gradient.
  public var isDecoupled: Bool
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  public var mean: Model
  public var meanSquare: Model

  public init(
    for model: Model, learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate)
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.decays = decays
    count = Tensor(0, .float64)
    mean = model.zeroMoments()
    meanSquare = model.zeroMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    // 1 − βᵗ in float64: in float32 the second one is off by 6·10⁻⁵ at the first step.
    let correction = (
      1 - Tensor(betas.0, .float64).power(count), 1 - Tensor(betas.1, .float64).power(count)
    )
    let step = learningRate / correction.0.cast(to: .float32)
    let root = correction.1.sqrt().cast(to: .float32)
    var moments = [mean, meanSquare]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let type = weight.dataType
      let decay = weightDecay != 0 && decays.applies(to: leaf)
      let slope = decay && !isDecoupled ? slope + weight * weightDecay : slope
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = moments[1] * betas.1 + slope.square() * (1 - betas.1)
      if decay && isDecoupled { weight = weight * (1 - learningRate * weightDecay).cast(to: type) }
      let scaled = moments[0] / (moments[1].sqrt() / root.cast(to: type) + epsilon)
      weight = weight - step.cast(to: type) * scaled
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

/// AdamW: Adam whose weight decay does not pass through the moments. Named like the type that others make of it.
// swift-format-ignore: AlwaysUseLowerCamelCase
public func AdamW<Model: Module>(
  for model: Model, learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
  epsilon: Double = 1e-8,
  weightDecay: Double = 0.01, decays: DecayRule = .all
) -> Adam<Model> {
  Adam(
    for: model, learningRate: learningRate, betas: betas, epsilon: epsilon,
    weightDecay: weightDecay,
    isDecoupled: true, decays: decays)
}
