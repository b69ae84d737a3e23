import Tensors
import TestSupport
import Testing

@Suite(.onEveryDevice) struct RowTests {
  // MARK: Softmax

  @Test func `Softmax, its logarithm and the log of the sum agree with their definitions`() {
    let x = normal([3, 5, 4]) * 3
    for axis in [-1, 0, 1] {
      let powers = x.exp()
      let sum = powers.sum([axis], keepsAxes: true)
      #expect(isClose(x.softmax(axis), powers / sum, 1e-12))
      #expect(isClose(x.logSoftmax(axis), (powers / sum).log(), 1e-12))
      #expect(isClose(x.logSumExp(axis), sum.log().squeezed(axis), 1e-12))
      #expect(isClose(x.logSumExp(axis, keepsAxis: true), sum.log(), 1e-12))
    }
  }

  @Test func `Softmax does not overflow and gives zeros where everything is masked`() {
    let infinity = Float.infinity
    let x = Tensor([1000, 1000, -infinity, -infinity, -infinity, -infinity], shape: [2, 3])
    #expect(x.softmax().floats() == [0.5, 0.5, 0, 0, 0, 0])
    #expect(x.logSumExp().floats()[1] == -infinity)
    #expect(abs(x.logSumExp().floats()[0] - 1000.6931) < 1e-3)
  }

  @Test func `Softmax of 16-bit floats is computed in float32`() {
    let x = normal([4, 9]).cast(to: .bfloat16)
    let y = x.softmax()
    #expect(y.dataType == .bfloat16)
    #expect(isClose(y, x.cast(to: .float32).softmax(), 4e-3))
  }

  @Test func `Gradients of softmax and its relatives agree with differences`() {
    let x = normal([2, 3, 4])
    checkDifferences(at: [x]) { $0[0].softmax() }
    checkDifferences(at: [x]) { $0[0].softmax(1) }
    checkDifferences(at: [x]) { $0[0].logSoftmax() }
    checkDifferences(at: [x]) { $0[0].logSumExp(0) }
  }

  @Test func `The gradient of softmax's kernel is that of its formula`() {
    let (y, dy) = (normal([5, 33]).cast(to: .float32).softmax(), normal([5, 33], 2))
    let seed = dy.cast(to: .float32)
    let kernel = Tensor(SoftmaxGradient(), [y, seed])
    #expect(isClose(kernel, y * (seed - (y * seed).sum([-1], keepsAxes: true)), 1e-6))
  }

  // MARK: Taking by number

  @Test func `Rows of a table, by ids of any shape and both types`() {
    let table = Tensor((0..<12).map(Float.init), shape: [4, 3])
    let ids = Tensor([Int32(3), 0, 0, 2], shape: [2, 2])
    let expected: [Float] = [9, 10, 11, 0, 1, 2, 0, 1, 2, 6, 7, 8]
    #expect(table.rows(ids).shape == [2, 2, 3])
    #expect(table.rows(ids).floats() == expected)
    #expect(table.rows(ids.cast(to: .int64)).floats() == expected)
    #expect(table.cast(to: .uint8).rows(ids).floats() == expected)
  }

  @Test func `Ids out of range count as the nearest row, in the gradient too`() {
    let table = Tensor([Double(1), 2, 3], shape: [3, 1])
    let ids = Tensor([Int32(-5), 1, 9])
    #expect(table.rows(ids).doubles() == [1, 2, 3])
    let alias = Tensor(Alias("table"), [table])
    let slope = gradients(
      of: [alias.rows(ids)], seeds: [.ones([3, 1], .float64)], by: [alias])[0]!
    #expect(slope.doubles() == [1, 1, 1])
  }

  @Test func `Parts gathered along an inner axis`() {
    let x = normal([2, 5, 3])
    let ids = Tensor([Int32(4), 0, 2, 2], shape: [2, 2])
    let y = x.gathered(1, ids)
    #expect(y.shape == [2, 2, 2, 3])
    for (i, id) in [4, 0, 2, 2].enumerated() {
      let part = y.reshaped([2, 4, 3]).element(1, i)
      #expect(isClose(part, x.element(1, id), 0))
    }
  }

  @Test func `Elements along an axis`() {
    let x = Tensor((0..<6).map(Float.init), shape: [2, 3])
    #expect(x.takeAlong(1, Tensor([Int32(2), 0], shape: [2, 1])).floats() == [2, 3])
    #expect(x.takeAlong(0, Tensor([Int32(1), 0, 1], shape: [1, 3])).floats() == [3, 1, 5])
  }

  @Test func `Gradients of gathers agree with differences`() {
    let ids = Tensor([Int32(1), 3, 1, 0], shape: [2, 2])
    checkDifferences(at: [normal([4, 3])]) { $0[0].rows(ids).square() }
    checkDifferences(at: [normal([2, 4, 3])]) { $0[0].gathered(1, ids).square() }
    checkDifferences(at: [normal([2, 4])]) { $0[0].takeAlong(1, ids).square() }
    checkDifferences(at: [normal([4, 2])]) { $0[0].takeAlong(0, ids).square() }
    checkDifferences(at: [normal([2, 2, 5])]) {
      $0[0].takeAlong(-1, ids.expanded(-1)).square()
    }
    checkDifferences(at: [normal([2, 2, 3])]) {
      Tensor(ScatterAdd(rows: 5), [ids, $0[0]]).square()
    }
    checkDifferences(at: [normal([2, 2])]) {
      Tensor(ScatterAddAlong(axis: 0, size: 6), [ids, $0[0]]).square()
    }
  }

  @Test func `The gradient of one element a row needs no kernel of its own`() {
    let x = Tensor(Placeholder(TensorType([64, 32])), [])
    let ids = Tensor(Placeholder(TensorType([64, 1], .int32)), [])
    let slope = gradients(of: [x.takeAlong(-1, ids) * 2], seeds: [.ones([64, 1])], by: [x])[0]!
    let program = Program.trace([slope * x], arguments: [x, ids]).program
    #expect(Fusion.fuse(program).units.count == 1, "\(program)")
  }

  @Test func `Gradients of 16-bit tables have the table's type`() {
    let table = Tensor(Alias("table"), [normal([4, 3]).cast(to: .bfloat16)])
    let y = table.rows(Tensor([Int32(1), 1]))
    let slope = gradients(of: [y], seeds: [.ones([2, 3], .bfloat16)], by: [table])[0]!
    #expect(slope.dataType == .bfloat16)
    #expect(slope.floats() == [0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0])
  }

  @Test func `One-hot vectors are zero for ids out of range`() {
    let y = Tensor([Int64(2), -1, 0]).oneHot(3)
    #expect(y.floats() == [0, 0, 1, 0, 0, 0, 1, 0, 0])
    #expect(Tensor([Int32(1)]).oneHot(2, .bool).dataType == .bool)
  }

  // MARK: Order and running sums

  @Test func `Sorting is stable in both directions`() {
    let x = Tensor([Float(2), 1, 2, 0, .nan], shape: [1, 5])
    let rising = x.sortedWithPositions()
    #expect(rising.positions.integers() == [3, 1, 0, 2, 4])
    #expect(Array(rising.values.floats().prefix(4)) == [0, 1, 2, 2])
    #expect(x.argsort(descending: true).integers() == [4, 0, 2, 1, 3])
    let columns = Tensor([Int32(3), 1, 2, 5, 1, 4], shape: [3, 2])
    #expect(columns.sorted(0).integers() == [1, 1, 2, 4, 3, 5])
  }

  @Test func `The largest and the smallest elements`() {
    let x = Tensor([Float(1), 5, 3, 4, 2, 9, 8, 7], shape: [2, 4])
    let top = x.topK(2)
    #expect(top.values.floats() == [5, 4, 9, 8])
    #expect(top.positions.integers() == [1, 3, 1, 2])
    #expect(x.topK(1, largest: false).values.floats() == [1, 2])
    #expect(x.topK(1, 0).values.floats() == [2, 9, 8, 7])
    #expect(x.cast(to: .float16).topK(2).values.dataType == .float16)
  }

  @Test func `Running sums in all four ways`() {
    let x = Tensor([Float(1), 2, 3, 4])
    #expect(x.cumulativeSum().floats() == [1, 3, 6, 10])
    #expect(x.cumulativeSum(exclusive: true).floats() == [0, 1, 3, 6])
    #expect(x.cumulativeSum(reverse: true).floats() == [10, 9, 7, 4])
    #expect(x.cumulativeSum(exclusive: true, reverse: true).floats() == [9, 7, 4, 0])
    let columns = Tensor([Int32(1), 2, 3, 4], shape: [2, 2])
    #expect(columns.cumulativeSum(0).integers() == [1, 2, 4, 6])
  }

  @Test func `Gradients of sorting and running sums agree with differences`() {
    checkDifferences(at: [normal([3, 5])]) { $0[0].sorted(0).square() }
    checkDifferences(at: [normal([3, 5])]) { $0[0].topK(2).values.square() }
    for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
      checkDifferences(at: [normal([3, 4, 2])]) {
        $0[0].square().cumulativeSum(1, exclusive: exclusive, reverse: reverse)
      }
    }
  }

  @Test func `Empty tensors pass through`() {
    let x = Tensor.zeros([0, 3])
    #expect(x.softmax().shape == [0, 3])
    #expect(x.sorted().floats().isEmpty)
    #expect(x.cumulativeSum(0).floats().isEmpty)
    #expect(Tensor.zeros([2, 3]).rows(.zeros([0], .int32)).floats().isEmpty)
  }

  @Test func `Wrong operands are refused with a sentence`() {
    #expect(throws: ShapeError.self) { try Softmax().outputType([TensorType([2], .int32)]) }
    #expect(throws: ShapeError.self) { try Softmax().outputType([TensorType([])]) }
    #expect(throws: ShapeError.self) {
      try Gather().outputType([TensorType([2, 3]), TensorType([4])])
    }
    #expect(throws: ShapeError.self) {
      try TakeAlong(axis: 1).outputType([TensorType([2, 3]), TensorType([4, 3], .int32)])
    }
    #expect(throws: ShapeError.self) {
      try Sort(descending: false, limit: 4).outputTypes([TensorType([2, 3])])
    }
  }

  @Test func `Every primitive is written in StableHLO`() {
    let (x, ids) = (TensorType([4, 6]), TensorType([4, 2], .int32))
    let text = emitted([x, ids]) { x in
      let sorted = x[0].topK(2)
      let slopes = gradients(
        of: [x[0].softmax(), x[0].logSumExp(), sorted.values, x[0].rows(x[1])],
        seeds: [
          x[0], .ones([4]), sorted.values, x[0].rows(x[1]),
        ], by: [x[0]])
      return [
        x[0].takeAlong(1, x[1]), x[0].square().cumulativeSum(1, exclusive: true, reverse: true),
        slopes[0]!,
      ]
    }
    for operation in ["gather", "scatter", "sort", "reduce_window", "exponential"] {
      #expect(text.contains("stablehlo.\(operation)"))
    }
  }
}
