internal import CKernels

/// Turns a program into kernels and places: fuse, lower, plan memory.
struct Compiler {
  enum Place {
    case argument(Int)
    case result(Int)
    case arena(Int)
  }
  struct Step {
    let kernel: PreparedKernel
    let firstBuffer: Int
    let isInvariant: Bool
  }

  private let program: Program
  private let invariantArguments: Set<Int>
  private let fused: Fusion.Result
  private var unitOf: [Int]

  private(set) var steps: [Step] = []
  private(set) var places: [Place] = []
  private(set) var results: [CPUProgram.Result] = []
  private(set) var newResults: [Int] = []
  private(set) var donations: [Int?] = []
  private(set) var memory = MemoryPlan()

  /// A kernel with the values it reads and writes.
  private struct Lowered {
    let kernel: PreparedKernel
    let operands: [Int]
    let results: [Int]
  }

  init(_ program: Program, _ invariantArguments: Set<Int>) {
    self.program = program
    self.invariantArguments = invariantArguments
    fused = Fusion.fuse(program)
    unitOf = [Int](repeating: -1, count: program.instructions.count)
    for (u, unit) in fused.units.enumerated() { for member in unit.members { unitOf[member] = u } }
  }

  mutating func compile() {
    let isStored = storedValues()
    let lowered = fused.units.map {
      $0.isCluster ? lowerCluster($0, isStored) : lowerSingle($0.members[0])
    }
    placeResults()
    plan(lowered)
  }

  private func owner(_ value: Int) -> Int { program.owner(of: value, fused.maker) }

  // MARK: Lowering

  /// Values that somebody outside their own cluster reads.
  private func storedValues() -> [Bool] {
    var isStored = [Bool](repeating: false, count: program.types.count)
    for (i, instruction) in program.instructions.enumerated() where unitOf[i] >= 0 {
      if fused.units[unitOf[i]].isCluster, !(instruction.primitive is Reduce) {
        for view in fused.views[i] where view.value >= 0 && !isInside(view.value, unitOf[i]) {
          isStored[owner(view.value)] = true
        }
      } else {
        for operand in instruction.operands where !isInside(operand, unitOf[i]) {
          isStored[owner(operand)] = true
        }
      }
    }
    for output in program.outputs { isStored[owner(output)] = true }
    return isStored
  }

  private func isInside(_ value: Int, _ unit: Int) -> Bool {
    let owner = owner(value)
    return fused.units[unit].isCluster && fused.maker[owner] >= 0
      && unitOf[fused.maker[owner]] == unit
  }

  private func lowerSingle(_ i: Int) -> Lowered {
    let instruction = program.instructions[i]
    return Lowered(
      kernel: instruction.primitive.lower(
        program.operandTypes(instruction), program.resultTypes(instruction)),
      operands: instruction.operands.map(owner), results: Array(instruction.results))
  }

  private func lowerCluster(_ unit: FusedUnit, _ isStored: [Bool]) -> Lowered {
    var tile = TileBuilder(count: unit.count, columns: unit.columns)
    var operandOf: [Int: TileOperand] = [:]  // values inside the cluster
    var inputOf: [InputKey: TileOperand] = [:]
    var operands: [Int] = []
    var results: [Int] = []
    func read(_ view: Fusion.View, _ type: DataType) -> TileOperand {
      if let fill = view.literal { return tile.literal(fill.number, fill.type.dataType) }
      let value = view.value >= 0 ? owner(view.value) : -1
      if value >= 0, let known = operandOf[value] { return known }
      let key = InputKey(value: value, index: view.index, pattern: view.pattern)
      if let known = inputOf[key] { return known }
      let operand: TileOperand
      if let iota = view.index {
        operand = tile.index(view.pattern, iota.type.dataType)
      } else {
        operand = tile.input(view.pattern, type)
        operands.append(value)
      }
      inputOf[key] = operand
      return operand
    }
    for member in unit.members {
      let instruction = program.instructions[member]
      let types = program.operandTypes(instruction)
      let output = program.types[instruction.first]
      if let reduce = instruction.primitive as? Reduce {
        let source = operandOf[owner(instruction.operands[0])]!
        tile.output(source, output.dataType, store: reduce.rowStore!)
        results.append(instruction.first)
        continue
      }
      let primitive = instruction.primitive as! any ElementwisePrimitive
      let views = zip(fused.views[member], types).map { read($0, $1.dataType) }
      let value = primitive.tile(views, types, output, into: &tile)
      operandOf[instruction.first] = value
      if isStored[instruction.first] {
        tile.output(value, output.dataType)
        results.append(instruction.first)
      }
    }
    return Lowered(kernel: tile.kernel(), operands: operands, results: results)
  }

  private struct InputKey: Hashable {
    let value: Int
    let index: Iota?
    let pattern: BroadcastPattern
  }

  // MARK: Places

  private mutating func placeResults() {
    var number: [Int: Int] = [:]
    for output in program.outputs {
      let owner = owner(output)
      if owner < program.inputCount {
        results.append(.argument(owner))
      } else if let known = number[owner] {
        results.append(.new(known))
      } else {
        number[owner] = newResults.count
        results.append(.new(newResults.count))
        newResults.append(program.types[owner].byteCount)
      }
    }
    donations = newResults.map { _ in nil }
    resultNumber = number
  }

  private var resultNumber: [Int: Int] = [:]

  private mutating func plan(_ lowered: [Lowered]) {
    var lastReader = [Int](repeating: -1, count: program.types.count)
    for (s, step) in lowered.enumerated() {
      for operand in step.operands { lastReader[operand] = s }
      for result in step.results { lastReader[result] = max(lastReader[result], s) }
    }
    var offsets: [Int: Int] = [:]
    var loopBlocks: [(Int, Int)] = []
    let passedOn = Set(results.compactMap { if case .argument(let i) = $0 { i } else { nil } })
    var donated: Set<Int> = []
    for (s, step) in lowered.enumerated() {
      var taken: Set<Int> = []
      for (o, result) in step.results.enumerated() {
        let mates = step.kernel.inPlace.filter { $0.output == o }.map { step.operands[$0.input] }
        if let number = resultNumber[result] {
          let mate = mates.first {
            $0 < program.inputCount && lastReader[$0] == s && !passedOn.contains($0)
              && !donated.contains($0)
              && !invariantArguments.contains($0)
          }
          if let mate {
            donations[number] = mate
            donated.insert(mate)
          }
        } else if let mate = mates.first(where: {
          offsets[$0] != nil && lastReader[$0] == s && !taken.contains($0)
        }) {
          taken.insert(mate)
          offsets[result] = offsets[mate]
        } else {
          offsets[result] = memory.allocate(program.types[result].byteCount)
        }
      }
      let shared = step.kernel.sharedBytes
      let sharedOffset = shared > 0 ? memory.allocate(shared) : nil
      addStep(step, offsets, sharedOffset)
      if let sharedOffset {
        // What a loop prepares once must survive all its runs.
        if steps.last!.isInvariant {
          loopBlocks.append((sharedOffset, shared))
        } else {
          memory.release(sharedOffset, shared)
        }
      }
      for value in Set(step.operands + step.results)
      where lastReader[value] == s && !taken.contains(value) {
        if let offset = offsets[value] { memory.release(offset, program.types[value].byteCount) }
      }
    }
  }

  private mutating func addStep(_ step: Lowered, _ offsets: [Int: Int], _ sharedOffset: Int?) {
    let first = places.count
    for value in step.operands + step.results {
      if value < program.inputCount {
        places.append(.argument(value))
      } else if let number = resultNumber[value] {
        places.append(.result(number))
      } else {
        places.append(.arena(offsets[value]!))
      }
    }
    if let sharedOffset { places.append(.arena(sharedOffset)) }
    let isInvariant =
      step.kernel.invariantInput.map { invariantArguments.contains(step.operands[$0]) } ?? false
    steps.append(Step(kernel: step.kernel, firstBuffer: first, isInvariant: isInvariant))
  }
}
