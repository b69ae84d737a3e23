public import Layers
public import Tensors

/// The network that perfect training on a mixture of normal laws would give: E[clean | x] in closed form.
///
/// It shows what a sampler does when the network makes no mistake.
public struct MixtureDenoiser: Denoiser {
  public typealias Condition = Nothing

  public var process: DiffusionProcess
  /// [components], with the sum 1.
  public var weights: Tensor
  /// [components, dimensions].
  public var means: Tensor
  /// One for all dimensions of a component: [components].
  public var deviations: Tensor

  public init(_ process: DiffusionProcess, weights: Tensor, means: Tensor, deviations: Tensor) {
    guard means.rank == 2, weights.shape == [means.shape[0]], deviations.shape == weights.shape
    else {
      fail(
        "a mixture has means [components, dimensions] and a weight and a deviation for each component; "
          + "these are \(means.type), \(weights.type) and \(deviations.type)")
    }
    self.process = process
    self.weights = weights
    self.means = means
    self.deviations = deviations
  }

  /// E[clean | x] for x = signal · clean + deviation · noise; `x` is [batch, …], the others [batch, 1, …].
  public func expectedClean(_ x: Tensor, signal: Tensor, deviation: Tensor) -> Tensor {
    let (batch, width) = (x.shape[0], means.shape[1])
    let flat = x.reshaped([batch, 1, width])
    let (a, s) = (signal.reshaped([batch, 1, 1]), deviation.reshaped([batch, 1, 1]))
    let spread = deviations.square().cast(to: x.dataType).reshaped([1, -1, 1])
    let centres = means.cast(to: x.dataType).expanded(0)
    let variance = a.square() * spread + s.square()  // [batch, components, 1]
    let offset = flat - a * centres  // [batch, components, dimensions]
    let logWeight =
      weights.cast(to: x.dataType).log().expanded(0)
      - ((offset.square() / variance).sum([2]) + variance.squeezed(2).log() * Double(width)) * 0.5
    let share = logWeight.softmax().expanded(2)
    let guess = centres + a * spread / variance * offset
    return (share * guess).sum([1]).reshaped(x.shape)
  }

  public func callAsFunction(
    _ x: Tensor, at time: Tensor, condition: Nothing?, _ phase: Phase
  ) -> Tensor {
    let (signal, deviation) = process.scales(at: time, like: x)
    let clean = expectedClean(x, signal: signal, deviation: deviation)
    return process.parameterisation.target(
      clean: clean, noise: (x - signal * clean) / deviation, signal: signal, deviation: deviation)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("weights", &weights)
    visitor.buffer("means", &means)
    visitor.buffer("deviations", &deviations)
    visitor.fixed("process", process)
  }
}
