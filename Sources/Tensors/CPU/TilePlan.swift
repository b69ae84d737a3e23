internal import CKernels

/// A finished cluster on its way to a kernel: instructions are combined, registers and the matrix view chosen.
struct TilePlan {
  private let tile: TileBuilder
  private var instructions: [TileBuilder.Instruction]
  private var outputs: [TileBuilder.Output]

  init(_ tile: TileBuilder) {
    self.tile = tile
    instructions = tile.instructions
    outputs = tile.outputs
  }

  // MARK: Combining

  /// Joins pairs of instructions into one where a single one exists: every instruction of a tile program costs a sweep
  /// through the first cache.
  mutating func combine() {
    for i in instructions.indices {
      useLiterals(i)
      square(i)
      absorbOperands(i)
    }
    removeUnused()
  }

  /// The number of readers of each instruction.
  private func useCounts() -> [Int] {
    var uses = [Int](repeating: 0, count: instructions.count)
    for instruction in instructions {
      for case .instruction(let j) in instruction.operands.map(\.kind) { uses[j] += 1 }
    }
    for case .instruction(let j) in outputs.map(\.source.kind) { uses[j] += 1 }
    return uses
  }

  private func literal(_ operand: TileOperand) -> Double? {
    guard case .literal(let i) = operand.kind, operand.lane == APUS_LANE_F32 else { return nil }
    return tile.literals[i].real
  }

  /// x · 2, x + 1, 1 − x … become one multiply-add with immediates.
  private mutating func useLiterals(_ i: Int) {
    let instruction = instructions[i]
    guard instruction.lane == APUS_LANE_F32, instruction.operands.count == 2 else { return }
    let (a, b) = (instruction.operands[0], instruction.operands[1])
    let affine: (TileOperand, Double, Double)?
    switch (instruction.operation, literal(a), literal(b)) {
    case (APUS_TILE_MULTIPLY, _, let v?): affine = (a, v, 0)
    case (APUS_TILE_MULTIPLY, let v?, _): affine = (b, v, 0)
    case (APUS_TILE_ADD, _, let v?): affine = (a, 1, v)
    case (APUS_TILE_ADD, let v?, _): affine = (b, 1, v)
    case (APUS_TILE_SUBTRACT, _, let v?): affine = (a, 1, -v)
    case (APUS_TILE_SUBTRACT, let v?, _): affine = (b, -1, v)
    // Exact only where the reciprocal is: powers of two.
    case (APUS_TILE_DIVIDE, _, let v?) where v.significand == 1 && v.isNormal:
      affine = (a, 1 / v, 0)
    default: affine = nil
    }
    guard let (operand, scale, shift) = affine else { return }
    instructions[i] = TileBuilder.Instruction(
      operation: APUS_TILE_AFFINE, lane: APUS_LANE_F32, operands: [operand],
      immediate: (scale, shift))
  }

  private mutating func square(_ i: Int) {
    if instructions[i].operation == APUS_TILE_MULTIPLY,
      instructions[i].operands[0].kind == instructions[i].operands[1].kind
    {
      instructions[i].operation = APUS_TILE_SQUARE
      instructions[i].operands.removeLast()
    }
  }

  /// Takes over an operand that nobody else reads: multiply then add, scale then add, scale then multiply.
  private mutating func absorbOperands(_ i: Int) {
    let instruction = instructions[i]
    guard instruction.lane == APUS_LANE_F32 else { return }
    let uses = useCountsCache ?? useCounts()
    func only(_ operand: TileOperand) -> TileBuilder.Instruction? {
      guard case .instruction(let j) = operand.kind, uses[j] == 1,
        instructions[j].lane == APUS_LANE_F32
      else {
        return nil
      }
      return instructions[j]
    }
    switch instruction.operation {
    case APUS_TILE_AFFINE:
      guard let inner = only(instruction.operands[0]), inner.operation == APUS_TILE_AFFINE,
        canJoin(inner.immediate, instruction.immediate)
      else { return }
      let (scale, shift) = instruction.immediate
      instructions[i].operands = inner.operands
      instructions[i].immediate = (inner.immediate.0 * scale, inner.immediate.1 * scale + shift)
    case APUS_TILE_ADD, APUS_TILE_MULTIPLY:
      for side in 0..<2 {
        let other = instruction.operands[1 - side]
        guard let inner = only(instruction.operands[side]) else { continue }
        if instruction.operation == APUS_TILE_ADD, inner.operation == APUS_TILE_MULTIPLY {
          instructions[i].operation = APUS_TILE_MULTIPLY_ADD
          instructions[i].operands = inner.operands + [other]
          return
        }
        if inner.operation == APUS_TILE_AFFINE,
          instruction.operation == APUS_TILE_MULTIPLY || inner.immediate.1 == 0
        {
          instructions[i].operation =
            instruction.operation == APUS_TILE_ADD ? APUS_TILE_AXPY : APUS_TILE_AFFINE_MULTIPLY
          instructions[i].operands = [inner.operands[0], other]
          instructions[i].immediate = inner.immediate
          return
        }
      }
    default: return
    }
  }

  /// Whether two multiply-adds with immediates are one that rounds no worse: a product and then a sum, or one of them only
  /// changes the sign. Other pairs, such as (x + 1000) − 1000, must keep their own rounding.
  private func canJoin(_ inner: (scale: Double, shift: Double), _ outer: (Double, Double)) -> Bool {
    let (scale, shift) = outer
    return inner.shift == 0 && (abs(inner.scale) == 1 || abs(scale) == 1)
      || shift == 0 && abs(scale) == 1
  }

  /// Readers are counted once: combining only ever removes readers of instructions that had one.
  private lazy var useCountsCache: [Int]? = useCounts()

  private mutating func removeUnused() {
    var isUsed = [Bool](repeating: false, count: instructions.count)
    for case .instruction(let j) in outputs.map(\.source.kind) { isUsed[j] = true }
    for i in instructions.indices.reversed() where isUsed[i] {
      for case .instruction(let j) in instructions[i].operands.map(\.kind) { isUsed[j] = true }
    }
    var place = [Int](repeating: -1, count: instructions.count)
    var kept: [TileBuilder.Instruction] = []
    func moved(_ operand: TileOperand) -> TileOperand {
      guard case .instruction(let j) = operand.kind else { return operand }
      return TileOperand(kind: .instruction(place[j]), lane: operand.lane)
    }
    for i in instructions.indices where isUsed[i] {
      place[i] = kept.count
      var instruction = instructions[i]
      instruction.operands = instruction.operands.map(moved)
      kept.append(instruction)
    }
    for i in outputs.indices { outputs[i].source = moved(outputs[i].source) }
    instructions = kept
  }

  // MARK: Registers

  /// A register for every instruction's result; registers are reused as soon as the last reader has run.
  private func registers() -> (registers: [Int], count: Int) {
    var lastUse = [Int](repeating: -1, count: instructions.count)
    for (i, instruction) in instructions.enumerated() {
      lastUse[i] = max(lastUse[i], i)
      for case .instruction(let j) in instruction.operands.map(\.kind) { lastUse[j] = i }
    }
    for case .instruction(let j) in outputs.map(\.source.kind) { lastUse[j] = instructions.count }
    var free: [Int] = []
    var count = 0
    var registers = [Int](repeating: 0, count: instructions.count)
    for (i, instruction) in instructions.enumerated() {
      // An operand that dies here may give its register to the result: instructions work element by element.
      for case .instruction(let j) in Set(instruction.operands.map(\.kind)) where lastUse[j] == i {
        free.append(registers[j])
      }
      if let register = free.popLast() {
        registers[i] = register
      } else {
        registers[i] = count
        count += 1
      }
      if lastUse[i] == i { free.append(registers[i]) }
    }
    return (registers, count)
  }

  // MARK: The kernel

  private func access(_ input: TileBuilder.Input, buffer: Int, rows: Int, columns: Int)
    -> apus_access
  {
    let pattern = input.pattern
    var access = apus_access(
      divisor: 1, modulus: Int64(max(rows, 1)), stride: 0, step: 0,
      kind: Int32((input.isIndex ? APUS_INDEX : APUS_MEMORY).rawValue), type: input.type.rawValue,
      buffer: Int32(buffer))
    if pattern.rowStride > 0 {
      access.step = 1
      access.stride = Int64(pattern.rowStride)
    } else if pattern.inner > 1 {
      access.step = 1
      if pattern.modulus > 1 {  // a block of leading axes and the innermost ones
        access.divisor = Int64(pattern.divisor / columns)
        access.modulus = Int64(pattern.modulus)
        access.stride = Int64(columns)
      } else if pattern.inner > columns {
        access.modulus = Int64(pattern.inner / columns)
        access.stride = Int64(columns)
      }
    } else if pattern.modulus > 1 {
      access.divisor = Int64(pattern.divisor / columns)
      access.modulus = Int64(pattern.modulus)
      access.stride = 1
    }
    return access
  }

  func prepare() -> PreparedKernel {
    guard
      let columns = BroadcastPattern.columns(
        tile.inputs.map(\.pattern), count: tile.count, fixed: tile.columns)
    else { fail("a cluster was formed whose operands have no common matrix view") }
    let rows = tile.count / max(columns, 1)
    let (registers, registerCount) = registers()
    var buffer = 0
    let accesses = tile.inputs.map { input in
      let access = access(input, buffer: buffer, rows: rows, columns: columns)
      if !input.isIndex { buffer += 1 }
      return access
    }
    let operandCount = buffer
    func number(_ operand: TileOperand) -> UInt16 {
      switch operand.kind {
      case .instruction(let i): UInt16(registers[i])
      case .input(let i): UInt16(registerCount + i)
      case .literal(let i): UInt16(registerCount + tile.inputs.count + i)
      }
    }
    let stores = outputs.enumerated().map { i, output in
      let isRow = output.store != APUS_STORE
      return apus_tile_output(
        access: apus_access(
          divisor: 1, modulus: Int64(max(rows, 1)),
          stride: isRow ? 1 : Int64(output.rowStride ?? columns),
          step: isRow ? 0 : 1,
          kind: Int32(APUS_MEMORY.rawValue), type: output.type.rawValue,
          buffer: Int32(operandCount + i)),
        store: Int32(output.store.rawValue), source: Int32(number(output.source)))
    }
    let code = instructions.enumerated().map { i, instruction in
      let operands = instruction.operands.map(number)
      return apus_tile_instruction(
        operation: UInt16(instruction.operation.rawValue), lane: UInt16(instruction.lane.rawValue),
        destination: UInt16(registers[i]), a: operands[0], b: operands.count > 1 ? operands[1] : 0,
        c: operands.count > 2 ? operands[2] : 0, immediate: instruction.immediate)
    }
    return unsafe accesses.withUnsafeBufferPointer { accesses in
      unsafe tile.literals.withUnsafeBufferPointer { literals in
        unsafe stores.withUnsafeBufferPointer { stores in
          unsafe code.withUnsafeBufferPointer { code in
            var program = unsafe apus_tile_program(
              rows: Int64(rows), columns: Int64(columns), register_count: Int32(registerCount),
              input_count: Int32(accesses.count), literal_count: Int32(literals.count),
              output_count: Int32(stores.count), instruction_count: Int32(code.count),
              inputs: accesses.baseAddress,
              literals: literals.baseAddress, outputs: stores.baseAddress,
              instructions: code.baseAddress)
            return unsafe PreparedKernel("tile program", inPlace: inPlace()) {
              unsafe apus_tiles_prepare(&program, $0)
            }
          }
        }
      }
    }
  }

  /// Results that may lie in the buffer of a full operand: same size, and nobody reads the operand after the result was
  /// produced.
  private func inPlace() -> [PreparedKernel.InPlace] {
    var lastReader = [Int](repeating: -1, count: tile.inputs.count)
    for (i, instruction) in instructions.enumerated() {
      for case .input(let j) in instruction.operands.map(\.kind) { lastReader[j] = i }
    }
    var pairs: [PreparedKernel.InPlace] = []
    for (o, output) in outputs.enumerated()
    where output.store == APUS_STORE && output.rowStride == nil {
      guard case .instruction(let producer) = output.source.kind else { continue }
      var operand = 0
      for (j, input) in tile.inputs.enumerated() where !input.isIndex {
        defer { operand += 1 }
        if input.pattern.isFull(tile.count), input.type.byteCount == output.type.byteCount,
          lastReader[j] <= producer
        {
          pairs.append(PreparedKernel.InPlace(output: o, input: operand))
        }
      }
    }
    return pairs
  }
}
