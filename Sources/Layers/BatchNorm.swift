public import Tensors

/// Batch norm of [batch, …, channels] (Ioffe and Szegedy, arXiv:1502.03167).
///
/// Training normalises with the biased variance of the batch and moves the running statistics towards mean and *unbiased*
/// variance; inference normalises with the running statistics.
public struct BatchNorm: Layer {
  /// [channels]; nil where there is none.
  public var weight: Tensor?
  public var bias: Tensor?
  /// nil: inference normalises with the statistics of its batch too.
  public var statistics: RunningStatistics?
  public var epsilon: Double
  /// The share of each new batch in the running statistics; nil: all batches count alike.
  public var momentum: Double?

  /// Weight 1, bias 0, running mean 0 and variance 1.
  public init(
    channels: Int, epsilon: Double = 1e-5, momentum: Double? = 0.1, isAffine: Bool = true,
    tracksStatistics: Bool = true
  ) {
    weight = isAffine ? .ones([channels]) : nil
    bias = isAffine ? .zeros([channels]) : nil
    statistics = tracksStatistics ? RunningStatistics(channels: channels) : nil
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    self(x, phase, activation: .identity)
  }

  /// activation(norm(x) + residual), in one pass where the activation is ReLU or SiLU.
  /// - Parameter residual: of the shape of x.
  public mutating func callAsFunction(
    _ x: Tensor, _ phase: Phase, activation: Activation, residual: Tensor? = nil
  ) -> Tensor {
    if !phase.isTraining, let statistics {
      let y = statistics.normalized(x, weight, bias, epsilon)
      return activation(residual.map { y + $0 } ?? y)
    }
    let (inside, after) = activation.fused
    let result = batchNorm(
      x, weight: weight, bias: bias, residual: residual, epsilon: epsilon, activation: inside)
    if phase.isTraining {
      let values = x.count / max(result.mean.count, 1)
      statistics?.update(
        mean: result.mean, variance: result.variance * (Double(values) / Double(values - 1)),
        momentum: momentum)
    }
    return after(result.y)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.inline(&statistics)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("momentum", momentum)
  }
}

/// Instance norm of [batch, …, channels]: every channel of every example by itself (Ulyanov et al., arXiv:1607.08022).
public struct InstanceNorm: Layer {
  /// [channels]; nil where there is none.
  public var weight: Tensor?
  public var bias: Tensor?
  /// nil, the usual case: inference normalises every example by itself too.
  public var statistics: RunningStatistics?
  public var epsilon: Double
  /// The share of each new batch in the running statistics; nil: all batches count alike.
  public var momentum: Double?

  /// Weight 1 and bias 0 where it is affine.
  public init(
    channels: Int, epsilon: Double = 1e-5, momentum: Double? = 0.1, isAffine: Bool = false,
    tracksStatistics: Bool = false
  ) {
    weight = isAffine ? .ones([channels]) : nil
    bias = isAffine ? .zeros([channels]) : nil
    statistics = tracksStatistics ? RunningStatistics(channels: channels) : nil
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public mutating func callAsFunction(_ x: Tensor, _ phase: Phase) -> Tensor {
    if !phase.isTraining, let statistics {
      return statistics.normalized(x, weight, bias, epsilon)
    }
    if phase.isTraining, statistics != nil {
      let pixels = x.reshaped([x.shape[0], -1, x.shape[x.rank - 1]])
      let values = pixels.dataType == .float64 ? pixels : pixels.cast(to: .float32)
      // PyTorch's instance norms do not count batches, and without momentum their statistics stay.
      statistics?.update(
        mean: values.mean([0, 1]), variance: values.variance([1], unbiased: true).mean([0]),
        momentum: momentum ?? 0, counts: false)
    }
    return instanceNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("weight", &weight)
    visitor("bias", &bias)
    visitor.inline(&statistics)
    visitor.fixed("epsilon", epsilon)
    visitor.fixed("momentum", momentum)
  }
}

/// Mean and variance of each channel over the batches seen in training: saved, but not trained.
public struct RunningStatistics: Module {
  /// [channels].
  public var mean: Tensor
  /// [channels].
  public var variance: Tensor
  /// The number of batches seen, int64.
  public var batchCount: Tensor

  /// Mean 0 and variance 1.
  public init(channels: Int) {
    mean = .zeros([channels])
    variance = .ones([channels])
    batchCount = .fill(integer: 0, [], .int64)
  }

  /// running ← (1 − m) running + m batch; without momentum m is 1 over the number of batches. No gradient flows through.
  mutating func update(
    mean batchMean: Tensor, variance batchVariance: Tensor, momentum: Double?, counts: Bool = true
  ) {
    if counts { batchCount += .fill(integer: 1, batchCount.shape, batchCount.dataType) }
    let share =
      momentum.map { Tensor($0, mean.dataType) }
      ?? batchCount.cast(to: mean.dataType).reciprocal()
    mean += (batchMean.stopped().cast(to: mean.dataType) - mean) * share
    variance += (batchVariance.stopped().cast(to: mean.dataType) - variance) * share
  }

  /// (x − mean) / √(variance + ε) · weight + bias; 16-bit floats are normalised in float32.
  func normalized(_ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, _ epsilon: Double) -> Tensor {
    let type = x.dataType == .float64 ? DataType.float64 : .float32
    let deviation = (variance.cast(to: type) + epsilon).rsqrt()
    let scale = weight.map { deviation * $0.cast(to: type) } ?? deviation
    let y = (x.cast(to: type) - mean.cast(to: type)) * scale
    return (bias.map { y + $0.cast(to: type) } ?? y).cast(to: x.dataType)
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("running_mean", &mean)
    visitor.buffer("running_var", &variance)
    visitor.buffer("num_batches_tracked", &batchCount)
  }
}
