public import Tensors

/// What a diffusion network was trained for: how noise comes in, and what it says about it.
public struct DiffusionProcess: Hashable, Sendable {
  public var schedule: NoiseSchedule
  public var parameterisation: Parameterisation

  public init(_ schedule: NoiseSchedule, _ parameterisation: Parameterisation = .noise) {
    guard parameterisation != .noise || schedule.signalPowers.allSatisfy({ $0 > 0 }) else {
      fail(
        "where nothing of the image is left a network cannot tell it from the noise: let it predict velocities"
      )
    }
    self.schedule = schedule
    self.parameterisation = parameterisation
  }

  /// The number of steps, T.
  public var count: Int { schedule.count }

  /// a = √ᾱ and s = √(1 − ᾱ) at the times of a batch, in `x`'s type and of shape [batch, 1, …], as many axes as `x`.
  public func scales(at time: Tensor, like x: Tensor) -> (signal: Tensor, deviation: Tensor) {
    let powers = schedule.signalPowers
    return (
      DiffusionProcess.values(powers.map { $0.squareRoot() }, at: time, like: x),
      DiffusionProcess.values(powers.map { (1 - $0).squareRoot() }, at: time, like: x)
    )
  }

  /// Entries of a table of all steps, in `x`'s type and of shape [batch, 1, …], as many axes as `x`.
  package static func values(_ table: [Double], at time: Tensor, like x: Tensor) -> Tensor {
    let column = Tensor(table, shape: [table.count, 1]).rows(time.cast(to: .int32))
    return column.cast(to: x.dataType)
      .reshaped([time.count] + [Int](repeating: 1, count: x.rank - 1))
  }

  /// x_t of clean images: √ᾱ · clean + √(1 − ᾱ) · noise (eq. 4). Times are [batch].
  public func noised(_ clean: Tensor, with noise: Tensor, at time: Tensor) -> Tensor {
    let (signal, deviation) = scales(at: time, like: clean)
    return signal * clean + deviation * noise
  }

  /// One step back, the clean image being known: a normal law with this mean and variance (eq. 6 and 7).
  public struct Posterior: Hashable, Sendable {
    /// The mean is clean · x̂₀ + state · x.
    public let clean: Double
    public let state: Double
    public let variance: Double
    /// The variance of the noise that came in between both steps.
    public let noiseVariance: Double
  }

  /// The law of x at `earlier` (−1: clean) given x at `time` and the clean image.
  public func posterior(from time: Int, to earlier: Int) -> Posterior {
    let (here, before) = (schedule.signalPower(time), schedule.signalPower(earlier))
    // One step's own β is more exact than what quotients of products leave of it.
    let beta = earlier == time - 1 ? schedule.betas[time] : 1 - here / before
    return Posterior(
      clean: before.squareRoot() * beta / (1 - here),
      state: (1 - beta).squareRoot() * (1 - before) / (1 - here),
      variance: (1 - before) / (1 - here) * beta, noiseVariance: beta)
  }
}

/// The variance that a network's step back has, which it was not trained to tell.
public enum ReverseVariance: Hashable, Sendable {
  /// β̃, right for data of a single point.
  case small
  /// β, right for data of variance 1.
  case large
  /// A variance for every step 0 ..< T, such as the optimal one (Bao et al., arXiv:2201.06503).
  case given([Double])

  /// The variance of the step from `time` to `earlier`.
  public func callAsFunction(_ posterior: DiffusionProcess.Posterior, at time: Int) -> Double {
    switch self {
    case .small: posterior.variance
    case .large: posterior.noiseVariance
    case .given(let variances): variances[time]
    }
  }
}
