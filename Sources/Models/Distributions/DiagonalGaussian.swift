public import Layers
public import Tensors

/// Independent normal distributions along the last axis.
public struct DiagonalGaussian: Module {
  /// [batch…, width].
  public var mean: Tensor
  /// The logarithms of the variances, [batch…, width].
  public var logVariance: Tensor

  public init(mean: Tensor, logVariance: Tensor) {
    self.mean = mean
    self.logVariance = logVariance
  }

  /// A draw through which gradients reach mean and variance (Kingma and Welling, arXiv:1312.6114, section 2.4);
  /// [draws, batch…, width], or without `draws` [batch…, width].
  public func sample(_ key: RandomKey, draws: Int? = nil) -> Tensor {
    let shape = (draws.map { [$0] } ?? []) + mean.shape
    return mean + (logVariance * 0.5).exp() * key.normal(shape, mean.dataType)
  }

  /// log q(z) in nats, without the last axis.
  public func logProbability(of z: Tensor) -> Tensor {
    let terms = logVariance + (z - mean).square() * (-logVariance).exp()
    return (terms + DiagonalGaussian.log2Pi).sum([-1]) * -0.5
  }

  /// The divergence from the standard normal distribution in nats, without the last axis: ½ Σ μ² + σ² − 1 − log σ².
  public var divergenceFromStandard: Tensor { divergencesFromStandard.sum([-1]) }

  /// What each number of the last axis adds to it.
  public var divergencesFromStandard: Tensor {
    (mean.square() + logVariance.exp() - 1 - logVariance) * 0.5
  }

  /// log N(z; 0, 1) in nats, without the last axis.
  public static func standardLogProbability(of z: Tensor) -> Tensor {
    (z.square() + log2Pi).sum([-1]) * -0.5
  }

  private static let log2Pi = 1.8378770664093453

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("mean", &mean)
    visitor("logvar", &logVariance)
  }
}
