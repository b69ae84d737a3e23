public import Layers
public import Tensors

/// The exponential moving average of a module: a steadier model than the last one (Polyak and Juditsky 1992).
///
///     var average = MovingAverage(of: model, decay: 0.999)
///     average.update(toward: model)     // after every step of the optimizer
///     average.model(x)                  // for evaluation and sampling
///
/// Floating tensors are averaged, running statistics too; integers are copied.
public struct MovingAverage<Model: Module>: Module {
  /// The part of the average that an update keeps.
  public var decay: Double
  /// Whether update n = 0, 1, … keeps only min(decay, (1 + n) / (10 + n)), so that the beginning is soon forgotten.
  public var warmsUp: Bool
  /// Updates made so far: float64, shape [].
  public var count: Tensor
  /// The average.
  public var model: Model

  public init(of model: Model, decay: Double = 0.999, warmsUp: Bool = false) {
    guard (0...1).contains(decay) else { fail("a moving average cannot keep \(decay) of itself") }
    self.decay = decay
    self.warmsUp = warmsUp
    count = Tensor(0, .float64)
    self.model = model
  }

  public mutating func update(toward newer: Model) {
    let kept =
      warmsUp ? minimum((count + 1) / (count + 10), decay) : Tensor(decay, .float64)
    let taken = 1 - kept
    count = count + 1
    model = model.zipTensors(newer) { average, value in
      guard average.dataType.isFloatingPoint else { return value }
      return average + (value - average) * taken.cast(to: average.dataType)
    }
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("num_updates", &count)
    visitor.buffer("model", &model)
    visitor.fixed("decay", decay)
    visitor.fixed("warms_up", warmsUp)
  }
}
