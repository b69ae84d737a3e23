public import Layers
public import Tensors

/// Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1), AdamW (Loshchilov and Hutter, arXiv:1711.05101) and AMSGrad
/// (Reddi et al., arXiv:1904.09237).
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
  /// The largest mean squares so far (AMSGrad), nil otherwise.
  public var greatestMeanSquare: Model?

  public init(
    for model: Model, learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0, isDecoupled: Bool = false,
    isAMSGrad: Bool = false, decays: DecayRule = .all
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
    greatestMeanSquare = isAMSGrad ? model.filledMoments() : nil
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    let rate = learningRate.cast(to: .float64)
    let step = rate / correction(betas.0, count)
    let root = correction(betas.1, count).sqrt()
    var moments = [mean, meanSquare] + (greatestMeanSquare.map { [$0] } ?? [])
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let type = weight.dataType
      let slope = isDecoupled ? slope : decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = moments[1] * betas.1 + slope.square() * (1 - betas.1)
      if moments.count > 2 { moments[2] = maximum(moments[2], moments[1]) }
      if isDecoupled { weight = decays.shrunk(weight, decay: weightDecay, rate: rate, leaf) }
      let scale = moments[moments.count - 1].sqrt() / root.cast(to: type) + epsilon
      weight = weight - step.cast(to: type) * (moments[0] / scale)
    }
    (mean, meanSquare) = (moments[0], moments[1])
    greatestMeanSquare = moments.count > 2 ? moments[2] : nil
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("exp_avg", &mean)
    visitor.buffer("exp_avg_sq", &meanSquare)
    visitor.buffer("max_exp_avg_sq", &greatestMeanSquare)
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
  epsilon: Double = 1e-8, weightDecay: Double = 0.01, isAMSGrad: Bool = false,
  decays: DecayRule = .all
) -> Adam<Model> {
  Adam(
    for: model, learningRate: learningRate, betas: betas, epsilon: epsilon,
    weightDecay: weightDecay, isDecoupled: true, isAMSGrad: isAMSGrad, decays: decays)
}
