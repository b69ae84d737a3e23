public import Tensors

/// What a network says about x = a · clean + s · noise: any one of three, from which the others follow.
///
/// Names of cases in settings are those of diffusers' `prediction_type`.
public enum Parameterisation: String, Codable, Hashable, Sendable, CaseIterable {
  case noise = "epsilon"
  case clean = "sample"
  /// a · noise − s · clean (Salimans and Ho, arXiv:2202.00512).
  case velocity = "v_prediction"

  /// What a network of this kind should say. `signal` is a, `deviation` s, both with a² + s² = 1; they broadcast.
  public func target(clean: Tensor, noise: Tensor, signal: Tensor, deviation: Tensor) -> Tensor {
    switch self {
    case .noise: noise
    case .clean: clean
    case .velocity: signal * noise - deviation * clean
    }
  }

  /// The clean image that a network's output means. Where only noise is left (a = 0), `noise` tells nothing and gives
  /// infinite values.
  public func clean(from output: Tensor, at x: Tensor, signal: Tensor, deviation: Tensor) -> Tensor
  {
    switch self {
    case .noise: (x - deviation * output) / signal
    case .clean: output
    case .velocity: signal * x - deviation * output
    }
  }

  /// The noise that a network's output means.
  public func noise(from output: Tensor, at x: Tensor, signal: Tensor, deviation: Tensor) -> Tensor
  {
    switch self {
    case .noise: output
    case .clean: (x - signal * output) / deviation
    case .velocity: deviation * x + signal * output
    }
  }
}
