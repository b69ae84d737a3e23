/// The types of elements that files hold, under the names that the safetensors format gives them;
/// `c128`, which that format has not, is named alike.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  case bool = "BOOL"
  case u8 = "U8"
  case i8 = "I8"
  case f4 = "F4"
  case f6E2M3 = "F6_E2M3"
  case f6E3M2 = "F6_E3M2"
  case f8E5M2 = "F8_E5M2"
  /// Without infinities; NaN is 0x7F and 0xFF.
  case f8E4M3 = "F8_E4M3"
  case f8E8M0 = "F8_E8M0"
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case i64 = "I64"
  case u64 = "U64"
  case f64 = "F64"
  case c64 = "C64"
  case c128 = "C128"

  /// Bits of one element; those below eight are packed without gaps.
  public var bitCount: Int {
    switch self {
    case .f4: 4
    case .f6E2M3, .f6E3M2: 6
    case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .i64, .u64, .f64, .c64: 64
    case .c128: 128
    }
  }

  /// Whether the safetensors format has it.
  public var isInSafetensors: Bool { self != .c128 }

  var isComplex: Bool { self == .c64 || self == .c128 }

  /// Bytes of a tensor of this shape; nil where a size is negative, the count overflows or the
  /// bits do not fill whole bytes.
  public func byteCount(_ shape: [Int]) -> Int? {
    var bits = bitCount
    for size in shape {
      let (product, overflow) = bits.multipliedReportingOverflow(by: size)
      if size < 0 || overflow { return nil }
      bits = product
    }
    return bits % 8 == 0 ? bits / 8 : nil
  }
}
