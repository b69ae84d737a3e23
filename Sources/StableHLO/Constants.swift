extension FunctionBuilder {
  /// A constant whose elements are all `value`, rounded to nearest even where the type is
  /// narrower; written as bits, so that it is exact.
  public mutating func constant(_ value: Double, _ type: ValueType) -> Value {
    switch type.element {
    case .f64: return constant(bits: value.bitPattern, type)
    case .f32: return constant(bits: UInt64(Float(value).bitPattern), type)
    case .f16: return constant(bits: roundedBits(value, exponentBits: 5, fractionBits: 10), type)
    case .bf16: return constant(bits: roundedBits(value, exponentBits: 8, fractionBits: 7), type)
    case .i1: return constant(bits: value == 0 ? 0 : 1, type)
    case .i32, .i64, .ui8, .ui32, .ui64:
      guard let whole = Int(exactly: value) else {
        fail("stablehlo.constant: \(value) is no value of \(type)")
      }
      return constant(whole, type)
    }
  }

  /// A constant whose elements are all `value`.
  public mutating func constant(_ value: Int, _ type: ValueType) -> Value {
    if type.element.isFloat { return constant(Double(value), type) }
    if type.element == .i1 { return constant(bits: value == 0 ? 0 : 1, type) }
    return append(type, "stablehlo.constant dense<\(value)> : \(type)")
  }

  /// A constant whose elements all have these bits, in the low bits of `bits`.
  public mutating func constant(bits: UInt64, _ type: ValueType) -> Value {
    let text =
      switch type.element {
      case .i1: bits == 0 ? "false" : "true"
      case .i32: "\(Int32(truncatingIfNeeded: bits))"
      case .i64: "\(Int64(bitPattern: bits))"
      case .ui8, .ui32, .ui64: "\(bits)"
      case .f16, .bf16, .f32, .f64: "0x" + hex(bits, digits: 2 * type.element.byteCount)
      }
    return append(type, "stablehlo.constant dense<\(text)> : \(type)")
  }

  /// A constant of any elements, in row-major order.
  ///
  /// - Parameter bytes: The elements as they lie in memory, little-endian; one byte for each `i1`.
  public mutating func constant(bytes: [UInt8], _ type: ValueType) -> Value {
    require(
      bytes.count == type.elementCount * type.element.byteCount,
      "stablehlo.constant: \(bytes.count) bytes do not fill a \(type)")
    if bytes.isEmpty { return append(type, "stablehlo.constant dense<> : \(type)") }
    if type.element == .i1 {
      // Raw bytes of i1 mean packed bits to some parsers and bytes to others; words are clear.
      return append(type, "stablehlo.constant dense<\(nested(bytes, type.shape))> : \(type)")
    }
    var digits = [UInt8]()
    digits.reserveCapacity(2 * bytes.count)
    for byte in bytes {
      digits.append(hexDigits[Int(byte >> 4)])
      digits.append(hexDigits[Int(byte & 15)])
    }
    return append(
      type, "stablehlo.constant dense<\"0x\(String(decoding: digits, as: UTF8.self))\"> : \(type)")
  }

  /// Each element's own position along `axis`.
  public mutating func iota(_ axis: Int, _ type: ValueType) -> Value {
    require(
      type.shape.indices.contains(axis), "stablehlo.iota: \(type) has no axis \(axis)")
    return append(type, "stablehlo.iota dim = \(axis) : \(type)")
  }
}

/// The bits of `value` rounded to nearest even in a narrower binary format, in one step.
func roundedBits(_ value: Double, exponentBits: Int, fractionBits: Int) -> UInt64 {
  let sign = (value.bitPattern >> 63) << UInt64(exponentBits + fractionBits)
  let infinity: UInt64 = ((1 << UInt64(exponentBits)) - 1) << UInt64(fractionBits)
  if value.isNaN { return sign | infinity | 1 << UInt64(fractionBits - 1) }
  if value.isInfinite { return sign | infinity }
  if value == 0 { return sign }
  let bias = (1 << (exponentBits - 1)) - 1
  // Below the smallest normal number the spacing stays what it is there.
  let exponent = max(value.magnitude.isNormal ? Int(value.exponent) : -1023, 1 - bias)
  let scale = Double(sign: .plus, exponent: fractionBits - exponent, significand: 1)
  // In units of the spacing, so that rounding to whole numbers is the rounding wanted; a carry
  // into the exponent field is the right carry.
  let units = UInt64((value.magnitude * scale).rounded(.toNearestOrEven))
  let bits = (UInt64(exponent + bias - 1) << UInt64(fractionBits)) + units
  return sign | min(bits, infinity)
}

private let hexDigits = Array("0123456789ABCDEF".utf8)

private func hex(_ bits: UInt64, digits: Int) -> String {
  let text = String(bits, radix: 16, uppercase: true).suffix(digits)
  return String(repeating: "0", count: digits - text.count) + text
}

/// Truth values in nested brackets, one level for every axis.
private func nested(_ bytes: [UInt8], _ shape: [Int]) -> String {
  var items = bytes.map { $0 == 0 ? "false" : "true" }
  for size in shape.reversed() {
    items = stride(from: 0, to: items.count, by: size).map { start in
      "[" + items[start..<start + size].joined(separator: ", ") + "]"
    }
  }
  return items[0]
}
