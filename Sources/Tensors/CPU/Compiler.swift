internal import CKernels

/// Turns a program into kernels and places: fuse, lower, plan memory.
struct Compiler {
  /// Where a buffer lies: in an argument, a result or the block for everything in between, at a byte offset.
  enum Place {
    case argument(Int, offset: Int)
    case result(Int, offset: Int)
    case arena(Int)
  }
  struct Step {
    let kernel: PreparedKernel
    let firstBuffer: Int
    let isInvariant: Bool
    /// What the kernel does, for a profile.
    let label: String
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
    let operands: [Operand]
    let results: [Int]
    let label: String

    /// Whether operand `i` is the only one that reads its value.
    func readsOnce(_ i: Int) -> Bool {
      operands.filter { $0.value == operands[i].value }.count == 1
    }
  }

  /// A stored value from a byte offset on.
  private struct Operand: Hashable {
    let value: Int
    var offset = 0
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

  private func location(_ value: Int) -> Operand {
    let (owner, offset) = program.location(of: value, fused.maker)
    return Operand(value: owner, offset: offset * program.types[owner].dataType.byteCount)
  }

  // MARK: Lowering

  /// Values that somebody outside their own cluster reads.
  private func storedValues() -> [Bool] {
    var isStored = [Bool](repeating: false, count: program.types.count)
    for (i, instruction) in program.instructions.enumerated() where unitOf[i] >= 0 {
      if fused.units[unitOf[i]].isCluster, !(instruction.primitive is Reduce) {
        for view in fused.views[i] where view.value >= 0 && !isInside(view.value, unitOf[i]) {
          isStored[location(view.value).value] = true
        }
      } else {
        for operand in instruction.operands where !isInside(operand, unitOf[i]) {
          isStored[location(operand).value] = true
        }
      }
    }
    for output in program.outputs { isStored[owner(output)] = true }
    for value in fused.placements.keys { isStored[value] = true }
    return isStored
  }

  private func isInside(_ value: Int, _ unit: Int) -> Bool {
    let owner = owner(value)
    return fused.units[unit].isCluster && fused.maker[owner] >= 0
      && unitOf[fused.maker[owner]] == unit
  }

  private func lowerSingle(_ i: Int) -> Lowered {
    let instruction = program.instructions[i]
    let types = program.operandTypes(instruction)
    if let concatenate = instruction.primitive as? Concatenate {
      // Some parts may be there already.
      let copied = instruction.operands.indices.filter {
        fused.placements[instruction.operands[$0]] == nil
      }
      return Lowered(
        kernel: concatenate.lower(types, program.types[instruction.first], copying: copied),
        operands: copied.map { location(instruction.operands[$0]) }, results: [instruction.first],
        label: label(instruction))
    }
    let operands = instruction.operands.map(location)
    let reused = operands.indices.filter { invariantArguments.contains(operands[$0].value) }
    let results = program.resultTypes(instruction)
    let kernel =
      (instruction.primitive as? any ReusingPrimitive)?.lower(types, results, reusing: Set(reused))
      ?? instruction.primitive.lower(types, results)
    return Lowered(
      kernel: kernel, operands: operands, results: Array(instruction.results),
      label: label(instruction))
  }

  private func label(_ instruction: Program.Instruction) -> String {
    let types = program.operandTypes(instruction).map(\.description).joined(separator: " ")
    return "\(instruction.primitive.name) \(types)"
  }

  private func lowerCluster(_ unit: FusedUnit, _ isStored: [Bool]) -> Lowered {
    var tile = TileBuilder(count: unit.count, columns: unit.columns)
    var operandOf: [Int: TileOperand] = [:]  // values inside the cluster
    var inputOf: [InputKey: TileOperand] = [:]
    var operands: [Operand] = []
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
        var place = location(view.value)
        place.offset += view.pattern.offset * type.byteCount
        operands.append(place)
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
        tile.output(value, output.dataType, rowStride: rowStride(instruction.first))
        results.append(instruction.first)
      }
    }
    let names = unit.members.map { program.instructions[$0].primitive.name }
    return Lowered(
      kernel: tile.kernel(), operands: operands, results: results,
      label: "cluster of \(unit.count): \(names.joined(separator: ", "))")
  }

  private func rowStride(_ value: Int) -> Int? {
    fused.placements[value].flatMap { $0.runs.isContiguous ? nil : $0.runs.stride }
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
      for operand in step.operands { lastReader[operand.value] = s }
      for result in step.results { lastReader[home(result)] = max(lastReader[home(result)], s) }
    }
    var planner = Planner(
      lastReader: lastReader,
      passedOn: Set(results.compactMap { if case .argument(let i) = $0 { i } else { nil } }))
    // What a loop prepares once must survive all its runs: it shares its memory with nothing.
    let loopBlocks = lowered.map { isInvariant($0) ? memory.allocate($0.kernel.sharedBytes) : nil }
    for (s, step) in lowered.enumerated() {
      planner.taken = []
      for o in step.results.indices { placeResult(o, of: step, s, &planner) }
      let shared = step.kernel.sharedBytes
      let sharedOffset = loopBlocks[s] ?? (shared > 0 ? memory.allocate(shared) : nil)
      addStep(step, planner.offsets, sharedOffset)
      if let sharedOffset, loopBlocks[s] == nil { memory.release(sharedOffset, shared) }
      for value in Set(step.operands.map(\.value) + step.results.map(home))
      where lastReader[value] == s && !planner.taken.contains(value) {
        if let offset = planner.offsets[value] {
          memory.release(offset, program.types[value].byteCount)
        }
      }
    }
  }

  /// What is known while places are given.
  private struct Planner {
    let lastReader: [Int]
    /// Arguments that are results too.
    let passedOn: Set<Int>
    var offsets: [Int: Int] = [:]
    var donated: Set<Int> = []
    /// Values whose memory a result of the current step took over.
    var taken: Set<Int> = []
  }

  /// The value in whose memory a value lies.
  private func home(_ value: Int) -> Int { fused.placements[value]?.container ?? value }

  private mutating func placeResult(_ o: Int, of step: Lowered, _ s: Int, _ planner: inout Planner)
  {
    let result = home(step.results[o])
    // Another part of the same whole may have come before.
    guard planner.offsets[result] == nil else { return }
    // A part lies elsewhere in its whole than the operand it could be written over, which is also smaller.
    let isPart = fused.placements[step.results[o]] != nil
    let mates = (isPart ? [] : step.kernel.inPlace)
      .filter { $0.output == o && step.readsOnce($0.input) && step.operands[$0.input].offset == 0 }
      .map { step.operands[$0.input].value }
      .filter {
        planner.lastReader[$0] == s
          && program.types[$0].byteCount == program.types[result].byteCount
      }
    if let number = resultNumber[result] {
      let mate = mates.first {
        $0 < program.inputCount && !planner.passedOn.contains($0) && !planner.donated.contains($0)
          && !invariantArguments.contains($0)
      }
      if let mate {
        donations[number] = mate
        planner.donated.insert(mate)
      }
    } else if let mate = mates.first(where: {
      planner.offsets[$0] != nil && !planner.taken.contains($0)
    }) {
      planner.taken.insert(mate)
      planner.offsets[result] = planner.offsets[mate]
    } else {
      planner.offsets[result] = memory.allocate(program.types[result].byteCount)
    }
  }

  private func isInvariant(_ step: Lowered) -> Bool {
    step.kernel.invariantInput.map { invariantArguments.contains(step.operands[$0].value) } ?? false
  }

  private mutating func addStep(_ step: Lowered, _ offsets: [Int: Int], _ sharedOffset: Int?) {
    let first = places.count
    for operand in step.operands { places.append(place(operand, offsets)) }
    for result in step.results {
      let offset =
        (fused.placements[result]?.runs.offset ?? 0) * program.types[result].dataType.byteCount
      places.append(place(Operand(value: home(result), offset: offset), offsets))
    }
    if let sharedOffset { places.append(.arena(sharedOffset)) }
    steps.append(
      Step(
        kernel: step.kernel, firstBuffer: first, isInvariant: isInvariant(step), label: step.label))
  }

  private func place(_ operand: Operand, _ offsets: [Int: Int]) -> Place {
    if operand.value < program.inputCount {
      return .argument(operand.value, offset: operand.offset)
    }
    if let number = resultNumber[operand.value] { return .result(number, offset: operand.offset) }
    return .arena(offsets[operand.value]! + operand.offset)
  }
}
