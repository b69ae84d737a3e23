internal import Layers
public import Models
public import Tensors

/// What a density of real numbers says about integers: log P(x) ≥ E_q[log p(x + u) − log q(u | x)], where P(x) is the density's
/// share of the unit cube at x. With uniform noise q(u) = 1 (Theis et al., arXiv:1511.01844, section 3.1); noise that is
/// learnt comes nearer (Ho et al., arXiv:1902.00275, eq. 12).
public enum DequantizedBound {
  /// One draw of the bound for each example, in nats, [batch].
  /// - Parameters:
  ///   - pixels: integers 0 … 255, [batch, height, width, channels].
  ///   - dequantizer: nil: the noise is uniform.
  public static func sample<Density: ProbabilityModel>(
    _ model: Density, _ pixels: Tensor, dequantizer: VariationalDequantizer?, _ key: RandomKey
  ) -> Tensor {
    guard let dequantizer else {
      return model.logProbability(of: PixelLogit.dequantized(pixels, key))
    }
    let (noise, logDensity) = dequantizer.sample(pixels, key)
    return model.logProbability(of: pixels.cast(to: noise.dataType) + noise) - logDensity
  }
}
