public import Models

/// Sampling in few steps, without fresh noise or with a part of it (Song et al., arXiv:2010.02502, eq. 12 and 16).
public struct DDIM: DiffusionSampler {
  public let process: DiffusionProcess
  /// From the noisiest.
  public let times: [Int]
  /// How far apart the times are that a step leads from and to.
  public let gap: Int
  /// The part of DDPM's noise: 0 makes images a function of the start, 1 samples like DDPM.
  public var eta: Double
  public var bound: CleanBound
  public var boundsNoise: Bool
  /// Whether the last step ends at the clean image (ᾱ = 1), not at step 0 of the schedule. Latent diffusion models were
  /// published with false.
  public var endsClean: Bool

  /// - Parameters:
  ///   - steps: how many of the T steps.
  ///   - offset: added to the times of `leading`.
  public init(
    _ process: DiffusionProcess, steps: Int, spacing: TimeSpacing = .leading, offset: Int = 0,
    eta: Double = 0, bound: CleanBound = .clipped(1), boundsNoise: Bool = false,
    endsClean: Bool = true
  ) {
    self.process = process
    times = spacing.times(steps, of: process.count, offset: offset)
    gap = process.count / steps
    self.eta = eta
    self.bound = bound
    self.boundsNoise = boundsNoise
    self.endsClean = endsClean
  }

  public var steps: [DiffusionStep] {
    times.map { time in
      let earlier = time >= gap ? time - gap : endsClean ? -1 : 0
      let here = process.schedule.signalPower(time)
      let before = process.schedule.signalPower(earlier)
      let most = time > earlier ? process.posterior(from: time, to: earlier).variance : 0
      let variance = eta * eta * most
      return DiffusionStep(
        time: time, signalPower: here, clean: before.squareRoot(),
        noise: max(1 - before - variance, 0).squareRoot(), fresh: variance.squareRoot())
    }
  }

  /// The way back from images to the noise that makes them (section 5.4): η = 0, without bound.
  public var inverse: DDIMInversion { DDIMInversion(of: self) }
}

/// DDIM run backwards: from images to the noise from which DDIM, without bound and with η = 0, makes them again, with an
/// error that falls as one over the number of steps.
public struct DDIMInversion: DiffusionSampler {
  public let process: DiffusionProcess
  public let bound = CleanBound.none
  public let steps: [DiffusionStep]

  init(of sampler: DDIM) {
    process = sampler.process
    let schedule = process.schedule
    let times = Array(sampler.times.reversed())
    // Images are clean: what the network hears in them is added to them as it is.
    let first = schedule.signalPower(times[0])
    steps =
      [
        DiffusionStep(
          time: times[0], signalPower: first, noise: (1 - first).squareRoot(),
          state: first.squareRoot())
      ]
      + zip(times, times.dropFirst()).map { time, later in
        let power = schedule.signalPower(later)
        return DiffusionStep(
          time: time, signalPower: schedule.signalPower(time), clean: power.squareRoot(),
          noise: (1 - power).squareRoot())
      }
  }
}
