/// The gradient of a scan: a scan in the other direction.
///
/// The body's program is made into a graph again and differentiated there. What the gradient reads of the forward step
/// becomes further outputs of the forward scan. Gradients of captured tensors are sums over steps: where a summand is a
/// product or a sum, its factors leave the loop as stacks, and one large product or sum follows; else they join the carry.
struct ScanGradient {
  private let scan: Scan
  private let inputs: [Tensor]
  /// One tensor for every value of the body; the first are its arguments.
  private var values: [Tensor]
  private var valueOf: [ObjectIdentifier: Int] = [:]

  // Slices that the reverse body reads: cotangents of the stacked outputs.
  private var seedArguments: [Tensor] = []
  private var seedStacks: [Tensor] = []

  init(_ scan: Scan, _ inputs: [Tensor]) {
    self.scan = scan
    self.inputs = inputs
    let arguments = (0..<scan.body.inputCount).map { Tensor(Placeholder(scan.body.types[$0]), []) }
    values = scan.body.instantiate(arguments)
    for (i, value) in values.enumerated() where valueOf[ObjectIdentifier(value.node)] == nil {
      valueOf[ObjectIdentifier(value.node)] = i
    }
  }

  private var carryCount: Int { scan.carryCount }
  private var firstCaptured: Int { scan.carryCount + scan.stackCount }

  mutating func gradient(_ dy: [Tensor?]) -> [Tensor?] {
    // Cotangents of the body's outputs: of the next carry they are the reverse carry, of stacked outputs slices of dy.
    var seeds: [Tensor] = []
    var seeded: [Tensor] = []
    var carrySeeds: [Int: Tensor] = [:]
    for (i, value) in scan.body.outputs.enumerated()
    where scan.body.types[value].dataType.isFloatingPoint {
      if i < carryCount {
        let seed = Tensor(Placeholder(scan.body.types[value]), [])
        carrySeeds[i] = seed
        seeds.append(seed)
      } else if let dy = dy[i] {
        let seed = Tensor(Placeholder(scan.body.types[value]), [])
        seedArguments.append(seed)
        seedStacks.append(dy)
        seeds.append(seed)
      } else {
        continue
      }
      seeded.append(values[value])
    }
    let slopes = gradients(of: seeded, seeds: seeds, by: Array(values[..<scan.body.inputCount]))
    let floatCarries = (0..<carryCount).filter { carrySeeds[$0] != nil }

    // Captured tensors: hoisted where possible, accumulated in the carry else.
    let captured = (firstCaptured..<scan.body.inputCount).filter { slopes[$0] != nil }
    var hoists: [Int: Hoisted] = [:]
    var accumulated: [Int] = []
    for i in captured {
      if let hoisted = Hoisted(slopes[i]!) { hoists[i] = hoisted } else { accumulated.append(i) }
    }
    let accumulators = accumulated.map { Tensor(Placeholder(scan.body.types[$0]), []) }

    let nextCarry =
      floatCarries.map { slopes[$0] ?? values[$0].zerosLike() }
      + zip(accumulators, accumulated).map { $0 + slopes[$1]! }
    let stackSlopes = (carryCount..<firstCaptured).filter { slopes[$0] != nil }
    var outputs = stackSlopes.map { slopes[$0]! }
    let factors = hoists.sorted { $0.key < $1.key }.flatMap(\.value.factors)
    let factorStart = outputs.count
    outputs += factors

    let carryArguments = floatCarries.map { carrySeeds[$0]! } + accumulators
    let startCarry =
      floatCarries.map { dy[$0] ?? values[$0].zerosLike() }
      + accumulated.map { values[$0].zerosLike() }
    let results = reverse(carryArguments, startCarry, nextCarry, outputs)

    var gradient = [Tensor?](repeating: nil, count: scan.body.inputCount)
    for (place, i) in floatCarries.enumerated() { gradient[i] = results.carry[place] }
    for (place, i) in accumulated.enumerated() {
      gradient[i] = results.carry[floatCarries.count + place]
    }
    for (place, i) in stackSlopes.enumerated() { gradient[i] = results.outputs[place] }
    var factorStacks = results.outputs[factorStart...]
    for (i, hoisted) in hoists.sorted(by: { $0.key < $1.key }) {
      gradient[i] = hoisted.sum(&factorStacks)
    }
    return gradient
  }

  /// Builds and applies the reverse scan.
  private mutating func reverse(
    _ carryArguments: [Tensor], _ startCarry: [Tensor], _ nextCarry: [Tensor], _ outputs: [Tensor]
  ) -> (carry: [Tensor], outputs: [Tensor]) {
    let results = nextCarry + outputs
    let read = residualValues(results)
    let captured = read.filter { (firstCaptured..<scan.body.inputCount).contains($0) }
    let slices = read.filter { (carryCount..<firstCaptured).contains($0) }
    // Everything else becomes a further output of the forward scan: its value at every step.
    let computed = read.filter { $0 < carryCount || $0 >= scan.body.inputCount }
    let wide = Tensor.apply(scan.widened(by: computed), inputs)
    let computedStacks = wide[scan.body.outputs.count...]
    // The gradient's graph reads the forward graph: its values are arguments of the reverse body.
    let trace = Program.trace(
      results,
      arguments: carryArguments + seedArguments + (slices + computed + captured).map { values[$0] },
      keepsUnused: true)
    let stacks = seedStacks + slices.map { inputs[$0] } + computedStacks
    let reverse = Scan(
      body: trace.program, carryCount: carryArguments.count, stackCount: stacks.count,
      length: scan.length, isReversed: !scan.isReversed, memory: scan.memory)
    let applied = Tensor.apply(
      reverse, startCarry + stacks + captured.map { inputs[$0] } + trace.captured)
    return (Array(applied[..<carryArguments.count]), Array(applied[carryArguments.count...]))
  }

  /// The forward values that the gradient's graph reads; with `.carryOnly` only the body's arguments, from which the rest
  /// is computed again.
  private func residualValues(_ results: [Tensor]) -> [Int] {
    var found: Set<Int> = []
    var seen: Set<ObjectIdentifier> = []
    var pending = results
    while let tensor = pending.popLast() {
      if let value = forwardValue(tensor), isStored(value) {
        found.insert(value)
        continue
      }
      guard seen.insert(ObjectIdentifier(tensor.node)).inserted else { continue }
      if !tensor.node.isComputed { pending += tensor.node.inputs }
    }
    return found.sorted()
  }

  private func forwardValue(_ tensor: Tensor) -> Int? {
    valueOf[ObjectIdentifier(tensor.node)].map { $0 + tensor.index - values[$0].index }
  }

  private func isStored(_ value: Int) -> Bool {
    if value < scan.body.inputCount { return true }
    let primitive = values[value].node.primitive
    if primitive is Fill || primitive is Iota { return false }
    return scan.memory == .everything
  }
}

/// A gradient of a captured tensor that is a sum over steps of something that can be summed outside the loop.
private indirect enum Hoisted {
  /// Σ aᵀ b over rows: one product over all steps' rows.
  case rows(Tensor, Tensor)
  /// Σ a b.
  case product(Tensor, Tensor)
  /// Σ of a sum over axes.
  case sum(Tensor, axes: [Int])
  case reshaped(Hoisted, [Int])
  case transposed(Hoisted, [Int])
  case added(Hoisted, Hoisted)

  init?(_ slope: Tensor) {
    let inputs = slope.node.inputs
    switch slope.node.primitive {
    case let product as MatrixProduct where !product.transposesLeft && !product.transposesRight:
      guard inputs[0].rank == 2, inputs[1].rank == 2 else { return nil }
      if let transpose = inputs[0].node.primitive as? Transpose, transpose.swapsLastAxes {
        self = .rows(inputs[0].node.inputs[0], inputs[1])
      } else {
        self = .product(inputs[0], inputs[1])
      }
    case let reduce as Reduce where reduce.operation == .sum:
      self = .sum(inputs[0], axes: reduce.axes)
    case is Reshape:
      guard let inner = Hoisted(inputs[0]) else { return nil }
      self = .reshaped(inner, slope.shape)
    case let transpose as Transpose:
      guard let inner = Hoisted(inputs[0]) else { return nil }
      self = .transposed(inner, transpose.order)
    case let binary as Binary where binary === Binary.add:
      guard let a = Hoisted(inputs[0]), let b = Hoisted(inputs[1]) else { return nil }
      self = .added(a, b)
    default: return nil
    }
  }

  /// What must leave the loop.
  var factors: [Tensor] {
    switch self {
    case .rows(let a, let b), .product(let a, let b): [a, b]
    case .sum(let x, _): [x]
    case .reshaped(let inner, _), .transposed(let inner, _): inner.factors
    case .added(let a, let b): a.factors + b.factors
    }
  }

  /// The sum over steps from the stacks of the factors, which it consumes.
  func sum(_ stacks: inout ArraySlice<Tensor>) -> Tensor {
    switch self {
    case .rows:
      let (a, b) = (stacks.removeFirst(), stacks.removeFirst())
      return matrixProduct(
        a.reshaped([-1, a.shape[2]]).transposed(), b.reshaped([-1, b.shape[2]]))
    case .product:
      let (a, b) = (stacks.removeFirst(), stacks.removeFirst())
      let left = a.transposed([1, 0, 2]).reshaped([a.shape[1], a.shape[0] * a.shape[2]])
      return matrixProduct(left, b.reshaped([-1, b.shape[2]]))
    case .sum(_, let axes): return stacks.removeFirst().sum([0] + axes.map { $0 + 1 })
    case .reshaped(let inner, let shape): return inner.sum(&stacks).reshaped(shape)
    case .transposed(let inner, let order): return inner.sum(&stacks).transposed(order)
    case .added(let a, let b): return a.sum(&stacks) + b.sum(&stacks)
    }
  }
}
