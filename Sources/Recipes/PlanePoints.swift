internal import Datasets
public import Layers
internal import Reports
public import Tensors
public import Training

/// A distribution in the plane whose density is known, as data of recipes.
public struct PlanePoints: Sendable {
  private let distribution: ToyDistribution
  /// Half the edge of the square that figures show.
  private static let limit = 4.5

  /// - Parameter name: such as "two-moons".
  public init(_ name: String) throws {
    guard let distribution = ToyDistribution(rawValue: name) else {
      throw UnknownDistribution(name: name)
    }
    self.distribution = distribution
  }

  struct UnknownDistribution: Error, CustomStringConvertible {
    let name: String
    var description: String {
      let known = ToyDistribution.allCases.map(\.rawValue).joined(separator: ", ")
      return "data: there is no distribution \"\(name)\" in the plane; there are \(known)."
    }
  }

  /// Points [batch, 2].
  public func data() -> DataSplit<Examples<Tensor>> {
    func points(_ count: Int, _ seed: UInt64) -> Examples<Tensor> {
      let points = distribution.sample(count, seed: seed)
      return Examples(count) { indices in
        Tensor(indices.flatMap { points[2 * $0..<2 * $0 + 2] }, shape: [indices.count, 2])
      }
    }
    return DataSplit(
      training: points(200_000, 1), heldOut: points(20_000, 2), heldOutName: "held-out points")
  }

  /// What the distribution itself gives the first held-out points, in nats, in words.
  var truth: String {
    let points = distribution.sample(2000, seed: 2)
    let sum = stride(from: 0, to: points.count, by: 2).map {
      -distribution.logDensity(x: Double(points[$0]), y: Double(points[$0 + 1]))
    }.reduce(0, +)
    let rounded = (sum / Double(points.count / 2) * 100).rounded() / 100
    return "\(distribution.rawValue), whose own density gives \(rounded)"
  }

  /// Points [count, 2], a line each.
  static func lines(_ points: Tensor) -> [String] {
    let numbers = points.floats()
    return stride(from: 0, to: numbers.count, by: 2).map { "\(numbers[$0]) \(numbers[$0 + 1])" }
  }

  /// The data's points, and points drawn from a model, over its density.
  /// - Parameters:
  ///   - density: of points [count, 2], [count].
  ///   - samples: points [count, 2].
  func figures(
    _ data: DataSplit<Examples<Tensor>>, samples: Tensor, density: (Tensor) -> Tensor
  ) -> [Figure] {
    let side = 160
    let step = 2 * Self.limit / Double(side)
    let places = (0..<side).map { (Double($0) + 0.5) * step - Self.limit }
    let grid = places.reversed().flatMap { y in places.flatMap { x in [Float(x), Float(y)] } }
    let levels = density(Tensor(grid, shape: [side * side, 2])).floats()
    return [data.heldOut.batch(Array(0..<600)), samples].enumerated().map { i, points in
      let points = points.doubles()
      return .density(
        DensityMap(
          points: stride(from: 0, to: points.count, by: 2).map {
            .init(x: points[$0], y: points[$0 + 1])
          }, limit: Self.limit, density: levels, side: side,
          note: i == 0 ? distribution.rawValue : "points drawn from the model"))
    }
  }
}
