// Products of rows that were taken from a small table, as embeddings are: what is the same for every use of a row is
// computed once for the row.

extension ProgramBuilder {
  /// Rows of a table by number, behind a change of shape: where they are at least twice as many as the table has.
  private func takenRows(_ value: Int) -> (table: Int, ids: Int)? {
    let gathered = source(value, Reshape.self)?.operands[0] ?? value
    guard let (_, operands) = source(gathered, Gather.self) else { return nil }
    let (table, ids) = (program.types[operands[0]], program.types[operands[1]])
    guard table.rank == 2, program.types[value].shape.last == table.shape[1],
      2 * table.shape[0] <= ids.count
    else { return nil }
    return (operands[0], operands[1])
  }

  /// Rows summed by the number of the table's row that each belongs to.
  private mutating func summed(_ rows: Int, by ids: Int, _ table: Int) -> Int {
    let width = program.types[rows].shape.last!
    let updates = program.types[rows].with(program.types[ids].shape + [width])
    let sums = updates.with([program.types[table].shape[0], width])
    return append(
      ScatterAdd(rows: sums.shape[0]), [ids, reshape(rows, updates)[0]], [sums])[0]
  }

  /// rows(T, ids) W = rows(T W, ids), and rows(T, ids)ᵀ G = Tᵀ sums(G, ids), also with the operands exchanged.
  mutating func ofTable(_ product: MatrixProduct, _ operands: [Int], _ type: TensorType) -> [Int]? {
    let (a, b) = (operands[0], operands[1])
    guard program.types[b].rank == 2 else { return nil }
    if !product.transposesLeft, let (table, ids) = takenRows(a) {
      let small = type.with([program.types[table].shape[0], type.shape.last!])
      let rows = append(product, [table, b], [small])
      let taken = type.with(program.types[ids].shape + [small.shape[1]])
      return reshape(append(Gather(), [rows[0], ids], [taken])[0], type)
    }
    guard product.transposesLeft, !product.transposesRight, program.types[a].rank == 2 else {
      return nil
    }
    if let (table, ids) = takenRows(a) {
      return append(product, [table, summed(b, by: ids, table)], [type])
    }
    if let (table, ids) = takenRows(b) {
      return append(product, [summed(a, by: ids, table), table], [type])
    }
    return nil
  }

  /// sums(G W, ids) = sums(G, ids) W.
  mutating func ofTable(_ sum: ScatterAdd, _ operands: [Int], _ type: TensorType) -> [Int]? {
    let ids = program.types[operands[0]]
    let updates = source(operands[1], Reshape.self)?.operands[0] ?? operands[1]
    guard type.rank == 2, 2 * sum.rows <= ids.count,
      let (product, factors) = source(updates, MatrixProduct.self), !product.transposesLeft,
      program.types[factors[1]].rank == 2, program.types[updates].shape.last == type.shape[1]
    else { return nil }
    let width = program.types[factors[0]].shape.last!
    let wide = type.with(ids.shape + [width])
    let rows = reshape(factors[0], wide)[0]
    let sums = append(sum, [operands[0], rows], [type.with([sum.rows, width])])
    return append(product, [sums[0], factors[1]], [type])
  }
}
