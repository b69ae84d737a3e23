internal import Foundation

/// A distribution over symbols as whole frequencies, for coding.
///
/// No frequency is 0, so that every symbol can be written; together they are about 2²⁴, so that rounding costs less than
/// 10⁻⁴ bits a symbol for alphabets up to 256.
public struct SymbolFrequencies: Sendable {
  /// Frequencies before each symbol, and of all.
  private let starts: [UInt32]

  /// - Parameter probabilities: not negative, of sum 1 or nearly so; NaN counts as 0.
  public init(_ probabilities: some Collection<Float>) {
    var starts: [UInt32] = [0]
    starts.reserveCapacity(probabilities.count + 1)
    var sum: UInt32 = 0
    for probability in probabilities {
      sum += 1 + UInt32(min(max(0, probability.isNaN ? 0 : probability), 1) * 0x1p24)
      starts.append(sum)
    }
    self.starts = starts
  }

  public var count: Int { starts.count - 1 }
  private var total: UInt32 { starts[count] }

  /// −log₂ of what a symbol's frequency says.
  public func bits(of symbol: Int) -> Double {
    -log2(Double(starts[symbol + 1] - starts[symbol]) / Double(total))
  }

  /// −log₂ of a probability as a model gives it.
  static func bits(_ probability: Float) -> Double {
    -log2(Double(max(probability, .leastNonzeroMagnitude)))
  }

  public func encode(_ symbol: Int, to encoder: inout RangeEncoder) {
    encoder.encode(
      start: starts[symbol], frequency: starts[symbol + 1] - starts[symbol], of: total)
  }

  public func decode(from decoder: inout RangeDecoder) -> Int {
    let target = decoder.target(of: total)
    // The last symbol that starts at or before the target.
    var (low, high) = (0, count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= target { low = middle } else { high = middle }
    }
    decoder.advance(start: starts[low], frequency: starts[low + 1] - starts[low], of: total)
    return low
  }
}
