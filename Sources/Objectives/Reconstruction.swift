internal import Layers
public import Models
public import Tensors

/// What an autoencoder is trained on: examples found again behind the narrow place, from examples with noise (Vincent et al.
/// 2008), with codes that are mostly zero, or both.
public struct Reconstruction: Sendable {
  /// The deviation of the normal noise that examples are given; 0: none.
  public var noise: Double
  /// The weight of the codes' mean absolute value.
  public var sparsity: Double

  public init(noise: Double = 0, sparsity: Double = 0) {
    (self.noise, self.sparsity) = (noise, sparsity)
  }

  /// - Parameter x: examples [batch, width].
  /// - Returns: what is minimised, and the mean squared difference of a number; both shape [].
  public func callAsFunction(_ model: Autoencoder, _ x: Tensor, _ key: RandomKey) -> (
    loss: Tensor, error: Tensor
  ) {
    let given = noise > 0 ? x + key.normal(x.shape, deviation: noise, x.dataType) : x
    let code = model.encoder(given)
    let error = (model.decoder(code) - x).square().mean()
    return (sparsity > 0 ? error + code.abs().mean() * sparsity : error, error)
  }
}
