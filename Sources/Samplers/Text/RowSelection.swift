internal import Foundation

/// Where a walk over numbers, the greatest first, has gathered enough: all above `least` are taken, and so many of those
/// that equal it.
struct Cut {
  var least: Float
  var ties: Int

  /// Takes everything.
  static let none = Cut(least: -.infinity, ties: .max)

  /// The cut that takes more.
  func union(_ other: Cut) -> Cut {
    if least == other.least { return Cut(least: least, ties: max(ties, other.ties)) }
    return least < other.least ? self : other
  }
}

extension [Float] {
  /// Walks over the numbers, the greatest first, until the weights of those taken reach `target`; takes one at least. In
  /// linear time: the digits of the numbers, read as whole ones, narrow down where the walk ends.
  func cut(reaching target: Double, weight: (Int) -> Double) -> Cut {
    var gathered = 0.0
    var places = [Int32](0..<Int32(count))
    for shift in [21, 10, 0] as [UInt32] {
      var sums = [Double](repeating: 0, count: 2048)
      var isUsed = [Bool](repeating: false, count: 2048)
      func digit(_ place: Int32) -> Int { Int(self[Int(place)].ordered >> shift & 2047) }
      for place in places {
        let digit = digit(place)
        sums[digit] += weight(Int(place))
        isUsed[digit] = true
      }
      guard var end = isUsed.lastIndex(of: true), let lowest = isUsed.firstIndex(of: true) else {
        return .none
      }
      while end > lowest, gathered + sums[end] < target {
        gathered += sums[end]
        end -= 1
      }
      while !isUsed[end] { end += 1 }
      places = places.filter { digit($0) == end }
    }
    // All that are left are equal.
    var ties = 0
    while ties < places.count, ties == 0 || gathered < target {
      gathered += weight(Int(places[ties]))
      ties += 1
    }
    return Cut(least: self[Int(places[0])], ties: ties)
  }

  /// The greatest `count` numbers.
  func cut(count: Int) -> Cut {
    count >= self.count ? .none : cut(reaching: Double(count)) { _ in 1 }
  }

  /// The places of the greatest numbers, the greatest first; of equal ones the first.
  func greatest(_ count: Int) -> [Int] {
    if count == 1 { return greatestPlace.map { [$0] } ?? [] }
    let cut = cut(count: count)
    var ties = cut.ties
    var taken: [Int] = []
    for i in indices where self[i] >= cut.least {
      if self[i] == cut.least {
        guard ties > 0 else { continue }
        ties -= 1
      }
      taken.append(i)
    }
    return taken.sorted { self[$0] == self[$1] ? $0 < $1 : self[$0] > self[$1] }
  }

  /// The first place of the greatest number; nil without numbers.
  var greatestPlace: Int? {
    guard var best = indices.first else { return nil }
    var value = self[best]
    for i in indices where self[i] > value { (best, value) = (i, self[i]) }
    return best
  }

  /// exp(x) over its sum. −∞ has none; where all are −∞ all are 0.
  var softmax: [Float] {
    guard let place = greatestPlace, self[place] > -.infinity else {
      return [Float](repeating: 0, count: count)
    }
    let greatest = self[place]
    var sum = 0.0
    var exponentials = self
    for i in indices {
      exponentials[i] = self[i] == -.infinity ? 0 : exp(self[i] - greatest)
      sum += Double(exponentials[i])
    }
    let factor = Float(1 / sum)
    for i in indices { exponentials[i] *= factor }
    return exponentials
  }

  /// Σ exp(x − greatest) in single precision, from 16 numbers on as sixteen sums side by side: in PyTorch's order, so that
  /// texts whose probabilities differ by rounding alone rank as they do there.
  private func exponentialSum(less greatest: Float) -> Float {
    guard count >= 16 else { return reduce(0) { $0 + exp($1 - greatest) } }
    var lanes = SIMD16<Float>.zero
    for i in indices { lanes[i & 15] += exp(self[i] - greatest) }
    let eight = lanes.lowHalf + lanes.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
  }

  /// x − log Σ exp(x).
  var logSoftmax: [Float] {
    guard let place = greatestPlace, self[place] > -.infinity else { return self }
    // The greatest first: a sum of both would lose digits.
    let (greatest, sum) = (self[place], log(exponentialSum(less: self[place])))
    return map { $0 - greatest - sum }
  }

  /// −Σ p log p of the softmax.
  var entropy: Double {
    logSoftmax.reduce(0) { $1 == -.infinity ? $0 : $0 - Double($1) * Double(exp($1)) }
  }
}

extension Float {
  /// A whole number in the order of the numbers; −0 is 0.
  fileprivate var ordered: UInt32 {
    let bits = (self + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }
}
