public import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// How far one number of several chains can be trusted: whether they agree, and how many independent draws they are worth.
///
/// Gelman et al., Bayesian Data Analysis 3, sections 11.4 and 11.5: every chain is cut in half, so that a slow drift shows
/// as a disagreement; autocorrelations are summed as long as pairs of them are positive and fall (Geyer 1992).
public struct ChainDiagnostics: Sendable {
  public let mean: Double
  /// The variance of the number, not that of its mean.
  public let variance: Double
  /// The potential by which the spread may still shrink: below 1.01 chains agree. NaN where nothing varies.
  public let rHat: Double
  /// Independent draws that would give the mean as well.
  public let effectiveSize: Double

  /// The deviation of the mean that chance alone gives.
  public var standardError: Double { (variance / effectiveSize).squareRoot() }

  /// - Parameter trace: the number after every move, [moves, chains]; at least 4 moves.
  public init(_ trace: Tensor) {
    guard trace.rank == 2, trace.shape[0] >= 4 else {
      fail("diagnostics read [moves, chains] of 4 moves or more, not \(trace.shape)")
    }
    let (moves, chains) = (trace.shape[0], trace.shape[1])
    let numbers = trace.cast(to: .float64).transposed().doubles()
    let half = moves / 2
    self.init(
      chains: (0..<chains).flatMap { chain in
        let all = numbers[chain * moves..<(chain + 1) * moves]
        return [Array(all.prefix(half)), Array(all.suffix(half))]
      })
  }

  /// Chains of one length, already cut.
  private init(chains: [[Double]]) {
    let (count, length) = (Double(chains.count), Double(chains[0].count))
    let means = chains.map { $0.reduce(0, +) / length }
    let mean = means.reduce(0, +) / count
    let centered = zip(chains, means).map { chain, mean in chain.map { $0 - mean } }
    let spread = means.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / (count - 1)
    let within = Self.covariance(centered, lag: 0) * length / (length - 1)
    let total = within * (length - 1) / length + spread
    self.mean = mean
    variance = total
    rHat = (total / within).squareRoot()

    func correlation(_ lag: Int) -> Double {
      1 - (within - Self.covariance(centered, lag: lag)) / total
    }
    var time = -1.0
    var least = Double.infinity
    for lag in stride(from: 0, to: chains[0].count - 1, by: 2) {
      let pair = (lag == 0 ? 1 : correlation(lag)) + correlation(lag + 1)
      guard pair > 0 else { break }
      least = min(least, pair)
      time += 2 * least
    }
    // Chains that swing to the other side are worth more than as many draws, within reason.
    let draws = count * length
    effectiveSize = total > 0 ? min(draws / time, draws * log10(draws)) : .nan
  }

  /// The mean product of deviations so far apart, over all chains.
  private static func covariance(_ chains: [[Double]], lag: Int) -> Double {
    let length = chains[0].count
    let sum = chains.reduce(0.0) { sum, chain in
      (0..<length - lag).reduce(sum) { $0 + chain[$1] * chain[$1 + lag] }
    }
    return sum / Double(length * chains.count)
  }
}
