extension Program {
  /// Drops instructions whose results nobody reads, outputs of loops that nobody reads, and numbers the values anew.
  mutating func removeUnused() {
    var isUsed = [Bool](repeating: false, count: types.count)
    for output in outputs { isUsed[output] = true }
    var isKept = [Bool](repeating: false, count: instructions.count)
    for i in instructions.indices.reversed() where isUsed[instructions[i].results].contains(true) {
      if let scan = instructions[i].primitive as? Scan { prune(i, scan, &isUsed) }
      for operand in instructions[i].operands { isUsed[operand] = true }
      isKept[i] = true
    }
    instructions = instructions.indices.filter { isKept[$0] }.map { instructions[$0] }
    renumber()
  }

  /// A loop without the outputs that nobody reads: they get no result, and what only they needed is no operand.
  private mutating func prune(_ i: Int, _ scan: Scan, _ isUsed: inout [Bool]) {
    let instruction = instructions[i]
    let isRead = instruction.results.map { isUsed[$0] }
    guard isRead[scan.carryCount...].contains(false) else { return }
    let (pruned, operands) = scan.pruned(isRead)
    let results = instruction.results.filter {
      $0 - instruction.first < scan.carryCount || isUsed[$0]
    }
    // Results must be numbered one after the other: give them new numbers at the end.
    var renamed: [Int: Int] = [:]
    let first = types.count
    for result in results {
      renamed[result] = types.count
      types.append(types[result])
      isUsed.append(isUsed[result])
    }
    rename(renamed)
    instructions[i] = Instruction(
      primitive: pruned, operands: operands.map { instruction.operands[$0] }, first: first,
      resultCount: results.count)
  }

  /// Makes all readers read other values.
  mutating func rename(_ renamed: [Int: Int]) {
    guard !renamed.isEmpty else { return }
    for i in instructions.indices {
      for (o, operand) in instructions[i].operands.enumerated() {
        if let new = renamed[operand] { instructions[i].operands[o] = new }
      }
    }
    outputs = outputs.map { renamed[$0] ?? $0 }
  }

  /// Numbers values in the order of instructions, arguments first.
  private mutating func renumber() {
    var number = [Int](repeating: -1, count: types.count)
    for i in 0..<inputCount { number[i] = i }
    var newTypes = Array(types[..<inputCount])
    for i in instructions.indices {
      for result in instructions[i].results {
        number[result] = newTypes.count
        newTypes.append(types[result])
      }
      instructions[i].operands = instructions[i].operands.map { number[$0] }
      instructions[i].first = number[instructions[i].first]
    }
    types = newTypes
    outputs = outputs.map { number[$0] }
  }

  /// Drops instructions that the outputs do not need and arguments that nothing reads, except the first `fixed`.
  /// - Returns: The old numbers of the arguments that are left.
  mutating func dropUnusedInputs(keeping fixed: Int) -> [Int] {
    removeUnused()
    var isRead = [Bool](repeating: false, count: inputCount)
    for value in instructions.flatMap(\.operands) + outputs where value < inputCount {
      isRead[value] = true
    }
    let kept = (0..<inputCount).filter { $0 < fixed || isRead[$0] }
    guard kept.count < inputCount else { return kept }
    var number = [Int](repeating: -1, count: types.count)
    for (new, old) in kept.enumerated() { number[old] = new }
    let dropped = inputCount - kept.count
    for old in inputCount..<types.count { number[old] = old - dropped }
    for i in instructions.indices {
      instructions[i].operands = instructions[i].operands.map { number[$0] }
      instructions[i].first -= dropped
    }
    outputs = outputs.map { number[$0] }
    types = kept.map { types[$0] } + types[inputCount...]
    inputCount = kept.count
    return kept
  }

  /// Loops over one body with equal operands become the widest of them: a gradient asks for the forward loop again, with
  /// more of its values.
  mutating func mergeScans() {
    var scans: [(index: Int, scan: Scan)] = []
    for (i, instruction) in instructions.enumerated() {
      if let scan = instruction.primitive as? Scan { scans.append((i, scan)) }
    }
    guard scans.count > 1 else { return }
    var removed: Set<Int> = []
    for (place, narrow) in scans.enumerated() where !removed.contains(narrow.index) {
      let wider = scans[(place + 1)...].filter {
        !removed.contains($0.index)
          && instructions[$0.index].operands == instructions[narrow.index].operands
          && $0.scan.extends(narrow.scan)
      }
      guard let widest = wider.max(by: { $0.scan.body.outputs.count < $1.scan.body.outputs.count })
      else { continue }
      let old = instructions[narrow.index]
      var renamed: [Int: Int] = [:]
      for k in 0..<old.resultCount { renamed[old.first + k] = instructions[widest.index].first + k }
      // The wide loop runs at the place of the narrow one: its operands are there, and its readers come after.
      instructions[narrow.index] = instructions[widest.index]
      removed.insert(widest.index)
      rename(renamed)
    }
    instructions = instructions.indices.filter { !removed.contains($0) }.map { instructions[$0] }
  }

  /// The program as a graph over `arguments`: one tensor for every value.
  func instantiate(_ arguments: [Tensor]) -> [Tensor] {
    var values = arguments
    for instruction in instructions {
      values += Tensor.apply(instruction.primitive, instruction.operands.map { values[$0] })
    }
    return values
  }
}
