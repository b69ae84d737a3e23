public import Layers
public import Models
public import Tensors

/// The simple loss of diffusion: the mean squared error of what a network says about images with a random amount of noise
/// (Ho et al., arXiv:2006.11239, eq. 14; for velocities and clean images Salimans and Ho, arXiv:2202.00512).
public struct NoisePrediction: Hashable, Sendable {
  public var process: DiffusionProcess

  public init(_ process: DiffusionProcess) { self.process = process }

  /// The loss of a batch: shape [].
  ///
  /// - Parameters:
  ///   - clean: [batch, …].
  ///   - key: the source of times, noise and, where `isTraining`, the network's own randomness.
  public func callAsFunction<D: Denoiser>(
    _ network: D, _ clean: Tensor, condition: D.Condition? = nil, key: RandomKey,
    isTraining: Bool = true
  ) -> Tensor {
    let time = key.fork(0).integers(below: process.count, [clean.shape[0]])
    let noise = key.fork(1).normal(clean.shape, clean.dataType)
    return errors(
      of: network, clean, noise: noise, at: time, condition: condition,
      isTraining ? .training(key.fork(2)) : .inference
    ).mean()
  }

  /// The mean squared error of each image for given times [batch] and noise: [batch].
  public func errors<D: Denoiser>(
    of network: D, _ clean: Tensor, noise: Tensor, at time: Tensor, condition: D.Condition? = nil,
    _ phase: Phase = .inference
  ) -> Tensor {
    let (signal, deviation) = process.scales(at: time, like: clean)
    let x = signal * clean + deviation * noise
    let output = network(x, at: time, condition: condition, phase)
    let target = process.parameterisation.target(
      clean: clean, noise: noise, signal: signal, deviation: deviation)
    return (output - target).square().reshaped([clean.shape[0], -1]).mean([1])
  }
}
