internal import Layers
internal import Tensors

extension Tensor {
  /// 1 on the diagonal, else 0: [count, count].
  static func identity(_ count: Int, _ dataType: DataType = .float32) -> Tensor {
    Tensor.range(count).oneHot(count, dataType)
  }

  /// The matrix X with self · X = `right`, and log |det self|: by elimination that takes the rows in their order, as is right
  /// for triangular and for positive definite matrices.
  ///
  /// - Parameter right: [size, columns].
  func solved(_ right: Tensor) -> (solution: Tensor, logDeterminant: Tensor) {
    let size = shape[0]
    let start = Pair(concatenate([self, right], axis: 1), Tensor.zeros([], dataType))
    let units = Tensor.identity(size, dataType)
    let (end, _) = scan(start, over: units) { state, unit in
      let rows = state.first
      let square = rows.sliced(1, 0..<size)
      let pivotRow = (rows * unit.expanded(1)).sum([0], keepsAxes: true)
      let pivot = (pivotRow.sliced(1, 0..<size) * unit).sum()
      let column = (square * unit).sum([1], keepsAxes: true) - unit.expanded(1)
      state = Pair(rows - column * (pivotRow / pivot), state.second + pivot.abs().log())
      return Nothing()
    }
    return (end.first.sliced(1, size..<size + right.shape[1]), end.second)
  }
}
