import Tensors
import TestSupport
import Testing

/// Products of rows that were taken from a table are computed with the table.
@Suite struct TableProductsTests {
  /// 40 numbers of 7 rows, some of them out of range.
  private static let ids = Tensor((0..<40).map { Int32($0 * 5 % 11 - 2) }, shape: [4, 10])

  /// tanh(rows W) V, with rows taken by `take`, and its gradients with respect to table, W and V.
  private func formula(_ table: Tensor, _ w: Tensor, _ v: Tensor, take: (Tensor) -> Tensor)
    -> [Tensor]
  {
    let parameters = zip(["table", "w", "v"], [table, w, v]).map { Tensor(Alias($0), [$1]) }
    let y = matrixProduct(
      matrixProduct(take(parameters[0]), parameters[1].transposed()).tanh(), parameters[2])
    let slopes = gradients(of: [y], seeds: [y.cos()], by: parameters)
    return [y] + slopes.map { $0! }
  }

  @Test(arguments: [1, 7, 30])
  func `Values and gradients are those of one-hot vectors times the table`(rows: Int) {
    let (table, w, v) = (normal([rows, 5]), normal([6, 5], 2), normal([6, 3], 3))
    let places = minimum(maximum(Self.ids, 0), Double(rows - 1))
    let found = formula(table, w, v) { $0.rows(Self.ids) }
    let expected = formula(table, w, v) { matrixProduct(places.oneHot(rows, .float64), $0) }
    for (a, b) in zip(found, expected) { #expect(isClose(a, b, 1e-12)) }
  }

  @Test func `A table of few rows is multiplied instead of the rows taken`() {
    let types = [TensorType([7, 5]), TensorType([6, 5]), TensorType([6, 3])]
    let arguments = types.map { Tensor(Placeholder($0), []) }
    let results = formula(arguments[0], arguments[1], arguments[2]) { $0.rows(Self.ids) }
    let program = Program.trace(results, arguments: arguments).program
    let rows = program.instructions.filter { $0.primitive is MatrixProduct }.map {
      program.operandTypes($0).map(\.shape)
    }
    #expect(rows.count == 6)
    // Value, and gradients of table and W.
    #expect(
      rows.filter { $0.contains([7, 5]) || $0 == [[7, 6], [6, 5]] }.count == 3, "\(program)")
  }

  @Test func `A large table is left alone`() {
    let (table, w) = (
      Tensor(Placeholder(TensorType([21, 5])), []), Tensor(Placeholder(TensorType([5, 6])), [])
    )
    let y = matrixProduct(table.rows(Self.ids), w)
    let program = Program.trace([y], arguments: [table, w]).program
    #expect(program.instructions.last?.primitive is MatrixProduct, "\(program)")
  }
}
