#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The learning rate of every step: a rise over the first steps, then a schedule.
///
///     let rate = LearningRate(3e-4, .cosine, warmup: 100)
///     optimizer.setLearningRate(rate(step, of: steps))
///
/// It is computed on the host in Double and is decoded from short settings (`LearningRateCoding.swift`):
///
///     {rate: 3e-4, schedule: cosine, warmup: 100}
public struct LearningRate: Hashable, Sendable {
  /// The highest rate; in `oneCycle` and `cyclic` too.
  public var peak: Double
  public var schedule: Schedule
  /// Steps of the linear rise to the peak before the schedule begins.
  public var warmup: Int
  /// The part of the peak that the rise begins with.
  public var warmupStart: Double
  /// The rate at the schedule's end.
  public var floor: Double
  /// Steps until the floor is reached, the rise included; nil: those of the run.
  public var steps: Int?

  /// How the rate goes on after the rise. Steps u = 0, 1, … are counted from there.
  public enum Schedule: Hashable, Sendable {
    case constant
    /// Straight down to the floor.
    case linear
    /// floor + (peak − floor) (1 − progress)^power.
    case polynomial(power: Double)
    /// Half a wave of a cosine down to the floor, `cycles` times over the run (Loshchilov and Hutter, arXiv:1608.03983).
    case cosine(cycles: Int)
    /// The same with periods of `first`, first · growth, first · growth², … steps.
    case cosineRestarts(first: Int, growth: Int)
    /// peak · factor^u.
    case exponential(factor: Double)
    /// Multiplied by the factor every so many steps.
    case step(every: Int, factor: Double)
    /// Multiplied by the factor at each of these steps.
    case multiStep(at: [Int], factor: Double)
    /// peak / √(1 + u / scale) (Vaswani et al. 2017): scale nil is the length of the rise, or 10,000 without one.
    case inverseSquareRoot(scale: Int?)
    /// The peak, and over the last part of the run straight down to the floor (Zhai et al., arXiv:2106.04560).
    case trapezoid(fall: Double)
    /// From peak / 25 up to the peak over the part `rise` of the run, and down to peak / 250,000 (Smith and Topin,
    /// arXiv:1708.07120); straight or by cosines; with three phases down to the beginning first.
    case oneCycle(rise: Double, isLinear: Bool, hasThreePhases: Bool)
    /// From the floor up to the peak in so many steps, down to the floor in so many more, and again (Smith,
    /// arXiv:1506.01186).
    case cyclic(up: Int, down: Int)

    /// One cosine over the run.
    public static let cosine = Schedule.cosine(cycles: 1)
    public static let oneCycle = Schedule.oneCycle(
      rise: 0.3, isLinear: false, hasThreePhases: false)
  }

  public init(
    _ peak: Double, _ schedule: Schedule = .constant, warmup: Int = 0, warmupStart: Double = 0,
    floor: Double = 0, steps: Int? = nil
  ) {
    self.peak = peak
    self.schedule = schedule
    self.warmup = warmup
    self.warmupStart = warmupStart
    self.floor = floor
    self.steps = steps
  }

  /// The rate of step 0, 1, … of a run of `total` steps. After its end a schedule stays where it is.
  public func callAsFunction(_ step: Int, of total: Int) -> Double {
    if step < warmup {
      return peak * (warmupStart + (1 - warmupStart) * Double(step) / Double(warmup))
    }
    let length = Double(steps ?? total) - Double(warmup)
    return rate(Double(step) - Double(warmup), of: max(length, 1))
  }

  /// The rate `u` steps after the rise, `length` being all of them.
  private func rate(_ u: Double, of length: Double) -> Double {
    let progress = min(u / length, 1)
    switch schedule {
    case .constant: return peak
    case .linear: return between(floor, peak, 1 - progress)
    case .polynomial(let power): return between(floor, peak, pow(1 - progress, power))
    case .cosine(let cycles):
      let position = progress * Double(cycles)
      return wave(progress < 1 ? position - position.rounded(.down) : 1)
    case .cosineRestarts(let first, let growth):
      return restarts(u, Double(first), Double(growth))
    case .exponential(let factor): return max(peak * pow(factor, u), floor)
    case .step(let every, let factor):
      return max(peak * pow(factor, (u / Double(every)).rounded(.down)), floor)
    case .multiStep(let places, let factor):
      let passed = places.count { Double($0) <= u }
      return max(peak * pow(factor, Double(passed)), floor)
    case .inverseSquareRoot(let scale):
      let scale = Double(scale ?? (warmup > 0 ? warmup : 10_000))
      return max(peak * (scale / (u + scale)).squareRoot(), floor)
    case .trapezoid(let fall):
      return between(floor, peak, fall > 0 ? min((1 - progress) / fall, 1) : 1)
    case .oneCycle(let rise, let isLinear, let hasThreePhases):
      return oneCycle(u, length, rise, isLinear: isLinear, hasThreePhases: hasThreePhases)
    case .cyclic(let up, let down):
      let place = u.truncatingRemainder(dividingBy: Double(up) + Double(down))
      let height = place < Double(up) ? place / Double(up) : 1 - (place - Double(up)) / Double(down)
      return between(floor, peak, height)
    }
  }

  /// From `a` (0) to `b` (1).
  private func between(_ a: Double, _ b: Double, _ part: Double) -> Double { a + (b - a) * part }

  /// Half a wave from the peak (0) to the floor (1).
  private func wave(_ part: Double) -> Double {
    between(floor, peak, (1 + cos(.pi * part)) / 2)
  }

  private func restarts(_ u: Double, _ first: Double, _ growth: Double) -> Double {
    guard growth > 1 else { return wave(u.truncatingRemainder(dividingBy: first) / first) }
    var (place, length) = (u, first)
    while place >= length {
      place -= length
      length *= growth
    }
    return wave(place / length)
  }

  private func oneCycle(
    _ u: Double, _ length: Double, _ rise: Double, isLinear: Bool, hasThreePhases: Bool
  ) -> Double {
    let start = peak / 25
    let end = start / 10_000
    // Each phase ends one step early, so that the last step has the last rate.
    var phases = [(until: rise * length - 1, rate: peak)]
    if hasThreePhases { phases.append((until: 2 * rise * length - 2, rate: start)) }
    phases.append((until: length - 1, rate: end))
    var (before, rate) = (0.0, start)
    for phase in phases {
      if u <= phase.until {
        let width = phase.until - before
        let part = width > 0 ? (u - before) / width : 1
        return between(rate, phase.rate, isLinear ? part : (1 - cos(.pi * part)) / 2)
      }
      (before, rate) = (max(phase.until, 0), phase.rate)
    }
    return end
  }
}
