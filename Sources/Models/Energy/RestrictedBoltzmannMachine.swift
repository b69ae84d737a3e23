public import Layers
public import Tensors

/// Sizes of a restricted Boltzmann machine.
public struct RestrictedBoltzmannMachineConfiguration: Codable, Hashable, Sendable {
  /// Visible units: pixels.
  public var visible: Int
  public var hidden: Int

  public init(visible: Int, hidden: Int) {
    self.visible = visible
    self.hidden = hidden
  }
}

/// A restricted Boltzmann machine of binary units (Smolensky 1986): p(v, h) ∝ exp(b·v + c·h + vᵀ W h).
///
/// Given one layer the units of the other are independent, so the hidden layer can be summed out exactly: the free energy
/// F(v) = −b·v − Σ softplus(c + Wᵀ v) gives log p(v) = −F(v) − log Z, with a constant Z that only small machines know.
public struct RestrictedBoltzmannMachine: BinaryBoltzmannMachine {
  /// [visible, hidden].
  public var weight: Tensor
  /// b, [visible].
  public var visibleBias: Tensor
  /// c, [hidden].
  public var hiddenBias: Tensor

  /// - Parameter means: the mean of each visible unit in the data, [visible]; the bias begins at its logit, so that the
  ///   hidden units need not learn it.
  public init(
    _ configuration: RestrictedBoltzmannMachineConfiguration, means: [Float]? = nil, key: RandomKey
  ) {
    weight = key.normal([configuration.visible, configuration.hidden], deviation: 0.01)
    let means = means ?? [Float](repeating: 0.5, count: configuration.visible)
    let mean = Tensor(means).clipped(to: 0.01...0.99)
    visibleBias = mean.log() - (1 - mean).log()
    hiddenBias = .zeros([configuration.hidden])
  }

  public init(weight: Tensor, visibleBias: Tensor, hiddenBias: Tensor) {
    self.weight = weight
    self.visibleBias = visibleBias
    self.hiddenBias = hiddenBias
  }

  public var visibleBiases: Tensor { visibleBias }
  public var hiddenBiases: Tensor { hiddenBias }

  public func hiddenField(_ v: Tensor) -> Tensor { matrixProduct(v, weight) + hiddenBias }

  public func visibleField(_ h: Tensor) -> Tensor {
    matrixProduct(h, weight.transposed()) + visibleBias
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("W", &weight)
    visitor("b", &visibleBias)
    visitor("c", &hiddenBias)
  }
}

/// A restricted Boltzmann machine whose visible units are real numbers (Welling et al. 2005; Cho et al. 2011):
/// E(v, h) = Σ (v − b)² / 2σ² − c·h − (v / σ²)ᵀ W h. Given the hidden units they are normal around b + W h.
public struct GaussianBoltzmannMachine: BoltzmannMachine {
  /// [visible, hidden].
  public var weight: Tensor
  /// b, [visible].
  public var visibleBias: Tensor
  /// c, [hidden].
  public var hiddenBias: Tensor
  /// log σ², [visible].
  public var logVariance: Tensor

  /// Begins as the normal distribution of these means and variances, [visible].
  public init(
    _ configuration: RestrictedBoltzmannMachineConfiguration, means: Tensor, variances: Tensor,
    key: RandomKey
  ) {
    self.init(
      weight: key.normal(
        [configuration.visible, configuration.hidden], deviation: 0.01, means.dataType),
      visibleBias: means, hiddenBias: .zeros([configuration.hidden], means.dataType),
      logVariance: variances.log())
  }

  public init(weight: Tensor, visibleBias: Tensor, hiddenBias: Tensor, logVariance: Tensor) {
    self.weight = weight
    self.visibleBias = visibleBias
    self.hiddenBias = hiddenBias
    self.logVariance = logVariance
  }

  public var hiddenBiases: Tensor { hiddenBias }

  public func hiddenField(_ v: Tensor) -> Tensor {
    matrixProduct(v * (-logVariance).exp(), weight) + hiddenBias
  }

  public func visibleScore(_ v: Tensor) -> Tensor {
    ((v - visibleBias).square() * (-logVariance).exp()).sum([1]) * -0.5
  }

  /// The visible units' means given the hidden ones, [batch, visible].
  public func visibleMeans(_ h: Tensor) -> Tensor {
    matrixProduct(h, weight.transposed()) + visibleBias
  }

  public func visibleSample(_ h: Tensor, _ key: RandomKey) -> Tensor {
    DiagonalGaussian(mean: visibleMeans(h), logVariance: logVariance).sample(key)
  }

  /// ∫ exp of a parabola: half the width's logarithm, and how much higher the shifted peak is.
  public func logVisibleSum(_ h: Tensor) -> Tensor {
    let peaks = (visibleMeans(h).square() - visibleBias.square()) * (-logVariance).exp()
    return (peaks + logVariance + 1.8378770664093453).sum([1]) * 0.5
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("W", &weight)
    visitor("b", &visibleBias)
    visitor("c", &hiddenBias)
    visitor("logvar", &logVariance)
  }
}
