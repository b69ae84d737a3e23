public import Tensors

/// What a coupling or an autoregressive flow does to a number: a rising function whose form a network gives.
public enum ElementwiseMap: Codable, Hashable, Sendable {
  /// x + t (NICE, arXiv:1410.8516, eq. 6): volumes stay.
  case shift
  /// x · exp(s) + t, with s within ±limit (arXiv:1605.08803, eq. 8; arXiv:1705.07057, eq. 4).
  case affine(limit: Double = 3)
  /// (x + t) · σ(s + 2) (Glow, arXiv:1807.03039).
  case sigmoid
  /// A rational-quadratic spline on −limit … limit (arXiv:1906.04032).
  case spline(bins: Int = 8, limit: Double = 3)

  /// Numbers that a network gives for one.
  public var parameterCount: Int {
    switch self {
    case .shift: 1
    case .affine, .sigmoid: 2
    case .spline(let bins, _): 3 * bins - 1
    }
  }

  /// The values and the logarithms of the slopes.
  /// - Parameters:
  ///   - x: [shape…].
  ///   - parameters: [shape…, parameterCount].
  public func forward(_ x: Tensor, _ parameters: Tensor) -> (y: Tensor, logSlope: Tensor) {
    if case .spline = self { return spline(parameters).forward(x) }
    let (logScale, shift) = linear(parameters)
    return (x * logScale.exp() + shift, logScale)
  }

  /// The numbers of the values: [shape…].
  public func inverse(_ y: Tensor, _ parameters: Tensor) -> Tensor {
    if case .spline = self { return spline(parameters).inverse(y) }
    let (logScale, shift) = linear(parameters)
    return (y - shift) * (-logScale).exp()
  }

  /// All maps but splines are a scale and a shift.
  private func linear(_ parameters: Tensor) -> (logScale: Tensor, shift: Tensor) {
    let shift = parameters.element(-1, parameterCount - 1)
    if case .shift = self { return (shift.zerosLike(), shift) }
    let scale = parameters.element(-1, 0)
    if case .affine(let limit) = self { return ((scale / limit).tanh() * limit, shift) }
    return ((scale + 2).logSigmoid(), shift * (scale + 2).sigmoid())
  }

  private func spline(_ parameters: Tensor) -> RationalQuadraticSpline {
    guard case .spline(let bins, let limit) = self else { fail("\(self) is no spline") }
    let parts = parameters.split(-1, sizes: [bins, bins, bins - 1])
    return RationalQuadraticSpline(
      widths: parts[0], heights: parts[1], slopes: parts[2], limit: limit)
  }
}
