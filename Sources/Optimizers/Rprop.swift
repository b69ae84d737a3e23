public import Layers
public import Tensors

/// Resilient propagation: the signs of gradients alone count, and every weight has a step of its own that grows while the
/// sign stays (Riedmiller and Braun 1993). For gradients of whole data sets, not of batches.
///
/// The learning rate is the first step of every weight; from then on the steps go their own ways.
public struct Rprop<Model: Module>: Optimizer {
  public var learningRate: Tensor
  /// What a step is multiplied by when the sign changes and when it stays.
  public var factors: (Double, Double)
  public var stepRange: ClosedRange<Double>

  public var previousGradient: Model
  public var steps: Model

  public init(
    for model: Model, learningRate: Double = 1e-2, factors: (Double, Double) = (0.5, 1.2),
    stepRange: ClosedRange<Double> = 1e-6...50
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.factors = factors
    self.stepRange = stepRange
    previousGradient = model.filledMoments()
    steps = model.filledMoments(learningRate)
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = [previousGradient, steps]
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, _ in
      let agreement = (slope * moments[0]).sign()
      let (turned, stayed) = (agreement.less(than: 0), agreement.greater(than: 0))
      let one = weight.onesLike()
      let factor = select(turned, one * factors.0, select(stayed, one * factors.1, one))
      moments[1] = (moments[1] * factor).clipped(to: stepRange)
      // After a turn the weight waits, and the next step compares with nothing.
      moments[0] = select(turned, slope.zerosLike(), slope)
      weight = weight - moments[0].sign() * moments[1]
    }
    (previousGradient, steps) = (moments[0], moments[1])
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("prev", &previousGradient)
    visitor.buffer("step_size", &steps)
    visitor.fixed("etas", [factors.0, factors.1])
    visitor.fixed("step_sizes", stepRange)
  }
}
