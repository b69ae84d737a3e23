public import Models

/// Ancestral sampling: each step draws from the law of one step back (Ho et al., arXiv:2006.11239, algorithm 2).
public struct DDPM: DiffusionSampler {
  public let process: DiffusionProcess
  /// From the noisiest; −1, the clean image, follows the last.
  public let times: [Int]
  public var variance: ReverseVariance
  public var bound: CleanBound

  /// - Parameters:
  ///   - steps: how many of the T steps; nil: all.
  ///   - offset: added to the times of `leading`.
  public init(
    _ process: DiffusionProcess, steps: Int? = nil, spacing: TimeSpacing = .leading,
    offset: Int = 0, variance: ReverseVariance = .small, bound: CleanBound = .clipped(1)
  ) {
    self.process = process
    times = spacing.times(steps ?? process.count, of: process.count, offset: offset)
    self.variance = variance
    self.bound = bound
  }

  public var steps: [DiffusionStep] {
    times.indices.map { i in
      let (time, earlier) = (times[i], i + 1 < times.count ? times[i + 1] : -1)
      let posterior = process.posterior(from: time, to: earlier)
      // The last step gives images: noise on them would help nobody.
      let spread = earlier < 0 ? 0 : variance(posterior, at: time)
      return DiffusionStep(
        time: time, signalPower: process.schedule.signalPower(time), clean: posterior.clean,
        state: posterior.state, fresh: spread.squareRoot())
    }
  }
}
