// What a pickle may call, and the tensors that come of it.

extension Unpickler {
  /// Carries out an instruction that names or makes objects.
  mutating func call(_ code: UInt8) throws(CheckpointError) {
    switch code {
    case UInt8(ascii: "c"):
      let module = try line()
      push(.global(try global(module, line())))
    case 0x93:
      guard case .text(let name) = pickle[try pop()], case .text(let module) = pickle[try pop()]
      else { throw refuse(.corrupt, "a name that is no text") }
      push(.global(try global(module, name)))
    case UInt8(ascii: "i"):
      let module = try line()
      let callee = try global(module, line())
      try apply(callee, popMark())
    case UInt8(ascii: "o"):
      let operands = try popMark()
      guard let first = operands.first, case .global(let callee) = pickle[first] else {
        throw refuse(.corrupt, "an object without a class")
      }
      try apply(callee, Array(operands.dropFirst()))
    case UInt8(ascii: "R"), 0x81, 0x92:
      if code == 0x92 { _ = try pop() }
      let operands = try pop()
      guard let arguments = pickle.items(operands), case .global(let callee) = pickle[try pop()]
      else { throw refuse(.corrupt, "a call of what cannot be called") }
      try apply(callee, arguments)
    case UInt8(ascii: "b"): try setState()
    case UInt8(ascii: "Q"): try pushStorage(pop())
    case UInt8(ascii: "P"):
      throw refuse(.unsupported, "the outside object \"\(try line())\"")
    case 0x82, 0x83, 0x84:
      throw refuse(.unsafe, "it asks for an object by the number of an extension")
    case 0x97, 0x98: throw refuse(.unsupported, "a buffer outside the pickle")
    default: throw refuse(.corrupt, "the unknown instruction \(code)")
    }
  }

  private func global(_ module: String, _ name: String) throws(CheckpointError) -> PickleGlobal {
    do { return try PickleGlobal(module: module, name: name) } catch {
      switch error {
      case .unsafe: throw refuse(.unsafe, "it asks for \(module).\(name), which is no plain data")
      case .unsupported(let kind): throw refuse(.unsupported, kind)
      }
    }
  }

  private mutating func apply(
    _ callee: PickleGlobal, _ arguments: [Pickle.Reference]
  ) throws(CheckpointError) {
    // What is copied counts, so that copies of copies end.
    for argument in arguments { try spend(pickle.memberCount(argument)) }
    switch callee {
    case .dictionary: push(.dictionary(try members(arguments)))
    case .list: push(.list(arguments.first.flatMap { pickle.items($0) } ?? []))
    case .size: push(.size(arguments.first.flatMap { pickle.items($0) } ?? []))
    case .device:
      guard let name = arguments.first, case .text = pickle[name] else {
        throw refuse(.corrupt, "a device without a name")
      }
      stack.append(name)
    case .rebuildTensor: try pushTensor(arguments, type: nil)
    case .rebuildTypedTensor:
      guard arguments.count > 6, case .global(.elementType(let type)) = pickle[arguments[6]] else {
        throw refuse(.corrupt, "a tensor without an element type")
      }
      try pushTensor(arguments, type: type)
    case .rebuildParameter:
      guard let data = arguments.first, case .tensor = pickle[data] else {
        throw refuse(.corrupt, "a parameter without a tensor")
      }
      stack.append(data)
    case .rebuildFromType:
      guard arguments.count > 2, case .global(let inner) = pickle[arguments[0]],
        inner != .rebuildFromType, let operands = pickle.items(arguments[2])
      else { throw refuse(.corrupt, "a tensor that is not rebuilt from its parts") }
      try apply(inner, operands)
    case .record: push(.record(nil))
    case .storage, .elementType, .word: throw refuse(.corrupt, "a call of what cannot be called")
    }
  }

  /// What a dictionary is made of: nothing, another one, or a list of pairs.
  private func members(
    _ arguments: [Pickle.Reference]
  ) throws(CheckpointError) -> [Pickle.Reference] {
    guard let first = arguments.first else { return [] }
    if case .dictionary(let members) = pickle[first] { return members }
    // A class that makes missing values.
    guard let items = pickle.items(first) else { return [] }
    var members: [Pickle.Reference] = []
    for item in items {
      guard let pair = pickle.items(item), pair.count == 2 else {
        throw refuse(.corrupt, "a dictionary of what are no pairs")
      }
      members += pair
    }
    return members
  }

  private mutating func setState() throws(CheckpointError) {
    let state = try pop()
    let target = try pop()
    switch pickle[target] {
    case .record: pickle[target] = .record(state)
    // Attributes, such as the versions of a state dictionary's modules.
    case .dictionary, .tensor: break
    default: throw refuse(.corrupt, "a state is set on what has none")
    }
    stack.append(target)
  }

  // MARK: - Tensors

  /// A storage: ("storage", class, key, device, count).
  private mutating func pushStorage(_ identifier: Pickle.Reference) throws(CheckpointError) {
    guard let parts = pickle.items(identifier), let first = parts.first,
      case .text(let kind) = pickle[first]
    else { throw refuse(.corrupt, "an outside object without a kind") }
    guard kind == "storage" else {
      throw refuse(.unsupported, "an outside object of the kind \"\(kind)\"")
    }
    guard parts.count >= 5, case .global(.storage(let type)) = pickle[parts[1]],
      case .text(let key) = pickle[parts[2]], case .integer(let count) = pickle[parts[4]]
    else { throw refuse(.corrupt, "a storage without class, key and count") }
    if parts.count > 5, case .none = pickle[parts[5]] {
    } else if parts.count > 5 {
      throw refuse(.unsupported, "a storage that is a part of another")
    }
    guard let byteCount = (type ?? .u8).byteCount([count]) else {
      throw refuse(.shape, "a storage of \(count) elements")
    }
    pickle.storages.append(Pickle.Storage(key: key, type: type, byteCount: byteCount))
    push(.storage(pickle.storages.count - 1))
  }

  /// A tensor: (storage, offset, sizes, strides, …).
  private mutating func pushTensor(
    _ arguments: [Pickle.Reference], type: ElementType?
  ) throws(CheckpointError) {
    guard arguments.count >= 4, case .storage(let index) = pickle[arguments[0]],
      case .integer(let offset) = pickle[arguments[1]], let shape = pickle.integers(arguments[2]),
      let strides = pickle.integers(arguments[3])
    else { throw refuse(.corrupt, "a tensor without storage, offset, sizes and strides") }
    let storage = pickle.storages[index]
    guard let type = type ?? storage.type else {
      throw refuse(.corrupt, "a tensor without an element type")
    }
    guard shape.count == strides.count else {
      throw refuse(.shape, "a tensor of sizes \(shape) and strides \(strides)")
    }
    guard shape.count <= 64 else { throw refuse(.limit, "a tensor of \(shape.count) axes") }
    guard type.byteCount(shape) != nil else {
      throw refuse(.shape, "a tensor of sizes \(shape), which are negative or overflow")
    }
    let size = type.bitCount / 8
    guard offset >= 0, strides.allSatisfy({ $0 >= 0 }),
      let end = Self.end(offset, shape, strides, size), end <= storage.byteCount
    else {
      throw refuse(
        .bounds,
        "a tensor of sizes \(shape), strides \(strides) and offset \(offset) leaves its storage "
          + "of \(storage.byteCount) bytes")
    }
    pickle.tensors.append(
      Pickle.Tensor(
        storage: index,
        layout: StridedLayout(type: type, shape: shape, strides: strides, offset: offset * size)))
    push(.tensor(pickle.tensors.count - 1))
  }

  /// Where the last element of a tensor ends, in bytes of its storage; nil on overflow.
  private static func end(_ offset: Int, _ shape: [Int], _ strides: [Int], _ size: Int) -> Int? {
    var elements = offset
    if !shape.contains(0) {
      for (count, stride) in zip(shape, strides) {
        let (reach, overflow) = (count - 1).multipliedReportingOverflow(by: stride)
        let (sum, overflows) = elements.addingReportingOverflow(reach)
        if overflow || overflows { return nil }
        elements = sum
      }
      let (last, overflow) = elements.addingReportingOverflow(1)
      if overflow { return nil }
      elements = last
    }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: size)
    return overflow ? nil : bytes
  }
}
