internal import Documents
public import Foundation

/// The safetensors format: eight bytes of length, a JSON header, the tensors' bytes without gaps.
public enum Safetensors {
  /// The longest header that readers of the format take, in bytes.
  public static let headerLimit = 100_000_000

  /// The types of elements; all but `c128` are the format's.
  public typealias ElementType = Checkpoints.ElementType

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
    try self.init(url, try MappedFile(url))
  }

  init(_ url: URL, _ file: MappedFile) throws(CheckpointError) {
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

extension SafetensorsFile: TensorSource {
  var format: String { "safetensors" }

  var tensors: [TensorDescription] {
    entries.map { TensorDescription(name: $0.name, type: $0.type, shape: $0.shape) }
  }

  var values: [JSONValue.Member] {
    metadata.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
  }

  func read(_ index: Int, _ append: AppendBytes) throws(CheckpointError) {
    try unsafe withBytes(of: entries[index], append)
  }
}
