/// Builds a program instruction by instruction; equal instructions become one, and instructions that say nothing
/// disappear.
package struct ProgramBuilder {
  private(set) var program = Program()
  private var known: [Key: Int] = [:]
  /// The instruction that made a value, for looking through it.
  private var origin: [Int] = []

  private struct Key: Hashable {
    let primitive: any Primitive
    let operands: [Int]

    static func == (a: Key, b: Key) -> Bool {
      a.operands == b.operands && a.primitive.isEqual(to: b.primitive)
    }

    func hash(into hasher: inout Hasher) {
      primitive.hash(into: &hasher)
      hasher.combine(operands)
    }
  }

  package init() {}

  /// The next argument; all arguments come before the first instruction.
  package mutating func argument(_ type: TensorType) -> Int {
    guard program.instructions.isEmpty else { fail("an argument was added after an instruction") }
    program.types.append(type)
    program.inputCount += 1
    origin.append(-1)
    return program.types.count - 1
  }

  /// Values of the results of `primitive`.
  package mutating func add(_ primitive: any Primitive, _ operands: [Int], _ types: [TensorType])
    -> [Int]
  {
    if let simple = simplified(primitive, operands, types) { return simple }
    return append(primitive, operands, types)
  }

  /// The program without instructions that nobody reads.
  package consuming func finish(_ outputs: [Int], keepsUnused: Bool = false) -> Program {
    program.outputs = outputs
    if !keepsUnused {
      program.mergeScans()
      program.removeUnused()
    }
    return program
  }

  mutating func append(_ primitive: any Primitive, _ operands: [Int], _ types: [TensorType])
    -> [Int]
  {
    let key = Key(primitive: primitive, operands: operands)
    let first = known[key] ?? program.types.count
    if first == program.types.count {
      known[key] = first
      program.types += types
      origin += types.map { _ in program.instructions.count }
      program.instructions.append(
        Program.Instruction(
          primitive: primitive, operands: operands, first: first, resultCount: types.count))
    }
    return Array(first..<(first + types.count))
  }

  // MARK: Simplification

  /// The primitive and first operand behind a value.
  func source<P: Primitive>(_ value: Int, _ type: P.Type) -> (
    primitive: P, operands: [Int]
  )? {
    guard origin[value] >= 0 else { return nil }
    let instruction = program.instructions[origin[value]]
    return (instruction.primitive as? P).map { ($0, instruction.operands) }
  }

  private func fill(_ value: Int) -> Fill? { source(value, Fill.self)?.primitive }

  private mutating func simplified(
    _ primitive: any Primitive, _ operands: [Int], _ types: [TensorType]
  ) -> [Int]? {
    switch primitive {
    case is Alias, is Stop: return operands
    case is Reshape: return reshape(operands[0], types[0])
    case is Broadcast:
      if program.types[operands[0]] == types[0] { return operands }
      return fill(operands[0]).map { append(Fill($0.number, types[0]), [], types) }
    case is Cast: return fill(operands[0]).map { append(Fill($0.number, types[0]), [], types) }
    case let transpose as Transpose: return simplified(transpose, operands[0], types[0])
    case let binary as Binary: return simplified(binary, operands)
    case let product as MatrixProduct:
      return simplified(product, operands, types[0]) ?? ofTable(product, operands, types[0])
    case let sum as ScatterAdd: return ofTable(sum, operands, types[0])
    case let reduce as Reduce: return simplified(reduce, operands[0], types)
    default: return nil
    }
  }

  mutating func reshape(_ operand: Int, _ type: TensorType) -> [Int] {
    if program.types[operand] == type { return [operand] }
    if let fill = fill(operand) { return append(Fill(fill.number, type), [], [type]) }
    if let (_, inner) = source(operand, Reshape.self) { return reshape(inner[0], type) }
    return append(Reshape(type.shape), [operand], [type])
  }

  private mutating func simplified(_ transpose: Transpose, _ operand: Int, _ type: TensorType)
    -> [Int]?
  {
    if let (inner, operands) = source(operand, Transpose.self) {
      return add(Transpose(transpose.order.map { inner.order[$0] }), [operands[0]], [type])
    }
    if let fill = fill(operand) { return append(Fill(fill.number, type), [], [type]) }
    // (A B)ᵀ = Bᵀ Aᵀ: the gradient of a weight that is stored transposed comes out of the product as it is wanted.
    if transpose.swapsLastAxes, let (product, operands) = source(operand, MatrixProduct.self) {
      let flipped = MatrixProduct(
        transposesLeft: !product.transposesRight, transposesRight: !product.transposesLeft)
      return append(flipped, operands.reversed(), [type])
    }
    // Memory does not move where only axes of size 1 do.
    let shape = program.types[operand].shape
    let moving = transpose.order.filter { shape[$0] != 1 }
    return moving == moving.sorted() ? reshape(operand, type) : nil
  }

  private mutating func simplified(_ binary: Binary, _ operands: [Int]) -> [Int]? {
    func isFill(_ i: Int, _ value: Double) -> Bool { fill(operands[i])?.number.real == value }
    switch binary {
    case .add where isFill(1, 0): return [operands[0]]
    case .add where isFill(0, 0): return [operands[1]]
    case .subtract where isFill(1, 0): return [operands[0]]
    case .multiply where isFill(1, 1), .divide where isFill(1, 1): return [operands[0]]
    case .multiply where isFill(0, 1): return [operands[1]]
    case .multiply where operands[0] == operands[1]:
      let type = program.types[operands[0]]
      return append(Unary.square, [operands[0]], [type])
    default: return nil
    }
  }

  /// A product takes transposes of its last two axes as flags.
  private mutating func simplified(_ product: MatrixProduct, _ operands: [Int], _ type: TensorType)
    -> [Int]?
  {
    var product = product
    var operands = operands
    var changed = false
    for side in 0..<2 {
      guard let (transpose, inner) = source(operands[side], Transpose.self), transpose.swapsLastAxes
      else { continue }
      if side == 0 { product.transposesLeft.toggle() } else { product.transposesRight.toggle() }
      operands[side] = inner[0]
      changed = true
    }
    return changed ? add(product, operands, [type]) : nil
  }

  /// A sum of squares over everything is one kernel.
  private mutating func simplified(_ reduce: Reduce, _ operand: Int, _ types: [TensorType])
    -> [Int]?
  {
    guard reduce.operation == .sum, !reduce.axes.isEmpty, types[0].count == 1,
      let (unary, inner) = source(operand, Unary.self),
      unary === Unary.square, types[0].dataType == .float32
    else { return nil }
    return append(Reduce(.sumOfSquares, axes: reduce.axes), [inner[0]], types)
  }
}
