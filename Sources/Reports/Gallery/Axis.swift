/// The choice of points and ticks of a learning curve: small pure functions.
package enum Axis {
  /// The most held-out points of a plot: each has a dot.
  static let mostHeldOut = 60

  /// At most `limit` points, by the smallest and largest value of buckets of equal size, so that
  /// no peak is lost and none is made up. Values that are not finite are left out.
  package static func decimated(_ points: [LearningCurve.Point], to limit: Int = 240)
    -> [LearningCurve.Point]
  {
    let finite = points.filter { $0.value.isFinite }
    guard finite.count > limit, limit >= 2 else { return finite }
    let buckets = limit / 2
    var kept: [LearningCurve.Point] = []
    kept.reserveCapacity(2 * buckets)
    for bucket in 0..<buckets {
      let range = bucket * finite.count / buckets..<(bucket + 1) * finite.count / buckets
      var (lowest, highest) = (range.lowerBound, range.lowerBound)
      for index in range {
        if finite[index].value < finite[lowest].value { lowest = index }
        if finite[index].value > finite[highest].value { highest = index }
      }
      for index in Set([lowest, highest]).sorted() { kept.append(finite[index]) }
    }
    return kept
  }

  /// Three to five round values that enclose `low` to `high`: steps of 1, 2, 2.5 or 5 times a
  /// power of ten, the finest that still gives at most five.
  package static func ticks(from low: Double, to high: Double) -> [Double] {
    guard low.isFinite, high.isFinite, abs(low) < 1e300, abs(high) < 1e300 else { return [0, 1] }
    let (low, high) = (min(low, high), max(low, high))
    let size = max(abs(low), abs(high))
    let span = high - low > size * 1e-9 ? high - low : max(size * 0.1, 1e-12)
    var exponent = exponentOfTen(span) - 2
    while true {
      for factor in [1, 2, 2.5, 5] {
        let step = factor * power(of: exponent)
        let first = (low / step + 1e-9).rounded(.down)
        let last = max((high / step - 1e-9).rounded(.up), first + 2)
        if last - first <= 4 {
          return Array(stride(from: first, through: last, by: 1)).map { $0 * step }
        }
      }
      exponent += 1
    }
  }

  /// Powers of ten that enclose `low` to `high`, at most five of them.
  package static func logarithmicTicks(from low: Double, to high: Double) -> [Double] {
    guard low > 0, high >= low, high.isFinite else { return [1, 10] }
    let first = exponentOfTen(low)
    let last = max(first + 1, exponentOfTen(high) + (power(of: exponentOfTen(high)) < high ? 1 : 0))
    let step = (last - first + 3) / 4
    return stride(from: first, through: last + step - 1, by: step).map(power(of:))
  }

  /// The tick's number with just the decimals that tell the ticks apart.
  package static func label(_ tick: Double, among ticks: [Double]) -> String {
    let digits = (0...6).first { digits in
      ticks.allSatisfy { tick in
        let scaled = tick * power(of: digits)
        return abs(scaled - scaled.rounded()) < 1e-6 * max(1, abs(scaled))
      }
    }
    guard let digits, ticks.allSatisfy({ abs($0) < 1e6 }) else { return Wording.significant(tick) }
    guard tick.rounded() != tick || abs(tick) < 1000 else { return Wording.count(Int(tick)) }
    let size = coordinate(abs(tick), digits: digits)
    return tick < 0 && size != "0" ? "−" + size : size
  }

  /// The vertical range of a curve: from the lowest value to the value at about 4 % of the steps.
  /// What a falling curve had above that is cut; a rising one is shown to its end.
  package static func range(
    training: [LearningCurve.Point], heldOut: [LearningCurve.Point], steps: Int
  )
    -> ClosedRange<Double>
  {
    let main = heldOut.count >= 3 || training.isEmpty ? heldOut : training
    let early = 0.04 * Double(steps)
    let settled = (training + heldOut).filter { Double($0.step) >= early }
    let values = (settled.isEmpty ? training + heldOut : settled).map(\.value).sorted()
    guard let lowest = values.first, let highest = values.last else { return 0...1 }
    let start = main.first { Double($0.step) >= early } ?? main[0]
    let late = main.suffix(max(1, main.count / 4)).map(\.value).sorted()
    guard late[late.count / 2] <= start.value else { return lowest...highest }
    let usual = values[min(values.count - 1, values.count * 9 / 10)]
    return lowest...max(lowest, min(highest, max(start.value, usual)))
  }
}
