/// What one element of a tensor is, spelled as MLIR spells it.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  case f32, f16, bf16, f64, i32, i64, ui8, i1, ui32, ui64

  /// Bytes of one element in host memory; `i1` takes one byte, 0 or 1.
  public var byteCount: Int {
    switch self {
    case .ui8, .i1: 1
    case .f16, .bf16: 2
    case .f32, .i32, .ui32: 4
    case .f64, .i64, .ui64: 8
    }
  }

  /// Whether the element is a floating-point number.
  public var isFloat: Bool {
    switch self {
    case .f32, .f16, .bf16, .f64: true
    default: false
    }
  }

  /// Whether the element is an integer below zero at times.
  public var isSigned: Bool { self == .i32 || self == .i64 }
}

/// The type of a value: sizes along each axis, and what its elements are.
public struct ValueType: Hashable, Sendable, CustomStringConvertible {
  public var shape: [Int]
  public var element: ElementType

  public init(_ shape: [Int], _ element: ElementType) {
    self.shape = shape
    self.element = element
  }

  /// A single number: the type of indices, initial values and conditions.
  public static func scalar(_ element: ElementType) -> ValueType { ValueType([], element) }

  public var rank: Int { shape.count }
  public var elementCount: Int { shape.reduce(1, *) }

  /// The type's text, such as `tensor<2x3xf32>`.
  public var description: String {
    var text = "tensor<"
    for size in shape { text += "\(size)x" }
    return text + element.rawValue + ">"
  }
}

/// One result of a program's text: its name, such as `%v12`, and its type.
public struct Value: Hashable, Sendable {
  public let name: String
  public let type: ValueType

  public var shape: [Int] { type.shape }
  public var element: ElementType { type.element }
}

/// Stops with a sentence: building a wrong program is an error of the caller, found before any
/// compiler sees the text.
func fail(_ message: String) -> Never { fatalError(message) }

func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { fail(message()) }
}
