public import Layers
public import Tensors

/// Steps in the units of the weights: the root mean square of past steps over that of gradients (Zeiler,
/// arXiv:1212.5701, algorithm 1).
public struct Adadelta<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// Decay rate of both running means.
  public var smoothing: Double
  public var epsilon: Double
  public var weightDecay: Double
  public var decays: DecayRule

  public var meanSquare: Model
  /// The running mean of squared steps.
  public var meanSquareStep: Model

  public init(
    for model: Model, learningRate: Double = 1, smoothing: Double = 0.9, epsilon: Double = 1e-6,
    weightDecay: Double = 0, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decays = decays
    meanSquare = model.filledMoments()
    meanSquareStep = model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = [meanSquare, meanSquareStep]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let slope = decays.slope(slope, of: weight, decay: weightDecay, leaf)
      moments[0] = moments[0] * smoothing + slope.square() * (1 - smoothing)
      let step = (moments[1] + epsilon).sqrt() / (moments[0] + epsilon).sqrt() * slope
      moments[1] = moments[1] * smoothing + step.square() * (1 - smoothing)
      weight = weight - learningRate.cast(to: weight.dataType) * step
    }
    (meanSquare, meanSquareStep) = (moments[0], moments[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("square_avg", &meanSquare)
    visitor.buffer("acc_delta", &meanSquareStep)
    visitor.fixed("rho", smoothing)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
