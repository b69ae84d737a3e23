public import Layers
public import Tensors

/// Mixes the channels of every place by one invertible matrix W = P L (U + diag(sign · exp(s))), whose determinant is known
/// (Glow, arXiv:1807.03039, eq. 10 and 11): [batch, …, channels].
public struct InvertibleConvolution: Flow {
  /// A permutation, [channels, channels]; not trained.
  public var permutation: Tensor
  /// ±1, [channels]; not trained.
  public var signs: Tensor
  /// What is below the diagonal of L, whose diagonal is 1: [channels, channels].
  public var lower: Tensor
  /// What is above the diagonal of U: [channels, channels].
  public var upper: Tensor
  /// s, [channels].
  public var logScale: Tensor

  /// Begins as a random rotation.
  public init(channels: Int, key: RandomKey) {
    let rotation = Initializer.orthogonal()([channels, channels], key, .float64).doubles()
    let parts = LUFactors(of: rotation, size: channels)
    func matrix(_ values: [Double]) -> Tensor {
      Tensor(values.map(Float.init), shape: [channels, channels])
    }
    let diagonal = (0..<channels).map { parts.upper[$0 * channels + $0] }
    permutation = matrix(parts.permutation)
    signs = Tensor(diagonal.map { $0 < 0 ? -1 : 1 } as [Float], shape: [channels])
    lower = matrix(parts.lower)
    upper = matrix(parts.upper)
    logScale = Tensor(diagonal.map { Float(abs($0)) }, shape: [channels]).log().evaluated()
  }

  /// L and U + diag(sign · exp(s)), without what training may have left on their wrong sides.
  private var factors: (lower: Tensor, upper: Tensor) {
    let size = logScale.shape[0]
    let row = Tensor.indices([size, size], axis: 0)
    let column = Tensor.indices([size, size], axis: 1)
    let (zero, unit) = (lower.zerosLike(), Tensor.identity(size, lower.dataType))
    let diagonal = unit * (signs * logScale.exp())
    return (
      select(column.less(than: row), lower, zero) + unit,
      select(row.less(than: column), upper, zero) + diagonal
    )
  }

  /// W, [channels, channels].
  public var weight: Tensor {
    let (lower, upper) = factors
    return matrixProduct(permutation, matrixProduct(lower, upper))
  }

  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    let places = x.shape.dropFirst().dropLast().reduce(1, *)
    return (
      matrixProduct(x, weight.transposed()),
      (logScale.sum() * Double(places)).broadcast(to: [x.shape[0]])
    )
  }

  public func inverse(_ z: Tensor) -> Tensor {
    let (lower, upper) = factors
    let inverse = upper.solved(lower.solved(permutation.transposed()).solution).solution
    return matrixProduct(z, inverse.transposed())
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor.buffer("P", &permutation)
    visitor.buffer("sign", &signs)
    visitor("L", &lower)
    visitor("U", &upper)
    visitor("log_s", &logScale)
  }
}

/// P, L and U with A = P L U, the rows of A exchanged so that every pivot is the largest below it.
private struct LUFactors {
  var permutation, lower, upper: [Double]

  init(of matrix: [Double], size n: Int) {
    var (upper, lower) = (matrix, [Double](repeating: 0, count: n * n))
    var rows = Array(0..<n)
    for column in 0..<n {
      let pivot =
        (column..<n).max { abs(upper[$0 * n + column]) < abs(upper[$1 * n + column]) } ?? column
      rows.swapAt(column, pivot)
      for k in 0..<n {
        upper.swapAt(column * n + k, pivot * n + k)
        lower.swapAt(column * n + k, pivot * n + k)
      }
      for row in column + 1..<n {
        let factor = upper[row * n + column] / upper[column * n + column]
        lower[row * n + column] = factor
        for k in column..<n { upper[row * n + k] -= factor * upper[column * n + k] }
      }
    }
    (self.upper, self.lower) = (upper, lower)
    permutation = [Double](repeating: 0, count: n * n)
    for (place, row) in rows.enumerated() { permutation[row * n + place] = 1 }
  }
}
