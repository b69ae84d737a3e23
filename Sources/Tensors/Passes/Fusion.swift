/// One kernel to be: a cluster of elementwise instructions, or a single structured instruction.
package struct FusedUnit: Sendable {
  /// Indices of the program's instructions, in order.
  package var members: [Int]
  package var isCluster: Bool
  /// Elements of the cluster's values.
  package var count = 0
  /// Columns of the matrix view where the cluster ends in sums over rows.
  package var columns: Int?
}

/// Groups elementwise instructions so that each group is computed in one sweep over memory.
///
/// Every unit has a level, the most borders on a path to it from the arguments; edges between units always raise the
/// level, so no cycle can arise. An elementwise value joins the units of its elementwise operands on the highest level of
/// all its operands. Broadcasts, numbers and indices are not values of their own here: they are ways to read an operand.
package struct Fusion {
  let program: Program
  /// The instruction that makes a value; −1 for arguments.
  var maker: [Int]
  /// Level and unit of every instruction; views have none.
  var level: [Int]
  var unit: [Int]
  var units: [Unit] = []
  /// How every elementwise instruction reads its operands.
  var views: [[View]]
  private var placements: [Int: Placement] = [:]

  /// A value that is part of a concatenation's result and is written there at once.
  package struct Placement: Sendable {
    package let container: Int
    package let runs: Runs
  }

  struct Unit {
    var members: [Int] = []
    var isCluster = false
    var level = 0
    var count = 0
    var columns: Int?
    var patterns: Set<BroadcastPattern> = []
  }

  /// How an elementwise instruction reads an operand.
  package struct View: Sendable {
    /// A value that is stored or belongs to the same cluster; −1 for a number or an index.
    package var value: Int
    package var pattern: BroadcastPattern
    package var literal: Fill?
    package var index: Iota?
  }

  /// The units in order, and what their kernels need to know.
  package struct Result: Sendable {
    package var units: [FusedUnit]
    package var views: [[View]]
    package var maker: [Int]
    /// Values that are written where a concatenation wants them.
    package var placements: [Int: Placement]
  }

  package static func fuse(_ program: Program) -> Result {
    var fusion = Fusion(program)
    for i in program.instructions.indices { fusion.place(i) }
    fusion.sink()
    fusion.placeParts()
    fusion.storeViews()
    return Result(
      units: Scheduler.order(fusion.finishedUnits(), program, fusion.maker), views: fusion.views,
      maker: fusion.maker, placements: fusion.placements)
  }

  private init(_ program: Program) {
    self.program = program
    maker = [Int](repeating: -1, count: program.types.count)
    for (i, instruction) in program.instructions.enumerated() {
      for result in instruction.results { maker[result] = i }
    }
    level = [Int](repeating: 0, count: program.instructions.count)
    unit = [Int](repeating: -1, count: program.instructions.count)
    views = [[View]](repeating: [], count: program.instructions.count)
  }

  // MARK: Views

  /// What a value is behind reshapes and broadcasts, as read by an elementwise instruction of `count` elements.
  package static func view(_ value: Int, _ program: Program, _ maker: [Int]) -> View {
    let count = program.types[value].count
    var view = View(value: value, pattern: .full(count))
    guard maker[value] >= 0 else { return view }
    let instruction = program.instructions[maker[value]]
    switch instruction.primitive {
    case let fill as Fill:
      view = View(value: -1, pattern: .scalar, literal: fill)
    case let iota as Iota:
      view = View(value: -1, pattern: iota.pattern, index: iota)
    case is Reshape:
      view = Fusion.view(instruction.operands[0], program, maker)
    case let broadcast as Broadcast:
      guard let pattern = broadcast.pattern(of: program.types[instruction.operands[0]].shape) else {
        break
      }
      let source = instruction.operands[0]
      let inner = Fusion.view(source, program, maker)
      if inner.literal != nil {
        view = inner
      } else if inner.index == nil, inner.pattern.isFull(program.types[source].count) {
        // A reshape before the broadcast changes nothing.
        view = View(value: inner.value, pattern: pattern)
      } else {
        view = View(value: source, pattern: pattern)
      }
    case let slice as Slice:
      view = part(
        value, instruction, slice.runs(in: program.types[instruction.operands[0]].shape), program,
        maker)
    case let split as Split:
      let runs = split.runs(
        value - instruction.first, in: program.types[instruction.operands[0]].shape)
      view = part(value, instruction, runs, program, maker)
    default: break
    }
    return view
  }

  /// A part is read where it lies, unless its runs are too short to be worth a row of their own.
  private static func part(
    _ value: Int, _ instruction: Program.Instruction, _ runs: Runs?, _ program: Program,
    _ maker: [Int]
  ) -> View {
    let count = program.types[value].count
    guard let runs, runs.isContiguous || runs.length >= shortestRow else {
      return View(value: value, pattern: .full(count))
    }
    let source = instruction.operands[0]
    let inner = Fusion.view(source, program, maker)
    let isPlain = inner.value >= 0 && inner.pattern.isFull(program.types[source].count)
    var pattern = BroadcastPattern(inner: runs.length)
    pattern.isPart = true
    pattern.offset = runs.offset
    pattern.rowStride = runs.stride
    return View(value: isPlain ? inner.value : source, pattern: pattern)
  }

  /// Rows of fewer elements cost more than a copy.
  private static let shortestRow = 8

  /// Whether an instruction needs no kernel wherever elementwise instructions read it.
  func isView(_ primitive: any Primitive) -> Bool {
    primitive is Reshape || primitive is Broadcast || primitive is Fill || primitive is Iota
      || primitive is Slice || primitive is Split
  }

  func isElementwise(_ i: Int) -> Bool {
    program.instructions[i].primitive is any ElementwisePrimitive
      && !(program.instructions[i].primitive is Fill)
  }

  // MARK: Placing

  private mutating func place(_ i: Int) {
    let instruction = program.instructions[i]
    if isView(instruction.primitive) { return placeView(i) }
    if isElementwise(i) { return placeElementwise(i) }
    if let reduce = instruction.primitive as? Reduce, joinRowReduction(i, reduce) { return }
    open(i, level: instruction.operands.map { levelBehind($0) + 1 }.max() ?? 0, isCluster: false)
  }

  /// A view is stored only where something other than a cluster reads it; then it is a unit like any other.
  private mutating func placeView(_ i: Int) {
    level[i] = program.instructions[i].operands.map { levelBehind($0) }.max() ?? 0
  }

  private func levelBehind(_ value: Int) -> Int { maker[value] >= 0 ? level[maker[value]] : 0 }

  private mutating func placeElementwise(_ i: Int) {
    let instruction = program.instructions[i]
    let count = program.types[instruction.first].count
    var views = instruction.operands.map { Fusion.view($0, program, maker) }
    if BroadcastPattern.columns(views.map(\.pattern), count: count) == nil {
      // No matrix has all these operands as rows and columns: store the broadcasts.
      for (i, operand) in instruction.operands.enumerated() where !views[i].pattern.isFull(count) {
        views[i] = View(value: operand, pattern: .full(count))
      }
    }
    self.views[i] = views
    var neighbours: Set<Int> = []  // clusters that this value could join
    var top = 0
    for view in views where view.value >= 0 {
      let source = maker[view.value]
      guard source >= 0 else { continue }
      if view.pattern.isFull(count), isElementwise(source) {
        top = max(top, level[source])
        neighbours.insert(unit[source])
      } else {
        top = max(top, level[source] + 1)
      }
    }
    neighbours = neighbours.filter { units[$0].level == top }
    let patterns = Set(views.compactMap { $0.pattern.isFull(count) ? nil : $0.pattern })
    if let joined = merge(neighbours, patterns, count: count, columns: nil) {
      units[joined].members.append(i)
      unit[i] = joined
      level[i] = top
    } else {
      let isSameLevel = !neighbours.isEmpty
      open(i, level: isSameLevel ? top + 1 : top, isCluster: true)
      units[unit[i]].count = count
      units[unit[i]].patterns = patterns
    }
  }

  /// Merges clusters of one level if their operands have a common matrix view together with `patterns`.
  private mutating func merge(
    _ neighbours: Set<Int>, _ patterns: Set<BroadcastPattern>, count: Int, columns: Int?
  ) -> Int? {
    guard let first = neighbours.min() else { return nil }
    var all = patterns
    var columns = columns
    for neighbour in neighbours {
      all.formUnion(units[neighbour].patterns)
      if let other = units[neighbour].columns {
        guard columns == nil || columns == other else { return nil }
        columns = other
      }
    }
    guard BroadcastPattern.columns(all, count: count, fixed: columns) != nil else { return nil }
    for other in neighbours where other != first {
      for member in units[other].members { unit[member] = first }
      units[first].members += units[other].members
      units[other].members = []
    }
    units[first].patterns = all
    units[first].columns = columns
    return first
  }

  /// A sum, maximum or minimum over the last axes ends the cluster that computes its operand.
  private mutating func joinRowReduction(_ i: Int, _ reduce: Reduce) -> Bool {
    let instruction = program.instructions[i]
    let operand = Fusion.view(instruction.operands[0], program, maker)
    let type = program.types[instruction.operands[0]]
    guard operand.value >= 0, maker[operand.value] >= 0, isElementwise(maker[operand.value]),
      operand.pattern.isFull(type.count), reduce.isRowStore(type)
    else { return false }
    let source = maker[operand.value]
    let columns = type.count / program.types[instruction.first].count
    guard let joined = merge([unit[source]], [], count: type.count, columns: columns) else {
      return false
    }
    units[joined].members.append(i)
    unit[i] = joined
    level[i] = level[source]
    return true
  }

  private mutating func open(_ i: Int, level: Int, isCluster: Bool) {
    unit[i] = units.count
    self.level[i] = level
    units.append(Unit(members: [i], isCluster: isCluster, level: level))
  }

  // MARK: Finishing

  /// Operands of concatenations that clusters compute, and that nobody else reads, are written where they belong.
  private mutating func placeParts() {
    var readers = [Int](repeating: 0, count: program.types.count)
    for instruction in program.instructions {
      for operand in instruction.operands { readers[operand] += 1 }
    }
    for output in program.outputs { readers[output] += 1 }
    for (i, instruction) in program.instructions.enumerated() {
      guard let concatenate = instruction.primitive as? Concatenate else { continue }
      let shapes = program.operandTypes(instruction).map(\.shape)
      for (part, operand) in instruction.operands.enumerated() where readers[operand] == 1 {
        guard maker[operand] >= 0, isElementwise(maker[operand]), program.types[operand].count > 0
        else { continue }
        let runs = concatenate.runs(part, shapes, in: program.types[instruction.first].shape)
        if takesRows(unit[maker[operand]], runs) {
          placements[operand] = Placement(container: instruction.first, runs: runs)
        }
      }
      if instruction.operands.allSatisfy({ placements[$0] != nil }) {
        // Nothing is left to do: the concatenation is where its parts were written.
        level[i] = units[unit[i]].level
        units[unit[i]].members = []
        unit[i] = -1
      }
    }
  }

  /// Whether a cluster can write rows of this length, and makes it do so.
  private mutating func takesRows(_ unit: Int, _ runs: Runs) -> Bool {
    if runs.isContiguous { return true }
    guard runs.length >= Fusion.shortestRow,
      units[unit].columns == nil || units[unit].columns == runs.length,
      BroadcastPattern.columns(units[unit].patterns, count: units[unit].count, fixed: runs.length)
        != nil
    else { return false }
    units[unit].columns = runs.length
    return true
  }

  /// Broadcasts, numbers and indices that somebody reads as they are become units of their own.
  private mutating func storeViews() {
    var needed: Set<Int> = []
    func need(_ value: Int) {
      let owner = program.location(of: value, maker).owner
      if maker[owner] >= 0, unit[maker[owner]] < 0 { needed.insert(maker[owner]) }
    }
    for (i, instruction) in program.instructions.enumerated() where unit[i] >= 0 {
      if units[unit[i]].isCluster, !(instruction.primitive is Reduce) {
        for view in views[i] where view.value >= 0 { need(view.value) }
      } else {
        for operand in instruction.operands { need(operand) }
      }
    }
    for output in program.outputs {
      let owner = program.owner(of: output, maker)
      if maker[owner] >= 0, unit[maker[owner]] < 0 { needed.insert(maker[owner]) }
    }
    needed = needed.filter { !(program.instructions[$0].primitive is Concatenate) }
    var pending = Array(needed)
    while let i = pending.popLast() {
      for operand in program.instructions[i].operands {
        let owner = program.location(of: operand, maker).owner
        if maker[owner] >= 0, unit[maker[owner]] < 0,
          !(program.instructions[maker[owner]].primitive is Concatenate),
          needed.insert(maker[owner]).inserted
        {
          pending.append(maker[owner])
        }
      }
    }
    for i in needed { open(i, level: level[i], isCluster: false) }
  }

  private func finishedUnits() -> [FusedUnit] {
    units.filter { !$0.members.isEmpty }.map { unit in
      FusedUnit(
        members: unit.members.sorted(), isCluster: unit.isCluster, count: unit.count,
        columns: unit.columns)
    }
  }
}

extension Program {
  /// The value whose memory a value shares: reshapes are other names for the same bytes.
  package func owner(of value: Int, _ maker: [Int]) -> Int {
    var value = value
    while maker[value] >= 0, instructions[maker[value]].primitive is Reshape {
      value = instructions[maker[value]].operands[0]
    }
    return value
  }
}

extension Program {
  /// Where the bytes of a value lie: parts without gaps are places within the whole.
  package func location(of value: Int, _ maker: [Int]) -> (owner: Int, offset: Int) {
    var (value, offset) = (value, 0)
    while maker[value] >= 0 {
      let instruction = instructions[maker[value]]
      let runs: Runs?
      switch instruction.primitive {
      case is Reshape: runs = Runs(length: 0, stride: 0, offset: 0)
      case let slice as Slice: runs = slice.runs(in: types[instruction.operands[0]].shape)
      case let split as Split:
        runs = split.runs(value - instruction.first, in: types[instruction.operands[0]].shape)
      default: runs = nil
      }
      guard let runs, runs.isContiguous else { break }
      offset += runs.offset
      value = instruction.operands[0]
    }
    return (value, offset)
  }
}

/// Puts units in order: topological, with the trace's own order as priority.
enum Scheduler {
  static func order(_ units: [FusedUnit], _ program: Program, _ maker: [Int]) -> [FusedUnit] {
    var unitOf = [Int](repeating: -1, count: program.instructions.count)
    for (u, unit) in units.enumerated() { for member in unit.members { unitOf[member] = u } }
    var successors = [[Int]](repeating: [], count: units.count)
    var missing = [Int](repeating: 0, count: units.count)
    for (u, unit) in units.enumerated() {
      var sources: Set<Int> = []
      for member in unit.members {
        for operand in program.instructions[member].operands { collect(operand, into: &sources) }
      }
      sources.remove(u)
      missing[u] = sources.count
      for source in sources { successors[source].append(u) }
    }
    func collect(_ value: Int, into sources: inout Set<Int>) {
      guard maker[value] >= 0 else { return }
      let i = maker[value]
      if unitOf[i] >= 0 {
        sources.insert(unitOf[i])
      } else {
        for operand in program.instructions[i].operands { collect(operand, into: &sources) }
      }
    }
    var ready = Heap(
      units.indices.filter { missing[$0] == 0 }.map { (units[$0].members.last!, $0) })
    var order: [FusedUnit] = []
    while let (_, u) = ready.pop() {
      order.append(units[u])
      for next in successors[u] {
        missing[next] -= 1
        if missing[next] == 0 { ready.push((units[next].members.last!, next)) }
      }
    }
    guard order.count == units.count else { fail("fusion made a cycle among \(units.count) units") }
    return order
  }

  /// A binary heap, smallest first.
  private struct Heap {
    private var items: [(Int, Int)] = []
    init(_ items: [(Int, Int)]) { for item in items { push(item) } }

    mutating func push(_ item: (Int, Int)) {
      items.append(item)
      var i = items.count - 1
      while i > 0, items[i] < items[(i - 1) / 2] {
        items.swapAt(i, (i - 1) / 2)
        i = (i - 1) / 2
      }
    }

    mutating func pop() -> (Int, Int)? {
      guard let top = items.first else { return nil }
      let last = items.removeLast()
      if items.isEmpty { return top }
      items[0] = last
      var i = 0
      while true {
        var least = i
        for child in [2 * i + 1, 2 * i + 2] where child < items.count && items[child] < items[least]
        { least = child }
        if least == i { return top }
        items.swapAt(i, least)
        i = least
      }
    }
  }
}
