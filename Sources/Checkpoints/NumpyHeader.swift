/// What stands before the data of an array of NumPy: a dictionary in the words of Python, of
/// which only what such headers hold is understood.
struct NumpyHeader {
  let type: ElementType
  let isBigEndian: Bool
  let isColumnMajor: Bool
  let shape: [Int]
  /// Where the data begin.
  let byteCount: Int

  /// Bytes that are enough for any header that is read.
  static let limit = 1 << 16

  /// - Parameters:
  ///   - bytes: the file's beginning.
  ///   - fileCount: its size.
  ///   - part: which file or entry it is.
  init(
    _ bytes: [UInt8], fileCount: Int, part: String, refuse: Refuse
  ) throws(CheckpointError) {
    let signature = [0x93] + Array("NUMPY".utf8)
    guard bytes.count >= 10 else {
      throw refuse(.truncated, "\(part) has \(bytes.count) bytes, too few for an array's header")
    }
    guard bytes.starts(with: signature) else {
      throw refuse(.header, "\(part) does not begin as NumPy's arrays do")
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw refuse(.unsupported, "\(part) is of the version \(bytes[6]).\(bytes[7])")
    }
    let width = bytes[6] == 1 ? 2 : 4
    guard bytes.count >= 8 + width else { throw refuse(.truncated, "\(part) ends in its header") }
    let length = bytes[8..<8 + width].reversed().reduce(0) { $0 << 8 | Int($1) }
    byteCount = 8 + width + length
    guard byteCount <= fileCount else {
      throw refuse(
        .truncated, "\(part) has \(fileCount) bytes, its header alone goes to byte \(byteCount)")
    }
    guard byteCount <= min(bytes.count, Self.limit) else {
      throw refuse(.header, "\(part) has a header of \(length) bytes")
    }
    var reader = LiteralReader(Array(bytes[(8 + width)..<byteCount]))
    guard let fields = reader.dictionary() else {
      throw refuse(.header, "\(part) has a malformed header")
    }
    guard fields.count == 3, let kind = fields["descr"], let order = fields["fortran_order"],
      case .list(let sizes)? = fields["shape"], case .bool(let isColumnMajor) = order
    else {
      throw refuse(.header, "\(part) has not the fields descr, fortran_order and shape alone")
    }
    (type, isBigEndian) = try Self.type(kind, part, refuse)
    self.isColumnMajor = isColumnMajor
    shape = try Self.shape(sizes, part, refuse)
    guard shape.count <= 64, type.byteCount(shape) != nil else {
      throw refuse(.shape, "\(part): the sizes \(shape) are too many, negative or overflow")
    }
  }

  private static func shape(
    _ sizes: [LiteralReader.Value], _ part: String, _ refuse: Refuse
  ) throws(CheckpointError) -> [Int] {
    var shape: [Int] = []
    for size in sizes {
      guard case .integer(let digits) = size else {
        throw refuse(.header, "\(part) has a size that is no number")
      }
      guard let count = Int(digits) else { throw refuse(.shape, "\(part): a size of \(digits)") }
      shape.append(count)
    }
    return shape
  }

  private static func type(
    _ kind: LiteralReader.Value, _ part: String, _ refuse: Refuse
  ) throws(CheckpointError) -> (ElementType, Bool) {
    guard case .text(let text) = kind else {
      throw refuse(.dtype, "\(part) has structured elements")
    }
    let order = text.first.flatMap { "<>|=".contains($0) ? $0 : nil }
    let name = order == nil ? text : String(text.dropFirst())
    if name.hasPrefix("O") {
      throw refuse(.unsafe, "\(part) has Python objects for elements, which are a pickle")
    }
    let types: [String: ElementType] = [
      "f2": .f16, "f4": .f32, "f8": .f64, "i1": .i8, "i2": .i16, "i4": .i32, "i8": .i64,
      "u1": .u8, "u2": .u16, "u4": .u32, "u8": .u64, "b1": .bool, "?": .bool, "c8": .c64,
      "c16": .c128,
    ]
    guard let type = types[name] else {
      throw refuse(.dtype, "\(part) has elements of the type \"\(text)\"")
    }
    return (type, order == ">")
  }
}

/// Reads the few literals of Python that headers are made of.
private struct LiteralReader {
  enum Value {
    case text(String)
    case bool(Bool)
    /// With its sign.
    case integer(String)
    case list([Value])
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The whole text as a dictionary; nil where it is none, or has a name twice.
  mutating func dictionary() -> [String: Value]? {
    var fields: [String: Value] = [:]
    guard skip("{") else { return nil }
    while !skip("}") {
      guard case .text(let name)? = value(depth: 8), skip(":"), let field = value(depth: 8),
        fields.updateValue(field, forKey: name) == nil, skip(",") || peek == UInt8(ascii: "}")
      else { return nil }
    }
    return peek == nil ? fields : nil
  }

  private mutating func value(depth: Int) -> Value? {
    guard depth > 0, let next = peek else { return nil }
    switch next {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return text(quote: next)
    case UInt8(ascii: "("): return list("(", ")", depth)
    case UInt8(ascii: "["): return list("[", "]", depth)
    default:
      let start = position
      while position < bytes.count, isWord(bytes[position]) { position += 1 }
      let word = String(decoding: bytes[start..<position], as: UTF8.self)
      if word == "True" || word == "False" { return .bool(word == "True") }
      // Python 2 wrote long integers so.
      let digits = word.hasSuffix("L") ? String(word.dropLast()) : word
      let isNumber = digits.drop { $0 == "-" }.allSatisfy { $0.isASCII && $0.isNumber }
      return isNumber && digits.contains { $0 != "-" } ? .integer(digits) : nil
    }
  }

  private mutating func list(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ depth: Int)
    -> Value?
  {
    guard skip(open) else { return nil }
    var items: [Value] = []
    while !skip(close) {
      guard let item = value(depth: depth - 1), skip(",") || peek == UInt8(ascii: close) else {
        return nil
      }
      items.append(item)
    }
    return .list(items)
  }

  private mutating func text(quote: UInt8) -> Value? {
    position += 1
    guard let end = bytes[position...].firstIndex(of: quote) else { return nil }
    defer { position = end + 1 }
    return .text(String(decoding: bytes[position..<end], as: UTF8.self))
  }

  private func isWord(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
      || (0x61...0x7A).contains(byte)
  }

  /// The next byte that is no space.
  private var peek: UInt8? {
    mutating get {
      while position < bytes.count, [0x20, 0x0A, 0x09, 0x0D].contains(bytes[position]) {
        position += 1
      }
      return position < bytes.count ? bytes[position] : nil
    }
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }
}
