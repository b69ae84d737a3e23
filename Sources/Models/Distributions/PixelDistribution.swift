public import Tensors

/// The distribution of one sample of a picture, whose parameters a decoder gives.
public enum PixelDistribution: Codable, Hashable, Sendable {
  /// 0 or 1, by a logit.
  case bernoulli
  /// 0 … 255, by a mixture of logistic distributions whose mass is gathered around the integers (Salimans et al.,
  /// arXiv:1701.05517, eq. 2). Its 256 probabilities add up to 1 exactly.
  case logistic(components: Int)
  /// 0 … 255, moved into 0.1 … 0.9, where the density is that of the logistic function of a Laplace variable (Ramesh et
  /// al., arXiv:2102.12092, A.3).
  case logitLaplace
  /// Real numbers within 0 … 256, such as pixels with noise of 0 ..< 1, by a normal distribution: its mean in −1 … 1 and the
  /// logarithm of its deviation, which is at least e⁻⁷.
  case gaussian

  /// Parameters of a sample.
  public var parameterCount: Int {
    switch self {
    case .bernoulli: 1
    case .logistic(let components): 3 * components
    case .logitLaplace, .gaussian: 2
    }
  }

  /// Samples as a network likes to read them: float32, 0 and 1, −1 … 1, 0.1 … 0.9 or −1 … 1.
  public func input(_ x: Tensor) -> Tensor {
    let values = x.dataType.isFloatingPoint ? x : x.cast(to: .float32)
    return switch self {
    case .bernoulli: values
    case .logistic: values / 127.5 - 1
    case .logitLaplace: values * (0.8 / 255) + 0.1
    case .gaussian: values / 128 - 1
    }
  }

  /// log p(x) in nats of every sample.
  ///
  /// - Parameters:
  ///   - x: [batch…], values of the distribution in any type.
  ///   - parameters: [batch…, parameterCount]: a logit; or all weights' logits, all means in −1 … 1, all logarithms of
  ///     scales; or a logit and the logarithm of a scale; or a mean and the logarithm of a deviation.
  public func logProbability(of x: Tensor, _ parameters: Tensor) -> Tensor {
    switch self {
    case .bernoulli:
      let logits = parameters.squeezed(-1)
      return x.cast(to: logits.dataType) * logits - logits.softplus()
    case .logistic(let components):
      let parts = parameters.split(-1, into: 3)
      let x = x.cast(to: parameters.dataType).expanded(-1)
      let logs = DiscreteLogistic.logProbability(
        of: x, mean: parts[1], logScale: parts[2], levels: 256)
      return components == 1
        ? logs.squeezed(-1) : (logs + parts[0].logSoftmax(-1)).logSumExp(-1)
    case .logitLaplace:
      let (logit, logScale) = (parameters.element(-1, 0), parameters.element(-1, 1))
      let x = input(x).cast(to: logit.dataType)
      let (log, rest) = (x.log(), (1 - x).log())
      return -(log - rest - logit).abs() * (-logScale).exp() - logScale - log - rest
        - Tensor(2, logit.dataType).log()
    case .gaussian:
      let (mean, logDeviation) = (parameters.element(-1, 0), maximum(parameters.element(-1, 1), -7))
      let distance = (input(x).cast(to: mean.dataType) - mean) * (-logDeviation).exp()
      // Half of log 2π, and the division by 128.
      return distance.square() * -0.5 - logDeviation - 0.9189385332046727 - 4.852030263919617
    }
  }

  /// The expected sample as a grey level in 0 … 1, without the last axis. Logistic components count with their means,
  /// cut to the range; a Laplace variable counts with its logit.
  public func mean(_ parameters: Tensor) -> Tensor {
    switch self {
    case .bernoulli: return parameters.squeezed(-1).sigmoid()
    case .logistic:
      let parts = parameters.split(-1, into: 3)
      return ((parts[1].clipped(to: -1...1) + 1) * parts[0].softmax(-1)).sum([-1]) * 0.5
    case .logitLaplace: return Self.grey(parameters.element(-1, 0))
    // The middle of 0 ..< 1 is taken off again.
    case .gaussian:
      return (((parameters.element(-1, 0) + 1) * 128 - 0.5) / 255).clipped(to: 0...1)
    }
  }

  /// The grey level 0 … 1 of a logit of 0.1 … 0.9.
  private static func grey(_ logit: Tensor) -> Tensor {
    ((logit.sigmoid() - 0.1) * (1 / 0.8)).clipped(to: 0...1)
  }

  /// A draw of every sample: 0 and 1, 0 … 255, or any number around 0 … 256, of the parameters' type.
  public func sample(_ parameters: Tensor, _ key: RandomKey) -> Tensor {
    switch self {
    case .bernoulli:
      return key.bernoulli(parameters.squeezed(-1).sigmoid()).cast(to: parameters.dataType)
    case .logistic(let components):
      let parts = parameters.split(-1, into: 3)
      let chosen = key.fork(0).categorical(parts[0]).expanded(-1)
      let isChosen = Tensor.indices(parts[0].shape, axis: -1).equal(to: chosen)
      func pick(_ x: Tensor) -> Tensor {
        components == 1
          ? x.squeezed(-1) : select(isChosen, x, x.zerosLike()).sum([-1])
      }
      let (mean, scale) = (pick(parts[1]), pick(maximum(parts[2], -7)).exp())
      let u = key.fork(1).uniform(mean.shape, in: 1e-6..<(1 - 1e-6), mean.dataType)
      let value = mean + scale * (u.log() - (1 - u).log())
      return ((value + 1) * 127.5).rounded().clipped(to: 0...255)
    case .logitLaplace:
      let (logit, scale) = (parameters.element(-1, 0), parameters.element(-1, 1).exp())
      let far = key.fork(0).exponential(logit.shape, logit.dataType)
      let isBelow = key.fork(1).bernoulli(0.5, logit.shape)
      return (Self.grey(logit + select(isBelow, -far, far) * scale) * 255).rounded()
    case .gaussian:
      let (mean, deviation) = (
        parameters.element(-1, 0), maximum(parameters.element(-1, 1), -7).exp()
      )
      return (mean + deviation * key.normal(mean.shape, mean.dataType) + 1) * 128
    }
  }
}
