/// The type of a tensor's elements.
///
/// Arithmetic on `float16` and `bfloat16` is carried out in float32 and rounded when a value is stored; both exist to
/// halve the memory of weights and activations. `float64` is for gradient checks and exact tests.
public enum DataType: Int32, Sendable, Hashable, CaseIterable {
  case float32 = 0
  case float16 = 1
  case bfloat16 = 2
  case float64 = 3
  case int32 = 4
  case int64 = 5
  case uint8 = 6
  /// One byte, 0 or 1.
  case bool = 7

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .uint8, .bool: 1
    }
  }

  /// Whether gradients flow through values of this type.
  public var isFloatingPoint: Bool { rawValue <= DataType.float64.rawValue }
}

extension DataType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float64: "float64"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .bool: "bool"
    }
  }
}
