internal import Layers
public import Models
public import Tensors

/// Learning a density, its constant included, by telling data from noise of a known density (Gutmann and Hyvärinen 2010,
/// AISTATS 9:297; 2012, JMLR 13:307).
///
/// With G(u) = log p(u) − log p_noise(u) and ν draws of noise for each of data, binary contrast is the loss of a classifier
/// that believes G − log ν; it is least where p is the data's density. Ranking contrast finds the data among ν draws of
/// noise (Ma and Collins, arXiv:1809.01812): constants cancel in it, so it learns none.
public struct NoiseContrast: Sendable {
  public enum Form: String, Codable, CaseIterable, Sendable { case binary, ranking }

  public var form: Form

  public init(_ form: Form = .binary) { self.form = form }

  /// The loss per example in nats, [].
  ///
  /// - Parameters:
  ///   - energy: of the model; a `NormalizedEnergy` knows its constant.
  ///   - noise: what `draws` come from.
  ///   - data: [batch, …].
  ///   - draws: [ν · batch, …].
  public func loss<Model: EnergyModel, Noise: ProbabilityModel>(
    _ energy: Model, noise: Noise, data: Tensor, draws: Tensor
  ) -> Tensor {
    let (count, ratio) = (data.shape[0], draws.shape[0] / data.shape[0])
    guard ratio >= 1, ratio * count == draws.shape[0] else {
      fail("\(draws.shape[0]) draws of noise are no multiple of \(count) examples")
    }
    func advantage(_ x: Tensor) -> Tensor { -energy.energy(x) - noise.logProbability(of: x) }
    let (real, drawn) = (advantage(data), advantage(draws))
    switch form {
    case .binary:
      let shift = Tensor(Double(ratio), real.dataType).log()
      return (shift - real).softplus().mean()
        + (drawn - shift).softplus().mean() * Double(ratio)
    case .ranking:
      let all = concatenate([real.expanded(1), drawn.reshaped([count, ratio])], axis: 1)
      return (all.logSumExp(1) - real).mean()
    }
  }
}
