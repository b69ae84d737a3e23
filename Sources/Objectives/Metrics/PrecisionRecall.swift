internal import Layers
public import Tensors

/// Improved precision and recall (Kynkäänniemi et al., arXiv:1904.06991, eq. 1 and 2): how many fakes lie among the data,
/// and how much of the data lies among the fakes.
///
/// A set's region is the union of balls around its points, each reaching to its k-th neighbour in the set.
public struct PrecisionRecall: Sendable, Equatable {
  public let precision: Double
  public let recall: Double

  /// - Parameters:
  ///   - real: features of data, [count, width]; more than `neighbors` of them.
  ///   - fake: features of samples, [count, width].
  public init(real: Tensor, fake: Tensor, neighbors: Int = 3) {
    let (real, fake) = (real.cast(to: .float64).evaluated(), fake.cast(to: .float64).evaluated())
    precision = Self.share(of: fake, within: real, neighbors)
    recall = Self.share(of: real, within: fake, neighbors)
  }

  /// The share of points that lie in the region of a set.
  private static func share(of points: Tensor, within set: Tensor, _ neighbors: Int) -> Double {
    guard neighbors > 0, set.shape[0] > neighbors else {
      fail("the \(neighbors)-th neighbour needs more than \(set.shape[0]) points")
    }
    // The nearest of all is the point itself.
    let radii = parts(of: set).map { rows in
      squaredDistances(rows, set).topK(neighbors + 1, -1, largest: false).values
        .element(1, neighbors).evaluated()
    }
    let reach = concatenate(radii).expanded(0).evaluated()
    let inside = parts(of: points).map { rows in
      let isNear = squaredDistances(rows, set).lessOrEqual(to: reach).cast(to: .float64)
      return isNear.max([1]).sum().scalar
    }
    return inside.reduce(0, +) / Double(points.shape[0])
  }

  /// So few rows at a time that their distances fit into memory.
  private static func parts(of points: Tensor) -> [Tensor] {
    stride(from: 0, to: points.shape[0], by: 500).map {
      points.sliced(0, $0..<min($0 + 500, points.shape[0]))
    }
  }

  private static func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor {
    let squares = a.square().sum([1], keepsAxes: true) + b.square().sum([1]).expanded(0)
    return maximum(squares - matrixProduct(a, b.transposed()) * 2, 0)
  }
}
