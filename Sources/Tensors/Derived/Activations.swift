extension Tensor {
  /// max(x, 0).
  public func relu() -> Tensor { Tensor(Unary.relu, [self]) }
  /// 1 / (1 + exp(−x)).
  public func sigmoid() -> Tensor { Tensor(Unary.sigmoid, [self]) }
  /// log(1 + exp(x)), without overflow.
  public func softplus() -> Tensor { Tensor(Unary.softplus, [self]) }
  /// log σ(x) = −softplus(−x).
  public func logSigmoid() -> Tensor { -(-self).softplus() }
  /// x Φ(x), by the error function (Hendrycks and Gimpel, arXiv:1606.08415).
  public func gelu() -> Tensor { Tensor(Unary.gelu, [self]) }
  /// The tanh form of GELU, as in GPT-2.
  public func geluTanh() -> Tensor { Tensor(Unary.geluTanh, [self]) }
  /// x σ(1.702 x), as in OpenAI's CLIP.
  public func quickGELU() -> Tensor { self * (self * 1.702).sigmoid() }
  /// x σ(x), also called swish.
  public func silu() -> Tensor { Tensor(Unary.silu, [self]) }
  /// min(max(x, 0), 6).
  public func relu6() -> Tensor { clipped(to: 0...6) }
  /// x where positive, else `slope` · x.
  public func leakyReLU(slope: Double = 0.01) -> Tensor {
    select(greater(than: 0), self, self * slope)
  }
  /// x where positive, else α (exp(x) − 1) (arXiv:1511.07289).
  public func elu(alpha: Double = 1) -> Tensor {
    select(greater(than: 0), self, minimum(self, 0).expm1() * alpha)
  }
  /// Scaled ELU (arXiv:1706.02515).
  public func selu() -> Tensor { elu(alpha: 1.6732632423543772) * 1.0507009873554805 }
  /// x tanh(softplus(x)) (arXiv:1908.08681).
  public func mish() -> Tensor { self * softplus().tanh() }
  /// min(max(x + 3, 0), 6) / 6.
  public func hardSigmoid() -> Tensor { (self + 3).relu6() / 6 }
  /// x · hardSigmoid(x) (arXiv:1905.02244).
  public func hardSwish() -> Tensor { self * hardSigmoid() }
  /// x / (1 + |x|).
  public func softsign() -> Tensor { self / (abs() + 1) }
  /// log(1 + exp(βx)) / β, and x itself where βx exceeds the threshold, as PyTorch's Softplus.
  public func softplus(beta: Double, threshold: Double = 20) -> Tensor {
    let scaled = self * beta
    return select(scaled.greater(than: threshold), self, scaled.softplus() / beta)
  }
  /// max(x, 0) + min(α (exp(x / α) − 1), 0) (arXiv:1704.07483).
  public func celu(alpha: Double = 1) -> Tensor {
    select(greater(than: 0), self, (minimum(self, 0) / alpha).expm1() * alpha)
  }
  /// x moved towards 0 by `threshold`, 0 where it is nearer than that.
  public func softShrink(threshold: Double = 0.5) -> Tensor {
    self - clipped(to: -threshold...threshold)
  }
  /// The first half along an axis times σ of the second (arXiv:1612.08083).
  public func gatedLinearUnit(_ axis: Int = -1) -> Tensor {
    let halves = split(axis, into: 2)
    return halves[0] * halves[1].sigmoid()
  }
  /// The nearest value within the range.
  public func clipped(to range: ClosedRange<Double>) -> Tensor {
    minimum(maximum(self, range.lowerBound), range.upperBound)
  }
}
