public import Tensors

/// A value made of named tensors: a layer, a model, an optimizer, a batch, a whole training state.
///
/// A module says in `visit` which tensors it has and what they are called; everything else — gradients, optimizers,
/// checkpoints, moving averages, compiled steps — is a walk over them. Copying a module copies its tensors' references, so
/// a copy is a snapshot.
public protocol Module: Sendable {
  /// Names every tensor and module inside, in a fixed order:
  ///
  ///     mutating func visit(_ visitor: inout Visitor) {
  ///       visitor("weight", &weight)
  ///       visitor("bias", &bias)
  ///     }
  mutating func visit(_ visitor: inout Visitor)
}

/// Walks the tensors of a module, collecting or replacing them.
public struct Visitor {
  /// One tensor of a module.
  public struct Leaf: Sendable {
    /// The dotted path, such as `layers.0.weight`.
    public var name: String
    public var tensor: Tensor
    /// Saved, but not trained.
    public var isBuffer: Bool
  }

  package enum Mode {
    /// Collects tensors only: the cheap walk of every step.
    case tensors
    /// Collects tensors with their names.
    case leaves
    /// Puts `tensors` in place of what is there.
    case replace
  }

  package let mode: Mode
  package var tensors: [Tensor] = []
  package var leaves: [Leaf] = []
  /// Everything that belongs to the module's structure but is no tensor: counts and fixed values.
  package var structure = Hasher()
  private var position = 0
  private var path: [String] = []
  private var bufferDepth = 0

  package init(_ mode: Mode, tensors: [Tensor] = []) {
    self.mode = mode
    self.tensors = tensors
  }

  /// A tensor or module that is trained.
  public mutating func callAsFunction<M: Module>(_ name: StaticString, _ module: inout M) {
    if mode == .leaves { path.append("\(name)") }
    module.visit(&self)
    if mode == .leaves { path.removeLast() }
  }

  /// A tensor or module that is saved but not trained: running statistics, moments, tables.
  public mutating func buffer<M: Module>(_ name: StaticString, _ module: inout M) {
    bufferDepth += 1
    self(name, &module)
    bufferDepth -= 1
  }

  /// A part whose tensors stand directly in this module, without a name of their own.
  public mutating func inline<M: Module>(_ module: inout M) { module.visit(&self) }

  /// A plain value that changes what the module computes: another value makes another compiled step.
  public mutating func fixed<T: Hashable & Sendable>(_ name: StaticString, _ value: T) {
    if mode == .tensors { structure.combine(value) }
  }

  package mutating func named<M: Module>(_ name: String, _ module: inout M) {
    if mode == .leaves { path.append(name) }
    module.visit(&self)
    if mode == .leaves { path.removeLast() }
  }

  fileprivate mutating func leaf(_ tensor: inout Tensor) {
    switch mode {
    case .tensors: tensors.append(tensor)
    case .leaves:
      leaves.append(
        Leaf(name: path.joined(separator: "."), tensor: tensor, isBuffer: bufferDepth > 0))
    case .replace:
      guard position < tensors.count else {
        fail("a module has more tensors than there are to replace them")
      }
      tensor = tensors[position]
      position += 1
    }
  }

  package var isFinished: Bool { position == tensors.count }
}

extension Tensor: Module {
  public mutating func visit(_ visitor: inout Visitor) { visitor.leaf(&self) }
}

extension Array: Module where Element: Module {
  public mutating func visit(_ visitor: inout Visitor) {
    visitor.structure.combine(count)
    if visitor.mode == .replace {
      for i in indices { visitor.named("", &self[i]) }
    } else {
      // Copies elements: an in-place walk over a copy would copy the array itself.
      for i in indices {
        var element = self[i]
        visitor.named("\(i)", &element)
      }
    }
  }
}

extension Optional: Module where Wrapped: Module {
  public mutating func visit(_ visitor: inout Visitor) {
    visitor.structure.combine(self == nil)
    guard var wrapped = self else { return }
    visitor.inline(&wrapped)
    if visitor.mode == .replace { self = wrapped }
  }
}

extension Dictionary: Module where Key == String, Value: Module {
  /// Entries in the order of their keys.
  public mutating func visit(_ visitor: inout Visitor) {
    for key in keys.sorted() {
      visitor.structure.combine(key)
      var value = self[key]!
      visitor.named(key, &value)
      if visitor.mode == .replace { self[key] = value }
    }
  }
}

/// A module without tensors, where one is asked for.
public struct Nothing: Module {
  public init() {}
  public mutating func visit(_ visitor: inout Visitor) {}
}

/// Two modules as one.
public struct Pair<First: Module, Second: Module>: Module {
  public var first: First
  public var second: Second

  public init(_ first: First, _ second: Second) {
    self.first = first
    self.second = second
  }

  public mutating func visit(_ visitor: inout Visitor) {
    visitor("first", &first)
    visitor("second", &second)
  }
}

extension Module {
  /// All tensors in the order of `visit`.
  public var tensors: [Tensor] {
    var copy = self
    var visitor = Visitor(.tensors)
    copy.visit(&visitor)
    return visitor.tensors
  }

  /// All tensors with their dotted names.
  public var leaves: [Visitor.Leaf] {
    var copy = self
    var visitor = Visitor(.leaves)
    copy.visit(&visitor)
    return visitor.leaves
  }

  /// The module with other tensors, in the order of `visit`.
  public func replacingTensors(_ tensors: [Tensor]) -> Self {
    var copy = self
    copy.replaceTensors(tensors)
    return copy
  }

  /// Puts other tensors in place, in the order of `visit`.
  public mutating func replaceTensors(_ tensors: [Tensor]) {
    var visitor = Visitor(.replace, tensors: tensors)
    visit(&visitor)
    guard visitor.isFinished else {
      fail("a module has fewer tensors than there are to replace them")
    }
  }

  /// The module with every tensor changed by `transform`.
  public func mapTensors(_ transform: (Tensor) -> Tensor) -> Self {
    replacingTensors(tensors.map(transform))
  }

  /// Two modules of one structure joined tensor by tensor.
  public func zipTensors(_ other: Self, _ transform: (Tensor, Tensor) -> Tensor) -> Self {
    let (a, b) = (tensors, other.tensors)
    guard a.count == b.count else {
      fail("modules with \(a.count) and \(b.count) tensors do not correspond")
    }
    return replacingTensors(zip(a, b).map(transform))
  }

  /// The number of trained numbers.
  public var parameterCount: Int {
    leaves.filter(\.isTrained).map(\.tensor.count).reduce(0, +)
  }

  /// The mean of every floating-point tensor over all devices that run the program together, such as of a gradient.
  public func meanAcrossDevices() -> Self {
    mapTensors { $0.dataType.isFloatingPoint ? $0.meanAcrossDevices() : $0 }
  }

  /// Computes every tensor now, on a device.
  /// - Throws: where the device refuses the program or fails; nothing is lost.
  public func evaluated(on device: Device) throws -> Self {
    _ = try Evaluation.values(of: tensors, on: device)
    return self
  }

  /// Computes every tensor now.
  public func evaluated() -> Self {
    _ = Evaluation.values(of: tensors)
    return self
  }
}

extension Visitor.Leaf {
  /// Whether gradients move the tensor.
  public var isTrained: Bool { !isBuffer && tensor.dataType.isFloatingPoint }
}
