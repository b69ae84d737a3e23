extension Fusion {
  /// Moves clusters whose values one other cluster reads, element by element, into that cluster.
  ///
  /// Placing puts a value where its operands are ready, so a gradient's factors that are known early would be stored until
  /// the gradient arrives. No cycle can arise, since nobody else waits for the values.
  mutating func sink() {
    let readers = readers()
    let clusters = units.indices.filter { units[$0].isCluster && units[$0].columns == nil }
    for from in clusters.sorted(by: { units[$0].level > units[$1].level })
    where !units[from].members.isEmpty {
      var places: Set<Int> = []
      for member in units[from].members {
        for reader in readers[member] { places.insert(reader < 0 ? -1 : unit[reader]) }
      }
      places.remove(from)
      guard places.count == 1, let to = places.first, to >= 0 else { continue }
      if isWorthMoving(from) { move(from, to) }
    }
  }

  /// The instructions that read each instruction's results element by element; −1 for any other reader.
  private func readers() -> [[Int]] {
    var readers = [[Int]](repeating: [], count: program.instructions.count)
    func readAsWhole(_ value: Int) {
      guard maker[value] >= 0 else { return }
      readers[maker[value]].append(-1)
      let source = program.instructions[maker[value]]
      if isView(source.primitive) { source.operands.forEach(readAsWhole) }
    }
    for (i, instruction) in program.instructions.enumerated() {
      if isElementwise(i) {
        let count = program.types[instruction.first].count
        for view in views[i] where view.value >= 0 && maker[view.value] >= 0 {
          if view.pattern.isFull(count), isElementwise(maker[view.value]) {
            readers[maker[view.value]].append(i)
          } else {
            readAsWhole(view.value)
          }
        }
      } else if !isView(instruction.primitive), unit[i] < 0 || !units[unit[i]].isCluster {
        instruction.operands.forEach(readAsWhole)
      }
    }
    program.outputs.forEach(readAsWhole)
    return readers
  }

  /// Whether the operands that stay in memory instead take no more of it than the values that need not be stored.
  private func isWorthMoving(_ cluster: Int) -> Bool {
    var operands: Set<Int> = []
    var read: Set<Int> = []
    for member in units[cluster].members {
      for view in views[member] where view.value >= 0 {
        let source = maker[view.value]
        if source >= 0, unit[source] == cluster {
          read.insert(view.value)
        } else if source >= 0, view.pattern.isFull(units[cluster].count) {
          operands.insert(view.value)
        }
      }
    }
    let results = units[cluster].members.map { program.instructions[$0].first }
    let stored = results.filter { !read.contains($0) }
    func bytes(_ values: some Sequence<Int>) -> Int {
      values.reduce(0) { $0 + program.types[$1].byteCount }
    }
    return bytes(operands) <= bytes(stored)
  }

  private mutating func move(_ from: Int, _ to: Int) {
    let patterns = units[to].patterns.union(units[from].patterns)
    guard units[from].count == units[to].count,
      BroadcastPattern.columns(patterns, count: units[to].count, fixed: units[to].columns) != nil
    else { return }
    for member in units[from].members {
      unit[member] = to
      level[member] = units[to].level
    }
    units[to].members += units[from].members
    units[to].patterns = patterns
    units[from].members = []
  }
}
