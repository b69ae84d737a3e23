internal import Layers
public import Models
public import Tensors

/// What is known about an intractable log p(x): E_q[log p(x | z)] − KL(q(z | x) ‖ p(z)) ≤ log p(x)
/// (Kingma and Welling, arXiv:1312.6114, eq. 3), with the divergence in closed form.
public struct EvidenceLowerBound: Sendable {
  /// The weight of the divergence (Higgins et al. 2017, eq. 4). The bound holds for β ≥ 1.
  public var beta: Double
  /// What the divergence of each latent, as a mean over the batch, may be without any cost: nats (Kingma et al.,
  /// arXiv:1606.04934, eq. 15). It keeps latents from being given up early.
  public var freeNats: Double

  public init(beta: Double = 1, freeNats: Double = 0) {
    self.beta = beta
    self.freeNats = freeNats
  }

  /// The terms of the bound, each in nats, [batch].
  public struct Terms: Sendable {
    /// log p(x | z) for one draw z of q(z | x), whose mean is the bound's first term.
    public let reconstruction: Tensor
    /// KL(q(z | x) ‖ p(z)).
    public let divergence: Tensor
    /// Reconstruction − β · divergence, whose free part counts as a constant: what is maximised.
    public let bound: Tensor
  }

  /// One draw of the bound for each example [batch, …]. Both terms are sums over pixels and latents, never means.
  public func callAsFunction<Model: LatentVariableModel>(
    _ model: Model, _ x: Tensor, _ key: RandomKey
  ) -> Terms {
    let posterior = model.posterior(x)
    let reconstruction = model.logLikelihood(of: x, given: posterior.sample(key))
    let divergence = posterior.divergenceFromStandard
    var cost = divergence
    if freeNats > 0 {
      let means = posterior.divergencesFromStandard.mean([0])
      cost = maximum(means, freeNats).sum().broadcast(to: divergence.shape)
    }
    return Terms(
      reconstruction: reconstruction, divergence: divergence, bound: reconstruction - cost * beta)
  }

  /// log of the mean of `draws` importance weights p(x, z) / q(z | x): in nats, [batch]. On average it lies below log p(x),
  /// above the bound of one draw, and comes the nearer the more draws there are (Burda et al., arXiv:1509.00519, eq. 8).
  public static func importanceWeighted<Model: LatentVariableModel>(
    _ model: Model, _ x: Tensor, draws: Int, _ key: RandomKey
  ) -> Tensor {
    let posterior = model.posterior(x)
    let z = posterior.sample(key, draws: draws)  // [draws, batch, latents]
    let examples = x.expanded(0).broadcast(to: [draws] + x.shape)
    let likelihood = model.logLikelihood(
      of: examples.flattened(0..<2), given: z.flattened(0..<2)
    ).reshaped(Array(z.shape[..<2]))
    let weights =
      likelihood + DiagonalGaussian.standardLogProbability(of: z) - posterior.logProbability(of: z)
    return weights.logSumExp(0) - Tensor(Double(draws), weights.dataType).log()
  }
}
