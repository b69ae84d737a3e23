public import Layers
public import Models
public import Tensors

/// What a VQ-VAE is trained on: pictures found again from their codes, and vectors near their codes (van den Oord et al.,
/// arXiv:1711.00937, eq. 3).
public struct QuantizedReconstruction: Sendable {
  /// How strongly the encoder is drawn to the codes.
  public var commitment: Double

  public init(commitment: Double = 0.25) { self.commitment = commitment }

  public struct Terms {
    /// What is minimised: shape [].
    public let loss: Tensor
    /// log p(x | codes) in nats, [batch].
    public let logLikelihood: Tensor
    /// The mean squared difference between expected and given grey levels in 0 … 1: shape [].
    public let error: Tensor
    /// int32, [batch, side, side].
    public let codes: Tensor
  }

  /// - Parameter x: pictures as the output's distribution has them.
  public func callAsFunction(_ model: inout VQVAE, _ x: Tensor, _ phase: Phase) -> Terms {
    let quantized = model.quantizer(model.features(x), phase)
    let parameters = model.parameters(quantized.vectors)
    let output = model.configuration.output
    let logs = output.logProbability(of: x, parameters).flattened(1..<4)
    var loss = quantized.commitment * commitment - logs.mean()
    if let codebookLoss = quantized.codebookLoss { loss = loss + codebookLoss }
    let levels = output == .bernoulli ? 1.0 : 255
    let error = (output.mean(parameters) - x.cast(to: logs.dataType) / levels).square().mean()
    return Terms(
      loss: loss, logLikelihood: logs.sum([1]), error: error, codes: quantized.codes)
  }
}
