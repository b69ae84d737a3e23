internal import Foundation

/// Distributions in the plane, within about ±4 of the origin. Each can be sampled and has a known
/// density, so that a model's likelihood can be compared with the true one.
public enum ToyDistribution: String, CaseIterable, Sendable {
  /// Two half circles that hook into each other, of radius 2, blurred by 0.2.
  case twoMoons = "two-moons"
  /// Eight Gaussians of deviation 0.2 on a circle of radius 2.
  case eightGaussians = "eight-gaussians"
  /// Eight Gaussians of deviation 0.02 on a circle of radius 2: a test of lost modes.
  case eightPoints = "eight-points"
  /// 25 Gaussians of deviation 0.05 on a grid of spacing 1.5.
  case gaussianGrid = "gaussian-grid"
  /// Uniform on the 8 dark squares, of edge 2, of a board from -4 to 4.
  case checkerboard
  /// Three circles of radius 1, 2 and 3, blurred by 0.1.
  case rings
  /// Two arms that wind around each other, blurred by 0.1.
  case twoSpirals = "two-spirals"
  /// Five arms of a turning wheel.
  case pinwheel
  /// A spiral of one arm, blurred by 0.15.
  case swissRoll = "swiss-roll"

  /// Points, x and y in turn: [count, 2]. The same seed gives the same points; a smaller count gives
  /// the first of them.
  public func sample(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    var points: [Float] = []
    points.reserveCapacity(2 * max(0, count))
    for _ in 0..<max(0, count) {
      let point = self.point(&random)
      points.append(Float(point.x))
      points.append(Float(point.y))
    }
    return points
  }

  /// The logarithm of the density at a point, in nats; minus infinity where no point falls.
  /// Blurred curves are integrated numerically, to about 1e-6.
  public func logDensity(x: Double, y: Double) -> Double {
    let point = Point(x: x, y: y)
    switch shape {
    case .gaussians(let centers, let deviation):
      return logMean(centers.lazy.map { logGaussian(point, around: $0, deviation: deviation) })
    case .curves(let curves, let deviation):
      return logMean(
        curves.lazy.map { curve in
          logSum(
            curve.nodes.map {
              $0.logWeight + logGaussian(point, around: $0.point, deviation: deviation)
            })
        })
    case .board:
      return Self.isDark(x, y) ? -log(32) : -.infinity
    case .wheel(let wheel):
      return logMean((0..<wheel.arms).lazy.map { wheel.logDensity(point, arm: $0) })
    }
  }

  /// Centres, x and y in turn, and deviation where the distribution is a mixture of equally likely Gaussians; else nil.
  public var modes: (centers: [Double], deviation: Double)? {
    guard case .gaussians(let centers, let deviation) = shape else { return nil }
    return (centers.flatMap { [$0.x, $0.y] }, deviation)
  }

  private func point(_ random: inout SplitMix64) -> Point {
    switch shape {
    case .gaussians(let centers, let deviation):
      let center = centers[random.integer(below: centers.count)]
      let noise = random.normals()
      return Point(x: center.x + deviation * noise.0, y: center.y + deviation * noise.1)
    case .curves(let curves, let deviation):
      let center = curves[random.integer(below: curves.count)].sample(&random)
      let noise = random.normals()
      return Point(x: center.x + deviation * noise.0, y: center.y + deviation * noise.1)
    case .board:
      let square = random.integer(below: 8)
      let (row, column) = (square / 2, square % 2 * 2 + square / 2 % 2)
      return Point(
        x: Double(2 * column) - 4 + 2 * random.uniform(),
        y: Double(2 * row) - 4 + 2 * random.uniform())
    case .wheel(let wheel):
      let arm = random.integer(below: wheel.arms)
      return wheel.point(arm: arm, noise: random.normals())
    }
  }

  private static func isDark(_ x: Double, _ y: Double) -> Bool {
    guard abs(x) < 4, abs(y) < 4 else { return false }
    return (Int((x + 4) / 2) + Int((y + 4) / 2)) % 2 == 0
  }

  private enum Shape {
    case gaussians(centers: [Point], deviation: Double)
    case curves([Curve], deviation: Double)
    case board
    case wheel(Wheel)
  }

  private var shape: Shape { Self.shapes[self, default: .board] }

  private static let shapes = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, $0.makeShape()) })

  private func makeShape() -> Shape {
    switch self {
    case .eightGaussians: return .gaussians(centers: Self.circle, deviation: 0.2)
    case .eightPoints: return .gaussians(centers: Self.circle, deviation: 0.02)
    case .gaussianGrid:
      let steps = (-2...2).map { 1.5 * Double($0) }
      return .gaussians(
        centers: steps.flatMap { x in steps.map { Point(x: x, y: $0) } }, deviation: 0.05)
    case .checkerboard: return .board
    case .pinwheel: return .wheel(Wheel())
    case .twoMoons:
      let upper = Curve { Point(x: 2 * cos(.pi * $0) - 1, y: 2 * sin(.pi * $0) - 0.5) }
      let lower = Curve { Point(x: 1 - 2 * cos(.pi * $0), y: 0.5 - 2 * sin(.pi * $0)) }
      return .curves([upper, lower], deviation: 0.2)
    case .rings:
      let circles = [1.0, 2.0, 3.0].map { radius in
        Curve { Point(radius: radius, angle: 2 * .pi * $0) }
      }
      return .curves(circles, deviation: 0.1)
    case .twoSpirals:
      // Outer turns are longer, and get as many more points.
      let arms = [0, Double.pi].map { start in
        Curve(thickens: true) { Point(radius: 3.5 * $0, angle: 3 * .pi * $0 + start) }
      }
      return .curves(arms, deviation: 0.1)
    case .swissRoll:
      let roll = Curve {
        let angle = 1.5 * Double.pi * (1 + 2 * $0)
        return Point(radius: angle * 3.5 / (4.5 * .pi), angle: angle)
      }
      return .curves([roll], deviation: 0.15)
    }
  }

  private static let circle = (0..<8).map { Point(radius: 2, angle: .pi / 4 * Double($0)) }
}

/// A point of the plane.
private struct Point: Sendable {
  var x, y: Double

  init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  init(radius: Double, angle: Double) {
    self.init(x: radius * cos(angle), y: radius * sin(angle))
  }

  func turned(by angle: Double) -> Point {
    Point(x: x * cos(angle) - y * sin(angle), y: x * sin(angle) + y * cos(angle))
  }
}

/// A curve over a parameter from 0 to 1.
private struct Curve: Sendable {
  let point: @Sendable (_ parameter: Double) -> Point
  /// Whether points come the more often the larger the parameter is, in proportion.
  let thickens: Bool
  /// Points and logarithms of weights whose weighted sum is the integral over the distribution on the curve:
  /// Gauss and Legendre's three in each of many panels.
  let nodes: [(point: Point, logWeight: Double)]

  init(thickens: Bool = false, _ point: @escaping @Sendable (_ parameter: Double) -> Point) {
    self.point = point
    self.thickens = thickens
    let panels = 500
    let panel: [(place: Double, weight: Double)] = [
      (0.5 - 0.15.squareRoot(), 5.0 / 18), (0.5, 8.0 / 18), (0.5 + 0.15.squareRoot(), 5.0 / 18),
    ]
    nodes = (0..<panels).flatMap { index in
      panel.map { place, weight in
        let parameter = (Double(index) + place) / Double(panels)
        let density = thickens ? 2 * parameter : 1
        return (point(parameter), log(weight * density / Double(panels)))
      }
    }
  }

  func sample(_ random: inout SplitMix64) -> Point {
    let uniform = random.uniform()
    return point(thickens ? uniform.squareRoot() : uniform)
  }
}

/// A long Gaussian beside the origin for each arm, turned by an angle that grows with the distance
/// from the origin. Such turning keeps areas, so densities are those of the Gaussian.
private struct Wheel: Sendable {
  let arms = 5
  let center = 1.8
  let length = 0.6
  let breadth = 0.15
  let turnPerLength = 0.6

  private func turn(_ distance: Double, _ arm: Int) -> Double {
    turnPerLength * distance + 2 * .pi * Double(arm) / Double(arms)
  }

  func point(arm: Int, noise: (Double, Double)) -> Point {
    let straight = Point(x: center + length * noise.0, y: breadth * noise.1)
    return straight.turned(by: turn(hypot(straight.x, straight.y), arm))
  }

  func logDensity(_ point: Point, arm: Int) -> Double {
    let straight = point.turned(by: -turn(hypot(point.x, point.y), arm))
    let (along, across) = ((straight.x - center) / length, straight.y / breadth)
    return -(along * along + across * across) / 2 - log(2 * .pi * length * breadth)
  }
}

private func logGaussian(_ point: Point, around center: Point, deviation: Double) -> Double {
  let (x, y) = (point.x - center.x, point.y - center.y)
  let variance = deviation * deviation
  return -(x * x + y * y) / (2 * variance) - log(2 * .pi * variance)
}

/// The logarithm of the sum of the exponentials.
private func logSum(_ logarithms: some Sequence<Double>) -> Double {
  let values = Array(logarithms)
  guard let largest = values.max(), largest > -.infinity else { return -.infinity }
  return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
}

/// The logarithm of the mean of the exponentials.
private func logMean(_ logarithms: some Collection<Double>) -> Double {
  logSum(logarithms) - log(Double(logarithms.count))
}
