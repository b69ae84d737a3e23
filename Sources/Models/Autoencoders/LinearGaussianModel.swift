public import Layers
public import Tensors

/// The variational autoencoder in which everything is linear and normal, so that its exact probabilities are known: probabilistic
/// principal components (Tipping and Bishop 1999) with an encoder.
///
/// z ~ N(0, 1), x = W z + b + σ ε: so x ~ N(b, W Wᵀ + σ²), and the best bound of a q with independent latents is exact where
/// the columns of W are orthogonal.
public struct LinearGaussianModel: LatentVariableModel, ProbabilityModel {
  /// W and b: [width, latents] and [width].
  public var decoder: Linear
  /// log σ², shape [].
  public var logNoise: Tensor
  /// The means of q(z | x).
  public var encoder: Linear
  /// The logarithms of q's variances, [latents]; the same for all x, as those of the true posterior are.
  public var logVariance: Tensor

  public init(width: Int, latents: Int, key: RandomKey) {
    decoder = Linear(inputs: latents, outputs: width, key: key.fork(0))
    encoder = Linear(inputs: width, outputs: latents, key: key.fork(1))
    logNoise = .zeros([])
    logVariance = .zeros([latents])
  }

  public func posterior(_ x: Tensor) -> DiagonalGaussian {
    let mean = encoder(x)
    return DiagonalGaussian(mean: mean, logVariance: logVariance.broadcast(to: mean.shape))
  }

  public func logLikelihood(of x: Tensor, given z: Tensor) -> Tensor {
    let mean = decoder(z)
    return DiagonalGaussian(mean: mean, logVariance: logNoise.broadcast(to: mean.shape))
      .logProbability(of: x)
  }

  /// log N(x; b, W Wᵀ + σ²) by products with matrices of the latents' size alone (Woodbury 1950): [batch].
  public func logProbability(of x: Tensor) -> Tensor {
    let (distances, projections, exact) = parts(x)
    let explained = (projections * exact.solution.transposed()).sum([1])
    let width = Double(x.shape[1])
    let noise = logNoise.exp()
    // log |W Wᵀ + σ²| = log |Wᵀ W + σ²| + (width − latents) log σ².
    let volume = exact.logDeterminant + logNoise * (width - Double(logVariance.count))
    let square = (distances - explained) / noise
    return (square + volume + width * 1.8378770664093453) * -0.5
  }

  /// The means of the true p(z | x), [batch, latents]; its covariance is σ² (Wᵀ W + σ²)⁻¹.
  public func exactPosteriorMean(_ x: Tensor) -> Tensor { parts(x).exact.solution.transposed() }

  /// |x − b|², Wᵀ(x − b), and the solution of (Wᵀ W + σ²) m = Wᵀ (x − b).
  private func parts(_ x: Tensor) -> (
    distances: Tensor, projections: Tensor, exact: (solution: Tensor, logDeterminant: Tensor)
  ) {
    let weight = decoder.weight
    let centred = decoder.bias.map { x - $0 } ?? x
    let projections = matrixProduct(centred, weight)
    let unit = Tensor.identity(logVariance.count, weight.dataType)
    let square = matrixProduct(weight.transposed(), weight) + unit * logNoise.exp()
    return (
      centred.square().sum([1]), projections, square.solved(projections.transposed())
    )
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("decoder", &decoder)
    visitor("log_noise", &logNoise)
    visitor("encoder", &encoder)
    visitor("logvar", &logVariance)
  }
}
