import Foundation

/// How a floating-point type of at most 16 bits is laid out: a sign, an exponent, a fraction.
private struct SmallFloat {
  let exponentBits: Int
  let fractionBits: Int
  /// Whether the highest exponent stands for infinity and NaN; else it has numbers, and NaN alone
  /// is all ones.
  var hasInfinity = true

  init?(_ type: ElementType) {
    switch type {
    case .f16: (exponentBits, fractionBits) = (5, 10)
    case .bf16: (exponentBits, fractionBits) = (8, 7)
    case .f8E5M2: (exponentBits, fractionBits) = (5, 2)
    case .f8E4M3: (exponentBits, fractionBits, hasInfinity) = (4, 3, false)
    default: return nil
    }
  }

  private var bias: Int { 1 << (exponentBits - 1) - 1 }
  private var highest: Int { 1 << exponentBits - 1 }
  private var nan: Int { hasInfinity ? highest << fractionBits | 1 << (fractionBits - 1) : 0x7F }

  /// The number as float32, which is always exact; a NaN keeps its bits where it has room.
  func decoded(_ bits: Int) -> Float {
    let exponent = bits >> fractionBits & highest
    let fraction = bits & (1 << fractionBits - 1)
    let sign = UInt32(bits >> (exponentBits + fractionBits) & 1) << 31
    let isNaN =
      hasInfinity ? exponent == highest && fraction != 0 : bits & 0x7F == 0x7F
    if isNaN || hasInfinity && exponent == highest {
      // As processors do, a signalling NaN of 16 bits becomes a quiet one; bfloat16 is cut float32.
      let quiet: UInt32 = isNaN && exponentBits < 8 ? 1 << 22 : 0
      return Float(
        bitPattern: sign | 0x7F80_0000 | UInt32(fraction) << UInt32(23 - fractionBits) | quiet)
    }
    if exponentBits == 8 { return Float(bitPattern: UInt32(bits) << 16) }
    let significand = Float(fraction + (exponent > 0 ? 1 << fractionBits : 0))
    let scaled = Float(
      sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: significand)
    return Float(bitPattern: scaled.bitPattern | sign)
  }

  /// The nearest number, ties to even; beyond the largest infinity, or the largest where there is
  /// none, as PyTorch has it.
  func encoded(_ value: Double) -> Int {
    let sign = (value.sign == .minus ? 1 : 0) << (exponentBits + fractionBits)
    if value.isNaN { return sign | nan }
    guard value.isFinite, value != 0 else { return sign | (value == 0 ? 0 : infinity) }
    let exponent = max(Int(value.exponent), 1 - bias)
    // The number in units of the last place of its binade: rounding up may lead into the next.
    let unit = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    let units = Int((value.magnitude / unit).rounded(.toNearestOrEven))
    let bits = units + (exponent - 1 + bias) << fractionBits
    return sign | (bits > largest ? infinity : bits)
  }

  private var infinity: Int { hasInfinity ? highest << fractionBits : largest }
  private var largest: Int { hasInfinity ? highest << fractionBits - 1 : 0x7E }
}

/// Converts elements of one floating-point type to another, piece by piece.
struct ElementConversion {
  let source: ElementType
  let target: ElementType
  private let decoder: SmallFloat?
  private let encoder: SmallFloat?
  /// Bytes of an element that the last piece ended in.
  private var rest: [UInt8] = []

  /// Nil where one of the types is not of the floating-point types that are converted.
  init?(from source: ElementType, to target: ElementType) {
    guard Self.types.contains(source), Self.types.contains(target) else { return nil }
    (self.source, self.target) = (source, target)
    (decoder, encoder) = (SmallFloat(source), SmallFloat(target))
  }

  /// The types that are converted.
  static let types: [ElementType] = [.f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2]

  /// The elements of a piece, converted; elements may lie across pieces.
  mutating func callAsFunction(_ piece: UnsafeRawBufferPointer) -> [UInt8] {
    let bytes = unsafe rest + piece
    let size = source.bitCount / 8
    let count = bytes.count / size
    rest = Array(bytes[(count * size)...])
    return unsafe bytes.withUnsafeBytes { bytes in
      switch target {
      case .f64: unsafe converted(bytes, count) { $0.bitPattern }
      case .f32 where source == .f64: unsafe converted(bytes, count) { Float($0).bitPattern }
      case .f32:
        // Not by way of Double, which would quiet NaNs.
        mapped(count) { unsafe narrow(bytes, $0).bitPattern }
      case .f16, .bf16: unsafe converted(bytes, count) { UInt16(encoder!.encoded($0)) }
      default: unsafe converted(bytes, count) { UInt8(encoder!.encoded($0)) }
      }
    }
  }

  private func converted<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, _ encode: (Double) -> Bits
  ) -> [UInt8] {
    source == .f64
      ? mapped(count) { i in
        encode(
          Double(
            bitPattern: unsafe bytes.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)))
      } : mapped(count) { i in encode(Double(unsafe narrow(bytes, i))) }
  }

  /// An element of at most 32 bits.
  private func narrow(_ bytes: UnsafeRawBufferPointer, _ i: Int) -> Float {
    switch source {
    case .f32: Float(bitPattern: unsafe bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
    case .f16, .bf16:
      decoder!.decoded(Int(unsafe bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
    default: decoder!.decoded(Int(unsafe bytes[i]))
    }
  }

  private func mapped<Bits: FixedWidthInteger>(
    _ count: Int, _ transform: (Int) -> Bits
  ) -> [UInt8] {
    let size = MemoryLayout<Bits>.size
    return unsafe [UInt8](unsafeUninitializedCapacity: count * size) { buffer, written in
      for i in 0..<count {
        unsafe UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: transform(i), toByteOffset: i * size, as: Bits.self)
      }
      written = count * size
    }
  }
}

/// Reads elements of any type of whole bytes as doubles, complex ones as two; integers over 53 bits
/// are rounded.
struct ElementReader {
  /// Of one number.
  let byteCount: Int
  private let type: ElementType
  private let small: SmallFloat?

  /// Nil for types that are not read as numbers.
  init?(_ type: ElementType) {
    self.type = type
    small = SmallFloat(type)
    byteCount = type.bitCount / (type.isComplex ? 16 : 8)
    switch type {
    case .f4, .f6E2M3, .f6E3M2, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: return nil
    default: break
    }
  }

  func callAsFunction(_ bytes: UnsafeRawBufferPointer, _ i: Int) -> Double {
    func load<T: BitwiseCopyable>(_: T.Type) -> T {
      unsafe bytes.loadUnaligned(fromByteOffset: i * byteCount, as: T.self)
    }
    return switch type {
    case .f64, .c128: Double(bitPattern: load(UInt64.self))
    case .f32, .c64: Double(Float(bitPattern: load(UInt32.self)))
    case .f16, .bf16: Double(small!.decoded(Int(load(UInt16.self))))
    case .f8E4M3, .f8E5M2: Double(small!.decoded(Int(load(UInt8.self))))
    case .i64: Double(load(Int64.self))
    case .u64: Double(load(UInt64.self))
    case .i32: Double(load(Int32.self))
    case .u32: Double(load(UInt32.self))
    case .i16: Double(load(Int16.self))
    case .u16: Double(load(UInt16.self))
    case .i8: Double(load(Int8.self))
    case .bool: load(UInt8.self) == 0 ? 0 : 1
    default: Double(load(UInt8.self))
    }
  }
}

extension Checkpoint {
  /// Hands over a floating-point tensor in another floating-point type, rounded to the nearest.
  /// - Throws: `CheckpointError` with the refusal `dtype` where either is of another type.
  public func read(
    _ entry: Entry, as type: ElementType, _ append: AppendBytes
  ) throws(CheckpointError) {
    guard type != entry.type else { return try unsafe read(entry, append) }
    guard var conversion = ElementConversion(from: entry.type, to: type) else {
      throw .refused(
        .dtype, file: entry.file.path,
        problem: "tensor \"\(entry.name)\" of \(entry.type.rawValue) is not converted "
          + "to \(type.rawValue)")
    }
    try unsafe read(entry) { piece throws(CheckpointError) in
      // Of a mapped tensor the whole is one piece: what is made of it should not be.
      var start = 0
      while start < piece.count {
        let end = min(start + 1 << 16, piece.count)
        let part = unsafe conversion(UnsafeRawBufferPointer(rebasing: piece[start..<end]))
        try unsafe part.span.withUnsafeBytes { bytes throws(CheckpointError) in
          try unsafe append(bytes)
        }
        start = end
      }
    }
  }

  /// A copy of a floating-point tensor in another type.
  public func bytes(of entry: Entry, as type: ElementType) throws(CheckpointError) -> [UInt8] {
    var bytes: [UInt8] = []
    try unsafe read(entry, as: type) { unsafe bytes.append(contentsOf: $0) }
    return bytes
  }
}
