public import Layers
public import Tensors

/// Adam's direction, made as long as the tensor it moves: for very large batches (You et al., arXiv:1904.00962,
/// algorithm 2, with bias correction and φ the identity).
public struct LAMB<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rates of the mean and of the mean square of gradients.
  public var betas: (Double, Double)
  public var epsilon: Double
  public var weightDecay: Double
  /// Which tensors decay and have the length of their step fitted; others step as in Adam.
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  public var mean: Model
  public var meanSquare: Model

  public init(
    for model: Model, learningRate: Double = 1e-3, betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-6, weightDecay: Double = 0.01, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decays = decays
    count = Tensor(0, .float64)
    mean = model.filledMoments()
    meanSquare = model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    count = count + 1
    let corrections = (correction(betas.0, count), correction(betas.1, count).sqrt())
    var moments = [mean, meanSquare]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let type = weight.dataType
      moments[0] = moments[0] + (slope - moments[0]) * (1 - betas.0)
      moments[1] = moments[1] * betas.1 + slope.square() * (1 - betas.1)
      let scale = moments[1].sqrt() / corrections.1.cast(to: type) + epsilon
      var step = moments[0] / corrections.0.cast(to: type) / scale
      var rate = learningRate.cast(to: type)
      if decays.applies(to: leaf) {
        step = step + weight * weightDecay
        let (own, other) = (weight.norm, step.norm)
        rate = rate * ratio(own, other, where: own, other)
      }
      weight = weight - rate * step
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
    visitor.fixed("decays", decays)
  }
}

extension Tensor {
  /// The 2-norm: shape [].
  var norm: Tensor { square().sum().sqrt() }
}

/// numerator / denominator where both norms are positive, else 1: a tensor of zeros takes plain steps.
func ratio(_ numerator: Tensor, _ denominator: Tensor, where a: Tensor, _ b: Tensor) -> Tensor {
  let isDefined = a.greater(than: 0).and(b.greater(than: 0))
  return select(isDefined, numerator / denominator, numerator.onesLike())
}
