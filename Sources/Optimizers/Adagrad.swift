public import Layers
public import Tensors

/// Steps divided by the root of the sum of all squares so far (Duchi et al. 2011, JMLR 12).
public struct Adagrad<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// The learning rate of step t = 0, 1, … is divided by 1 + t · this.
  public var rateDecay: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var decays: DecayRule

  /// Updates made so far: float64, shape [].
  public var count: Tensor
  public var sumOfSquares: Model

  public init(
    for model: Model, learningRate: Double = 1e-2, rateDecay: Double = 0,
    firstSum: Double = 0, epsilon: Double = 1e-10, weightDecay: Double = 0,
    decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.rateDecay = rateDecay
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decays = decays
    count = Tensor(0, .float64)
    sumOfSquares = model.filledMoments(firstSum)
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    let rate = learningRate.cast(to: .float64) / (1 + count * rateDecay)
    count = count + 1
    var moments = [sumOfSquares]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let slope = decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] + slope.square()
      weight =
        weight - rate.cast(to: weight.dataType) * (slope / (moments[0].sqrt() + epsilon))
    }
    sumOfSquares = moments[0]
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("step", &count)
    visitor.buffer("sum", &sumOfSquares)
    visitor.fixed("lr_decay", rateDecay)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
