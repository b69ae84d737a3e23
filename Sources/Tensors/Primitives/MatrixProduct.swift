internal import CKernels
internal import COneDNN
public import StableHLO

/// Products of matrices: [batch…, m, k] × [batch…, k, n] → [batch…, m, n]. Leading axes agree or are absent on one side.
///
/// Operands may be float32, float64, float16 or bfloat16; sums of 16-bit floats are float32.
public struct MatrixProduct: SingleOutputPrimitive, ReusingPrimitive {
  /// The last two axes of the operand are exchanged before the product.
  package var transposesLeft: Bool
  package var transposesRight: Bool

  public init(transposesLeft: Bool = false, transposesRight: Bool = false) {
    self.transposesLeft = transposesLeft
    self.transposesRight = transposesRight
  }

  public var name: String { "matrix product" }

  private struct Sizes {
    var batch: [Int]
    var m, k, n: Int
  }

  private func sizes(_ inputs: [TensorType]) throws(ShapeError) -> Sizes {
    let (a, b) = (inputs[0].shape, inputs[1].shape)
    guard a.count >= 2, b.count >= 2 else {
      throw ShapeError("\(a) × \(b): matrices have at least two axes")
    }
    let (rows, left) =
      transposesLeft ? (a[a.count - 1], a[a.count - 2]) : (a[a.count - 2], a[a.count - 1])
    let (right, columns) =
      transposesRight ? (b[b.count - 1], b[b.count - 2]) : (b[b.count - 2], b[b.count - 1])
    guard left == right else { throw ShapeError("\(a) × \(b): \(left) columns meet \(right) rows") }
    let (batchA, batchB) = (Array(a.dropLast(2)), Array(b.dropLast(2)))
    guard batchA == batchB || batchA.isEmpty || batchB.isEmpty else {
      throw ShapeError("\(a) × \(b): leading axes \(batchA) and \(batchB) differ")
    }
    return Sizes(batch: batchA.isEmpty ? batchB : batchA, m: rows, k: left, n: columns)
  }

  public func outputType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs[0].dataType == inputs[1].dataType else {
      throw ShapeError(
        "element types \(inputs[0].dataType) and \(inputs[1].dataType) differ; cast(to:) one of them"
      )
    }
    try ElementDomain.floating.check(inputs[0].dataType)
    let sizes = try sizes(inputs)
    return TensorType(sizes.batch + [sizes.m, sizes.n], inputs[0].dataType)
  }

  public func gradient(_ dy: Tensor, output y: Tensor, inputs: [Tensor]) -> [Tensor?] {
    let (a, b) = (inputs[0], inputs[1])
    let left = transposesLeft ? a.transposed() : a
    let right = transposesRight ? b.transposed() : b
    // An operand without leading axes serves all matrices: its gradient sums over them, as one long product where it can.
    func summed(_ gradient: Tensor, _ operand: Tensor) -> Tensor {
      gradient.rank == operand.rank ? gradient : gradient.sum(Array(0..<(gradient.rank - 2)))
    }
    var da = summed(matrixProduct(dy, right.transposed()), a)
    var db: Tensor
    if b.rank == 2, a.rank > 2 {
      let rows = left.reshaped([-1, left.shape[left.rank - 1]])
      db = matrixProduct(rows.transposed(), dy.reshaped([-1, dy.shape[dy.rank - 1]]))
    } else {
      db = summed(matrixProduct(left.transposed(), dy), b)
    }
    if transposesLeft { da = da.transposed() }
    if transposesRight { db = db.transposed() }
    return [da, db]
  }

  public func lower(_ inputs: [TensorType], _ output: TensorType) -> PreparedKernel {
    lower(inputs, [output], reusing: [])
  }

  package func lower(_ inputs: [TensorType], _ outputs: [TensorType], reusing reused: Set<Int>)
    -> PreparedKernel
  {
    guard let sizes = try? sizes(inputs) else {
      fail("\(name): shapes changed after they were checked")
    }
    var batch = sizes.batch.product
    var m = sizes.m
    if inputs[1].rank == 2, !transposesLeft {
      (batch, m) = (1, batch * m)
    }
    var description = apus_matmul_descriptor()
    description.batch = Int64(batch)
    description.m = Int64(m)
    description.n = Int64(sizes.n)
    description.k = Int64(sizes.k)
    description.lda = Int64(transposesLeft ? m : sizes.k)
    description.ldb = Int64(transposesRight ? sizes.k : sizes.n)
    description.ldc = Int64(sizes.n)
    description.a_stride = inputs[0].rank == 2 ? 0 : Int64(m * sizes.k)
    description.b_stride = inputs[1].rank == 2 ? 0 : Int64(sizes.k * sizes.n)
    description.c_stride = Int64(m * sizes.n)
    description.transpose_a = transposesLeft ? 1 : 0
    description.transpose_b = transposesRight ? 1 : 0
    description.type = inputs[0].dataType.rawValue
    description.c_type = outputs[0].dataType.rawValue
    description.b_is_reused = reused.contains(1) ? 1 : 0
    description.alpha = 1
    return unsafe PreparedKernel(name) { kernel in
      let status = unsafe apus_matmul_prepare(&description, kernel)
      if status != 0 {
        unsafe fail("\(name) of \(inputs): \(String(cString: apus_onednn_error()))")
      }
      return status
    }
  }

  public func emit(_ operands: [Value], _ output: TensorType, into function: inout FunctionBuilder)
    -> Value
  {
    var (a, b) = (operands[0], operands[1])
    let batch = Array(output.shape.dropLast(2))
    // The operation pairs leading axes one by one: an operand without them is repeated.
    if a.shape.count < output.rank {
      a = function.broadcastInDim(a, axes: [batch.count, batch.count + 1], to: batch + a.shape)
    }
    let pairs = b.shape.count == 2 ? 0 : batch.count
    let axes = Array(0..<pairs)
    let rank = a.shape.count
    let product = function.dotGeneral(
      a, b, batching: (axes, axes),
      contracting: (
        [transposesLeft ? rank - 2 : rank - 1],
        [transposesRight ? b.shape.count - 1 : b.shape.count - 2]
      ),
      precision: .highest)
    // With a transposed left operand and a shared right one the axes already lie in this order: batch, m, n.
    return product
  }
}

/// The product of matrices, [batch…, m, k] × [batch…, k, n] → [batch…, m, n]; leading axes broadcast against each other.
public func matrixProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (batchA, batchB) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
  if batchA == batchB || batchA.isEmpty || batchB.isEmpty || a.rank < 2 || b.rank < 2 {
    return Tensor(MatrixProduct(), [a, b])
  }
  guard let batch = try? broadcastShape(batchA, batchB) else {
    fail(
      "matrix product: leading axes of \(a.label) \(a.shape) and \(b.label) \(b.shape) do not broadcast"
    )
  }
  return Tensor(
    MatrixProduct(),
    [a.broadcast(to: batch + a.shape.suffix(2)), b.broadcast(to: batch + b.shape.suffix(2))])
}
