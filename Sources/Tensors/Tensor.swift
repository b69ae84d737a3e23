/// A value of the graph: immutable, computed when somebody reads it.
///
/// A tensor is one result of one operation. Copying it copies a reference; two tensors never share anything that can
/// change. Data type and shape are values, not generics.
public struct Tensor: Sendable {
  package var node: Node
  package let index: Int

  package init(_ node: Node, _ index: Int = 0) {
    self.node = node
    self.index = index
  }

  /// Applies a primitive that has one result.
  public init(_ primitive: any Primitive, _ inputs: [Tensor]) {
    self = Tensor.apply(primitive, inputs)[0]
  }

  /// Applies a primitive. A shape it cannot take is a programmer's error and ends the program with a sentence.
  public static func apply(_ primitive: any Primitive, _ inputs: [Tensor]) -> [Tensor] {
    let types: [TensorType]
    do {
      types = try primitive.outputTypes(inputs.map(\.type))
    } catch {
      let operands = inputs.map { "\($0.label) \($0.type)" }.joined(separator: ", ")
      fail("\(primitive.name): \(error)\(operands.isEmpty ? "" : "; operands \(operands)")")
    }
    let node = Node(primitive, inputs, types: types)
    return types.indices.map { Tensor(node, $0) }
  }

  public var type: TensorType { node.outputTypes[index] }
  /// Sizes of the axes, outermost first.
  public var shape: [Int] { type.shape }
  public var dataType: DataType { type.dataType }
  /// Number of axes.
  public var rank: Int { type.rank }
  /// Number of elements.
  public var count: Int { type.count }

  /// How messages call this tensor: the dotted path of a module's tensor, else what made it.
  package var label: String {
    if let alias = node.primitive as? Alias { return alias.path }
    return node.primitive is Constant ? "(constant)" : "(\(node.primitive.name))"
  }

  /// Whether this is the very same value of the graph, not merely an equal one.
  public func isIdentical(to other: Tensor) -> Bool { node === other.node && index == other.index }
}

extension Tensor: CustomStringConvertible {
  /// Type and, where it is known, the value. Never computes.
  public var description: String {
    guard let storage = node.value(index) else {
      return "Tensor \(type), not computed yet (\(node.primitive.name))"
    }
    let shown = Swift.min(count, 8)
    let values = (0..<shown).map { "\(Tensor.element(storage, dataType, $0))" }.joined(
      separator: ", ")
    return "Tensor \(type) [\(values)\(count > shown ? ", …" : "")]"
  }
}

// MARK: - Values in and out

extension Tensor {
  package init(_ storage: Storage, _ type: TensorType) {
    self.init(Node(value: storage, type: type))
  }

  /// A float32 tensor with the given elements in row-major order.
  public init(_ elements: [Float], shape: [Int]? = nil) { self.init(elements, shape, .float32) }
  /// A float64 tensor.
  public init(_ elements: [Double], shape: [Int]? = nil) { self.init(elements, shape, .float64) }
  /// An int32 tensor.
  public init(_ elements: [Int32], shape: [Int]? = nil) { self.init(elements, shape, .int32) }
  /// An int64 tensor.
  public init(_ elements: [Int64], shape: [Int]? = nil) { self.init(elements, shape, .int64) }
  /// A uint8 tensor.
  public init(_ elements: [UInt8], shape: [Int]? = nil) { self.init(elements, shape, .uint8) }
  /// A bool tensor.
  public init(_ elements: [Bool], shape: [Int]? = nil) { self.init(elements, shape, .bool) }

  private init<T: BitwiseCopyable>(_ elements: [T], _ shape: [Int]?, _ dataType: DataType) {
    let shape = shape ?? [elements.count]
    guard shape.product == elements.count else {
      fail("\(elements.count) elements do not fill the shape \(shape), which has \(shape.product)")
    }
    self.init(Storage(elements), TensorType(shape, dataType))
  }

  /// A tensor of any element type from raw bytes in row-major order; `bytes` must hold `type.byteCount` bytes.
  public init(bytes: [UInt8], _ type: TensorType) {
    guard bytes.count == type.byteCount else {
      fail("\(bytes.count) bytes do not fill \(type), which has \(type.byteCount)")
    }
    self.init(Storage(bytes), type)
  }

  /// The elements as float32, in row-major order. Computes the tensor if it must.
  public func floats() -> [Float] {
    let value = dataType == .float32 ? self : cast(to: .float32)
    return value.storage().array(of: Float.self, count: count)
  }

  /// The elements as float64.
  public func doubles() -> [Double] {
    let value = dataType == .float64 ? self : cast(to: .float64)
    return value.storage().array(of: Double.self, count: count)
  }

  /// The elements as integers; fractions are cut off.
  public func integers() -> [Int] {
    let value = dataType == .int64 ? self : cast(to: .int64)
    return value.storage().array(of: Int64.self, count: count).map(Int.init)
  }

  /// The bytes of the value, in row-major order.
  public func bytes() -> [UInt8] { storage().array(of: UInt8.self, count: type.byteCount) }

  /// The one element as a number. Computes the tensor if it must.
  public var scalar: Double {
    guard count == 1 else { fail("a tensor of shape \(shape) is not one number; reduce it first") }
    return Tensor.element(storage(), dataType, 0)
  }

  /// The memory of the value, computed if it must be.
  package func storage() -> Storage {
    if let value = node.value(index) { return value }
    return Evaluation.values(of: [self])[0]
  }

  private static func element(_ storage: Storage, _ dataType: DataType, _ i: Int) -> Double {
    switch dataType {
    case .float32: Double(storage.load(i, as: Float.self))
    case .float64: storage.load(i, as: Double.self)
    case .bfloat16: Double(Float(bitPattern: UInt32(storage.load(i, as: UInt16.self)) << 16))
    case .float16: Double(Float(halfBits: storage.load(i, as: UInt16.self)))
    case .int32: Double(storage.load(i, as: Int32.self))
    case .int64: Double(storage.load(i, as: Int64.self))
    case .uint8, .bool: Double(storage.load(i, as: UInt8.self))
    }
  }
}

extension Float {
  /// The value of IEEE half-precision bits (`Float16` does not exist on every platform).
  package init(halfBits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 31
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 31: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}

// MARK: - A tensor has no truth

extension Tensor {
  @available(
    *, unavailable, message: "a tensor has no truth; write a.greater(than: b), or a.scalar > b"
  )
  public static func > (a: Tensor, b: some Any) -> Bool { fatalError() }
  @available(
    *, unavailable, message: "a tensor has no truth; write a.less(than: b), or a.scalar < b"
  )
  public static func < (a: Tensor, b: some Any) -> Bool { fatalError() }
  @available(
    *, unavailable, message: "a tensor has no truth; write a.equal(to: b), or a.scalar == b"
  )
  public static func == (a: Tensor, b: some Any) -> Bool { fatalError() }
}
