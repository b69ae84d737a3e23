public import Layers
public import Tensors

/// A network that gives every example its exact probability or density.
public protocol ProbabilityModel: Module {
  /// log p(x) in nats, [batch].
  func logProbability(of x: Tensor) -> Tensor
}

/// A network that explains every example by hidden causes z with a standard normal prior, and guesses them.
///
/// The probability of an example is an integral over its causes, which nobody can compute: see `EvidenceLowerBound`.
public protocol LatentVariableModel: Module {
  /// q(z | x): the guess, mean and log variance [batch, latents].
  func posterior(_ x: Tensor) -> DiagonalGaussian
  /// log p(x | z) in nats, [batch], of examples and causes [batch, latents].
  func logLikelihood(of x: Tensor, given z: Tensor) -> Tensor
}

extension Tensor {
  /// −log p in nats as bits for each of so many numbers.
  public func bitsPerDimension(_ dimensions: Int) -> Tensor {
    self * (1 / (0.6931471805599453 * Double(dimensions)))
  }
}
