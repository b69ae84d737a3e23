import Documents

/// The leaves of a pickle's value by their dotted paths, in its order.
struct PickleTree {
  private(set) var tensors: [(name: String, tensor: Int)] = []
  private(set) var values: [JSONValue.Member] = []

  /// A place on the way, without the text of the way to it: paths are put together at leaves only.
  private struct Step {
    let parent: Int
    let key: String
    let depth: Int
  }

  private let pickle: Pickle
  private var steps: [Step] = []
  private var valueNames = Set<ExactText>()
  /// Bytes of paths that may still be made: a few references can stand for endless many leaves.
  private var budget: Int

  /// - Throws: where tensors share a path, or where depth, cycles or shared parts give too many.
  init(
    _ pickle: Pickle, root: Pickle.Reference, budget: Int, refuse: Refuse
  ) throws(CheckpointError) {
    self.pickle = pickle
    self.budget = budget
    var pending: [(value: Pickle.Reference, step: Int)] = [(root, -1)]
    while let (value, step) = pending.popLast() {
      self.budget -= 1
      guard self.budget > 0 else {
        throw refuse(.limit, "its values refer to each other so often that they have no end")
      }
      let children = children(value)
      guard let children else {
        try addLeaf(value, step, refuse)
        continue
      }
      let depth = step < 0 ? 1 : steps[step].depth + 1
      guard depth <= 512 else { throw refuse(.limit, "its values are nested over 512 deep") }
      for (key, child) in children.reversed() {
        steps.append(Step(parent: step, key: key, depth: depth))
        pending.append((child, steps.count - 1))
      }
      self.budget -= children.count
    }
    var names = Set<ExactText>()
    if let twice = tensors.first(where: { !names.insert(ExactText($0.name)).inserted }) {
      throw refuse(.duplicate, "two tensors have the path \"\(twice.name)\"")
    }
  }

  /// The members of a container; nil for a leaf.
  private func children(_ reference: Pickle.Reference) -> [(String, Pickle.Reference)]? {
    switch pickle[reference] {
    case .tuple(let items), .list(let items): items.enumerated().map { ("\($0)", $1) }
    case .dictionary(let members):
      stride(from: 0, to: members.count, by: 2).map { (key(members[$0]), members[$0 + 1]) }
    case .record(let state?): children(state) ?? []
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
    _ reference: Pickle.Reference, _ step: Int, _ refuse: Refuse
  ) throws(CheckpointError) {
    let value = json(reference)
    let tensor: Int? = if case .tensor(let index) = pickle[reference] { index } else { nil }
    guard tensor != nil || value != nil else { return }
    let path = try path(step, refuse)
    if let tensor { tensors.append((path, tensor)) }
    // Keys of different types may look alike.
    if let value, valueNames.insert(ExactText(path)).inserted {
      values.append(JSONValue.Member(path, value))
    }
  }

  private mutating func path(_ step: Int, _ refuse: Refuse) throws(CheckpointError) -> String {
    var keys: [String] = []
    var step = step
    while step >= 0 {
      keys.append(steps[step].key)
      budget -= steps[step].key.utf8.count + 1
      guard budget > 0 else { throw refuse(.limit, "the paths of its values are too long") }
      step = steps[step].parent
    }
    return keys.reversed().joined(separator: ".")
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
    case .size(let items): .array(items.compactMap { json($0) })
    case .global(.elementType(let type)): .string(Self.name(type))
    case .global(.word(let word)): .string(word)
    default: nil
    }
  }

  private static func name(_ type: ElementType) -> String {
    "torch." + (PickleGlobal.systematicName(type) ?? type.rawValue)
  }
}
