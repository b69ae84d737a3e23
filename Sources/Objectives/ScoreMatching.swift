internal import Layers
public import Models
public import Tensors

/// Learning a density's score, which knows no constant (Hyvärinen 2005, JMLR 6:695).
///
/// All forms have the same minimum as the mean of ½ ‖s(x) − ∇ log p(x)‖², up to a number that the model does not change.
public struct ScoreMatching: Sendable {
  public enum Form: String, Codable, CaseIterable, Sendable {
    /// tr ∇s + ½ ‖s‖², exact: as many derivatives as an example has numbers.
    case implicit
    /// The trace by one random direction of ±1 for each example (Song et al., arXiv:1905.07088): unbiased.
    case sliced
    /// The direction back from noise (Vincent 2011): the score of the data blurred by `deviation`.
    case denoising
  }

  public var form: Form
  /// σ of the noise of the denoising form.
  public var deviation: Double

  public init(_ form: Form = .denoising, deviation: Double = 0.1) {
    self.form = form
    self.deviation = deviation
  }

  /// The loss per example, [].
  ///
  /// - Parameter x: [batch, …].
  public func loss<Model: ScoreModel>(_ model: Model, _ x: Tensor, _ key: RandomKey) -> Tensor {
    let (rows, width) = (x.shape[0], x.count / x.shape[0])
    switch form {
    case .implicit:
      // Every example stands once for each of its axes.
      let copies = x.expanded(0).broadcast(to: [width] + x.shape).reshaped(
        [-1] + x.shape.dropFirst())
      let axis = (Tensor.indices([width * rows], axis: 0) / Tensor(Double(rows), .int32))
        .oneHot(width, x.dataType)
      return loss(model, copies, along: axis.reshaped(copies.shape), weight: Double(width))
    case .sliced:
      let signs = key.bernoulli(0.5, x.shape).cast(to: x.dataType) * 2 - 1
      return loss(model, x, along: signs, weight: 1)
    case .denoising:
      let noise = key.normal(x.shape, x.dataType)
      let error = model.score(x + noise * deviation) * deviation + noise
      return error.square().sum() / Double(rows) * (0.5 / (deviation * deviation))
    }
  }

  /// weight · vᵀ ∇s v + ½ ‖s‖², a mean over rows.
  private func loss<Model: ScoreModel>(
    _ model: Model, _ x: Tensor, along direction: Tensor, weight: Double
  ) -> Tensor {
    var square: Tensor?
    let (_, slope) = valueAndGradient(at: x) { x in
      let score = model.score(x)
      square = score.square().sum()
      return (score * direction).sum()
    }
    let bend = (slope * direction).sum() * weight
    return (bend + square! * 0.5) / Double(x.shape[0])
  }
}
