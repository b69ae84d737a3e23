internal import Layers
public import Models
public import Tensors

/// The bound that a discrete variational autoencoder is trained on: E_q[log p(x | z)] − β · KL(q(z | x) ‖ uniform), with draws
/// z relaxed so that gradients flow through them (Ramesh et al., arXiv:2102.12092, 2.1 and A.2).
public struct DiscreteBound: Sendable {
  /// The weight of the divergence.
  public var beta: Double
  /// Of the relaxed draws; falls from 1 to 1/16 in the paper.
  public var temperature: Double

  public init(beta: Double = 6.6, temperature: Double = 1) {
    (self.beta, self.temperature) = (beta, temperature)
  }

  /// What is minimised: of both sums, over the samples and over the codes of a picture, the part of one sample. With a
  /// batch's mean it is one number.
  /// - Parameter pictures: [batch, height, width, channels], values 0 … 255.
  public func loss(_ model: DiscreteAutoencoder, _ pictures: Tensor, _ key: RandomKey) -> Tensor {
    let logits = model.logits(pictures)
    let z = DiscreteAutoencoder.relaxed(logits, temperature: Tensor(temperature), key)
    let reconstruction = PixelDistribution.logitLaplace
      .logProbability(of: pictures, model.parameters(z)).flattened(1..<4).sum([1])
    let divergence = DiscreteAutoencoder.divergence(logits)
    return (divergence * beta - reconstruction).mean()
      * (1 / Double(pictures.shape.dropFirst().reduce(1, *)))
  }
}
