public import Tensors

/// What the two networks of an adversarial game minimise, given the critic's scores (logits) of data and of fakes.
///
/// All are computed from scores, since log(1 − σ(s)) of a rounded σ(s) is not. With the optimal critic of densities p and q,
/// σ(s) = p / (p + q), the first two are 2 ln 2 − 2 · JS(p, q) for the critic: 2 ln 2 where p = q.
public enum AdversarialLoss: String, Codable, Sendable, Hashable, CaseIterable {
  /// The generator minimises E log(1 − σ(s)), which is flat where the critic wins (Goodfellow et al., arXiv:1406.2661,
  /// eq. 1).
  case minimax
  /// The generator maximises E log σ(s) instead (section 3 there).
  case nonSaturating = "non_saturating"
  /// Scores are pushed beyond ±1 (Lim and Ye, arXiv:1705.02894; Miyato et al., arXiv:1802.05957).
  case hinge
  /// The distance of earth movers, where the critic's slope is bounded by clipping its weights (Arjovsky et al.,
  /// arXiv:1701.07875).
  case wgan
  /// The same, where a penalty keeps the slope at 1 (Gulrajani et al., arXiv:1704.00028).
  case wganGP = "wgan_gp"

  /// The critic's loss, shape [].
  /// - Parameters:
  ///   - real: scores of data, [batch].
  ///   - fake: scores of what the generator made, [batch].
  public func critic(real: Tensor, fake: Tensor) -> Tensor {
    switch self {
    case .minimax, .nonSaturating: (-real).softplus().mean() + fake.softplus().mean()
    case .hinge: (1 - real).relu().mean() + (fake + 1).relu().mean()
    case .wgan, .wganGP: fake.mean() - real.mean()
    }
  }

  /// The generator's loss, shape [].
  /// - Parameter fake: scores of what it made, [batch].
  public func generator(fake: Tensor) -> Tensor {
    switch self {
    case .minimax: -fake.softplus().mean()
    case .nonSaturating: (-fake).softplus().mean()
    case .hinge, .wgan, .wganGP: -fake.mean()
    }
  }
}
