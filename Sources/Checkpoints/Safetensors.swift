public import Foundation

/// The safetensors format: eight bytes of length, a JSON header, the tensors' bytes without gaps.
public enum Safetensors {
  /// The longest header that readers of the format take, in bytes.
  public static let headerLimit = 100_000_000

  /// The types of elements that the format has, under the names it gives them.
  public enum ElementType: String, Sendable, Hashable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case f4 = "F4"
    case f6E2M3 = "F6_E2M3"
    case f6E3M2 = "F6_E3M2"
    case f8E5M2 = "F8_E5M2"
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

    /// Bits of one element; those below eight are packed without gaps.
    public var bitCount: Int {
      switch self {
      case .f4: 4
      case .f6E2M3, .f6E3M2: 6
      case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
      case .i16, .u16, .f16, .bf16: 16
      case .i32, .u32, .f32: 32
      case .i64, .u64, .f64, .c64: 64
      }
    }

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

  /// A tensor of a file: what the header says of it.
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    /// Where its bytes lie in the file, counted from the file's beginning. They may begin at any
    /// byte: copy them, or load them unaligned.
    public let byteRange: Range<Int>

    public var elementCount: Int { shape.reduce(1, *) }
  }
}

/// An open safetensors file, its header checked in full, its data mapped and read when asked for.
///
/// A file that is accepted holds every tensor completely: types are known, ranges fit the shapes,
/// follow each other without overlap or gap and end where the file ends.
public struct SafetensorsFile: Sendable {
  public let url: URL
  /// The tensors in the order of their data.
  public let entries: [Safetensors.Entry]
  /// The texts under `__metadata__`.
  public let metadata: [String: String]

  private let file: MappedFile

  /// Opens a file and checks its header.
  ///
  /// - Throws: `CheckpointError` when it cannot be opened or breaks a rule of the format.
  public init(_ url: URL) throws(CheckpointError) {
    let file = try MappedFile(url)
    let header = try SafetensorsHeader(file, path: url.path)
    self.url = url
    self.file = file
    entries = header.entries
    metadata = header.metadata
  }

  /// The tensor of this name, compared scalar by scalar.
  public subscript(name: String) -> Safetensors.Entry? {
    entries.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// Lends the bytes of a tensor of this file: row-major, little-endian, at any address.
  ///
  /// The pointer is valid during the call only.
  public func withBytes<Result, Failure: Error>(
    of entry: Safetensors.Entry,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe file.withBytes(entry.byteRange.clamped(to: 0..<file.count), body)
  }

  /// A copy of the bytes of a tensor of this file.
  public func bytes(of entry: Safetensors.Entry) -> [UInt8] {
    unsafe withBytes(of: entry) { unsafe [UInt8]($0) }
  }
}
