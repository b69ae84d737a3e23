/// How fast a run goes and how long it will take, smoothed over the last 10 seconds.
public struct Pace: Sendable, Equatable {
  /// The seconds over which the speed is taken.
  static let window = 10.0
  /// The seconds before which nothing is said about the time left.
  static let silence = 2.0

  private struct Mark: Sendable, Equatable {
    var step: Int
    var time: Double
  }

  private var marks: [Mark] = []
  private var start: Double?
  private let total: Int

  /// The pace of a run of so many steps.
  public init(steps: Int) { total = steps }

  /// Notes that `step` steps are done at `time`, in seconds of any clock that never goes back.
  public mutating func record(step: Int, at time: Double) {
    if start == nil { start = time }
    // A mark each quarter second is as fine as anyone can see.
    if let last = marks.last, time - last.time < 0.25, marks.count > 1 {
      marks[marks.count - 1].step = step
      return
    }
    marks.append(Mark(step: step, time: time))
    while marks.count > 2, marks[1].time <= time - Pace.window { marks.removeFirst() }
  }

  /// Steps a second; nothing before two moments are known.
  public var stepsPerSecond: Double? {
    guard let first = marks.first, let last = marks.last, last.time > first.time,
      last.step > first.step
    else { return nil }
    return Double(last.step - first.step) / (last.time - first.time)
  }

  /// The seconds left at `time`; nothing in the first 2 seconds.
  public func secondsLeft(at time: Double) -> Double? {
    guard let start, time - start >= Pace.silence, let rate = stepsPerSecond,
      let last = marks.last
    else { return nil }
    return max(0, Double(total - last.step) / rate - (time - last.time))
  }
}

/// When a line is due: at most four redraws a second on a terminal; elsewhere plain lines after
/// 1, 2, 5 and 10 seconds and then every 10 seconds.
public struct Cadence: Sendable, Equatable {
  private let redraws: Bool
  private var start: Double?
  private var next = 0.0
  private static let firstPlainLines = [1.0, 2, 5, 10]

  public init(redraws: Bool) { self.redraws = redraws }

  /// Whether a line is due at `time`, in seconds; if so the next one is planned.
  public mutating func isDue(at time: Double) -> Bool {
    guard let start else {
      self.start = time
      next = redraws ? time + 0.25 : time + Cadence.firstPlainLines[0]
      return redraws
    }
    guard time >= next else { return false }
    if redraws {
      next = time + 0.25
    } else {
      let elapsed = time - start
      let early = Cadence.firstPlainLines.first { $0 > elapsed }
      next = start + (early ?? ((elapsed / 10).rounded(.down) + 1) * 10)
    }
    return true
  }
}
