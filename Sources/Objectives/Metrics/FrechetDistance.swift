public import Tensors

/// Mean and covariance of features, as a Gaussian.
public struct FeatureMoments: Sendable {
  /// [width].
  public let mean: [Double]
  /// [width, width], row by row.
  public let covariance: [Double]

  /// - Parameter features: [count, width], at least two rows; the covariance is the unbiased one.
  public init(of features: Tensor) {
    let x = features.cast(to: .float64)
    let count = x.shape[0]
    guard count > 1 else { fail("a covariance needs more than \(count) rows of features") }
    let mean = x.mean([0], keepsAxes: true)
    let centered = x - mean
    covariance = (matrixProduct(centered.transposed(), centered) / Double(count - 1)).doubles()
    self.mean = mean.doubles()
  }

  /// - Parameter covariance: symmetric, row by row.
  public init(mean: [Double], covariance: [Double]) {
    guard covariance.count == mean.count * mean.count else {
      fail("\(mean.count) means do not go with \(covariance.count) covariances")
    }
    self.mean = mean
    self.covariance = covariance
  }

  /// The squared Fréchet distance of two Gaussians, ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) (Dowson and Landau 1982), which
  /// is the FID where the features are Inception's (Heusel et al., arXiv:1706.08500).
  public func frechetDistance(to other: FeatureMoments) -> Double {
    let width = mean.count
    guard other.mean.count == width else {
      fail("features of \(width) and \(other.mean.count) numbers have no distance")
    }
    let means = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let traces = (0..<width).reduce(0) {
      $0 + covariance[$1 * (width + 1)] + other.covariance[$1 * (width + 1)]
    }
    // (Σ₁ Σ₂)^½ has the trace of (√Σ₁ Σ₂ √Σ₁)^½, which is symmetric.
    let root = Tensor(SymmetricMatrix(covariance, width).squareRoot, shape: [width, width])
    let middle = matrixProduct(
      matrixProduct(root, Tensor(other.covariance, shape: [width, width])), root)
    let product = SymmetricMatrix(
      ((middle + middle.transposed()) * 0.5).doubles(), width
    ).eigen.values
    return max(0, means + traces - 2 * product.reduce(0) { $0 + max($1, 0).squareRoot() })
  }
}

/// A symmetric matrix and what its eigenvalues tell.
struct SymmetricMatrix {
  private let elements: [Double]
  private let width: Int

  /// - Parameter elements: row by row.
  init(_ elements: [Double], _ width: Int) {
    self.elements = elements
    self.width = width
  }

  /// Eigenvalues, and eigenvectors as rows, by Jacobi's rotations (Golub and Van Loan, "Matrix computations", section 8.5).
  var eigen: (values: [Double], vectors: [Double]) {
    var a = elements
    var vectors = [Double](repeating: 0, count: width * width)
    for i in 0..<width { vectors[i * (width + 1)] = 1 }
    let size = elements.reduce(0) { $0 + $1 * $1 }
    for _ in 0..<60 {
      var outside = 0.0
      for p in 0..<width { for q in 0..<p { outside += a[p * width + q] * a[p * width + q] } }
      if outside <= 1e-30 * size { break }
      for p in 0..<width {
        for q in (p + 1)..<max(width, p + 1) { rotate(&a, &vectors, p, q) }
      }
    }
    return ((0..<width).map { a[$0 * (width + 1)] }, vectors)
  }

  /// Turns the axes p and q so that the element between them vanishes.
  private func rotate(_ a: inout [Double], _ vectors: inout [Double], _ p: Int, _ q: Int) {
    let between = a[p * width + q]
    guard between != 0 else { return }
    let ratio = (a[q * width + q] - a[p * width + p]) / (2 * between)
    let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot()
    let sine = tangent * cosine
    func turn(_ x: inout [Double], _ first: Int, _ second: Int) {
      let (one, two) = (x[first], x[second])
      x[first] = cosine * one - sine * two
      x[second] = sine * one + cosine * two
    }
    for k in 0..<width { turn(&a, p * width + k, q * width + k) }
    for k in 0..<width { turn(&a, k * width + p, k * width + q) }
    for k in 0..<width { turn(&vectors, p * width + k, q * width + k) }
  }

  /// The symmetric square root, row by row; eigenvalues that rounding made negative count as 0.
  var squareRoot: [Double] {
    let (values, vectors) = eigen
    let rows = Tensor(vectors, shape: [width, width])
    let roots = Tensor(values.map { max($0, 0).squareRoot() }).expanded(1)
    return matrixProduct(rows.transposed(), rows * roots).doubles()
  }
}
