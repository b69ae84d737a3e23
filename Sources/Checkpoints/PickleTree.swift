import Documents

/// The leaves of a pickle's value by their dotted paths, in its order.
struct PickleTree {
  private(set) var tensors: [(name: String, tensor: Int)] = []
  private(set) var values: [JSONValue.Member] = []

  private let pickle: Pickle
  /// The keys on the way to the value at hand: paths are put together at leaves only.
  private var keys: [String] = []
  private var valueNames = Set<ExactText>()
  /// Bytes of paths that may still be made: a few references can stand for endless many leaves.
  private var budget: Int

  /// - Throws: where tensors share a path, or where depth, cycles or shared parts give too many.
  init(
    _ pickle: Pickle, root: Pickle.Reference, budget: Int, refuse: Refuse
  ) throws(CheckpointError) {
    self.pickle = pickle
    self.budget = budget
    var pending: [(value: Pickle.Reference, depth: Int, key: String)] = [(root, 0, "")]
    while let (value, depth, key) = pending.popLast() {
      if depth > 0 { keys.replaceSubrange((depth - 1)..., with: CollectionOfOne(key)) }
      try spend(1, refuse)
      guard let children = children(value) else {
        try addLeaf(value, refuse)
        continue
      }
      try spend(children.count, refuse)
      guard depth < 512 else { throw refuse(.limit, "its values are nested over 512 deep") }
      pending += children.reversed().map { ($0.1, depth + 1, $0.0) }
    }
    var names = Set<ExactText>()
    if let twice = tensors.first(where: { !names.insert(ExactText($0.name)).inserted }) {
      throw refuse(.duplicate, "two tensors have the path \"\(twice.name)\"")
    }
  }

  /// The members of a container; nil for a leaf.
  private func children(_ reference: Pickle.Reference) -> [(String, Pickle.Reference)]? {
    var reference = reference
    // What an object holds stands in its place; it may hold itself.
    for _ in 0..<8 {
      guard case .record(let state?) = pickle[reference] else { break }
      reference = state
    }
    return switch pickle[reference] {
    case .tuple(let items), .list(let items): items.enumerated().map { ("\($0)", $1) }
    case .dictionary(let members):
      stride(from: 0, to: members.count, by: 2).map { (key(members[$0]), members[$0 + 1]) }
    default: nil
    }
  }

  private func key(_ reference: Pickle.Reference) -> String {
    switch pickle[reference] {
    case .text(let text), .longInteger(let text): text
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .bool(let value): value ? "True" : "False"
    case .none: "None"
    case .global(.elementType(let type)): Self.name(type)
    default: "?"
    }
  }

  private mutating func addLeaf(
    _ reference: Pickle.Reference, _ refuse: Refuse
  ) throws(CheckpointError) {
    let value = json(reference)
    let tensor: Int? = if case .tensor(let index) = pickle[reference] { index } else { nil }
    guard tensor != nil || value != nil else { return }
    try spend(keys.reduce(0) { $0 + $1.utf8.count + 1 }, refuse)
    let path = keys.joined(separator: ".")
    if let tensor { tensors.append((path, tensor)) }
    // Keys of different types may look alike.
    if let value, valueNames.insert(ExactText(path)).inserted {
      values.append(JSONValue.Member(path, value))
    }
  }

  private mutating func spend(_ work: Int, _ refuse: Refuse) throws(CheckpointError) {
    budget -= work
    guard budget > 0 else {
      throw refuse(.limit, "its values refer to each other so often that they have no end")
    }
  }

  /// A plain value; nil for tensors and for what is not understood.
  private func json(_ reference: Pickle.Reference) -> JSONValue? {
    switch pickle[reference] {
    case .none: .null
    case .bool(let value): .bool(value)
    // Beyond, readers that take numbers for doubles would change it.
    case .integer(let value): abs(value) < 1 << 53 ? .integer(value) : .string("\(value)")
    case .longInteger(let text), .text(let text): .string(text)
    case .number(let value): value.isFinite ? .number(value) : .string("\(value)")
    case .size: pickle.integers(reference).map { .array($0.map { .integer($0) }) }
    case .global(.elementType(let type)): .string(Self.name(type))
    case .global(.word(let word)): .string(word)
    default: nil
    }
  }

  private static func name(_ type: ElementType) -> String {
    "torch." + (PickleGlobal.systematicName(type) ?? type.rawValue)
  }
}
