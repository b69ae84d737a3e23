public import Layers
public import Tensors

/// Steps divided by the root of a running mean square (Tieleman and Hinton 2012; centred: Graves, arXiv:1308.0850).
///
/// PyTorch and TensorFlow mean different things by it, and recipes of one diverge with the other: see `Form`.
public struct RMSprop<Model: Module>: Optimizer {
  /// Where the small number stands, where the mean square begins and what the momentum collects.
  public enum Form: Hashable, Sendable {
    /// g / (√s + ε), s from 0; the momentum collects directions.
    case pyTorch
    /// g / √(s + ε), s from 1; the momentum collects steps, learning rate included. EfficientNet and Inception were
    /// trained so.
    case tensorFlow
  }

  public var learningRate: Tensor
  /// Decay rate of the running means.
  public var smoothing: Double
  public var epsilon: Double
  public var momentum: Double
  public var form: Form
  public var weightDecay: Double
  public var decays: DecayRule

  public var meanSquare: Model
  /// Nil unless centred: then the mean square has the square of this mean taken off.
  public var mean: Model?
  /// Nil without momentum.
  public var velocity: Model?

  public init(
    for model: Model, learningRate: Double = 1e-2, smoothing: Double = 0.99,
    epsilon: Double = 1e-8, momentum: Double = 0, isCentered: Bool = false,
    form: Form = .pyTorch, weightDecay: Double = 0, decays: DecayRule = .all
  ) {
    self.learningRate = Tensor(learningRate, .float64)
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.form = form
    self.weightDecay = weightDecay
    self.decays = decays
    meanSquare = model.filledMoments(form == .tensorFlow ? 1 : 0)
    mean = isCentered ? model.filledMoments() : nil
    velocity = momentum == 0 ? nil : model.filledMoments()
  }

  public mutating func update(_ model: inout Model, along gradient: Model) {
    var moments = [meanSquare] + [mean, velocity].compactMap { $0 }
    let meanPlace = mean == nil ? nil : 1
    let velocityPlace = velocity == nil ? nil : moments.count - 1
    updateEach(&model, along: gradient, moments: &moments) { weight, slope, moments, leaf in
      let slope = decays.slope(slope, of: weight, decay: weightDecay, leaf)
      let rate = learningRate.cast(to: weight.dataType)
      moments[0] = moments[0] * smoothing + slope.square() * (1 - smoothing)
      var spread = moments[0]
      if let place = meanPlace {
        moments[place] = moments[place] + (slope - moments[place]) * (1 - smoothing)
        // Rounding may take a variance of 0 below it.
        spread = maximum(spread - moments[place].square(), 0)
      }
      let isTensorFlow = form == .tensorFlow
      let scale = isTensorFlow ? (spread + epsilon).sqrt() : spread.sqrt() + epsilon
      let direction = slope / scale
      guard let place = velocityPlace else {
        weight = weight - rate * direction
        return
      }
      moments[place] = moments[place] * momentum + (isTensorFlow ? rate * direction : direction)
      weight = weight - (isTensorFlow ? moments[place] : rate * moments[place])
    }
    meanSquare = moments[0]
    mean = meanPlace.map { moments[$0] }
    velocity = velocityPlace.map { moments[$0] }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("learning_rate", &learningRate)
    visitor.buffer("square_avg", &meanSquare)
    visitor.buffer("grad_avg", &mean)
    visitor.buffer("momentum_buffer", &velocity)
    visitor.fixed("alpha", smoothing)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("momentum", momentum)
    visitor.fixed("form", form)
    visitor.fixed("weight_decay", weightDecay)
    visitor.fixed("decays", decays)
  }
}
