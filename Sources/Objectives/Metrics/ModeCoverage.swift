internal import Foundation

/// How well samples cover a mixture of equally likely Gaussians whose centres are known.
public struct ModeCoverage: Sendable, Equatable {
  /// The share of samples within three deviations of each centre, which is the nearest.
  public let shares: [Double]
  /// The share of samples within `reach` of the nearest centre.
  public let near: Double

  /// - Parameters:
  ///   - points: coordinates of samples, one point after the other.
  ///   - centers: coordinates of the centres, likewise.
  ///   - width: coordinates of a point.
  ///   - reach: a larger distance within which samples are counted too.
  public init(
    of points: [Double], centers: [Double], width: Int = 2, deviation: Double, reach: Double
  ) {
    precondition(width > 0 && !centers.isEmpty, "modes have centres")
    let (count, modes) = (points.count / width, centers.count / width)
    var counts = [Int](repeating: 0, count: modes)
    var near = 0
    for point in 0..<count {
      let distances = (0..<modes).map { mode in
        (0..<width).reduce(0) { sum, i in
          let difference = points[point * width + i] - centers[mode * width + i]
          return sum + difference * difference
        }.squareRoot()
      }
      guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }) else {
        continue
      }
      if distances[nearest] <= 3 * deviation { counts[nearest] += 1 }
      if distances[nearest] <= reach { near += 1 }
    }
    shares = counts.map { Double($0) / Double(max(count, 1)) }
    self.near = Double(near) / Double(max(count, 1))
  }

  /// The share of samples within three deviations of a centre: 98.9 % of the data in the plane.
  public var precise: Double { shares.reduce(0, +) }

  /// Modes that get at least a tenth of their due.
  public var reached: Int { shares.count { $0 >= 0.1 / Double(shares.count) } }

  /// Σ min(share of a mode, its due): 1 where every sample is precise and all modes are equally frequent. Neither samples
  /// between the modes nor a surplus on some of them count.
  public var overlap: Double { shares.reduce(0) { $0 + min($1, 1 / Double(shares.count)) } }
}
