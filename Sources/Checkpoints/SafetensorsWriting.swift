import Documents
public import Foundation

extension Safetensors {
  /// Takes pieces of a tensor's bytes, in order.
  public typealias Append = (UnsafeRawBufferPointer) throws(CheckpointError) -> Void

  /// A tensor to be written: its description, and its bytes when their turn comes.
  @safe public struct Tensor {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    let content: (Append) throws(CheckpointError) -> Void

    /// A tensor whose bytes are made while the file is written, so that only a piece of them need
    /// be in memory.
    ///
    /// - Parameter content: Hands over all bytes, row-major and little-endian, in any number of
    ///   pieces.
    public init(
      name: String, type: ElementType, shape: [Int],
      content: @escaping (Append) throws(CheckpointError) -> Void
    ) {
      self.name = name
      self.type = type
      self.shape = shape
      unsafe self.content = content
    }

    /// A tensor whose bytes are at hand, row-major and little-endian.
    public init(name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
      unsafe self.init(name: name, type: type, shape: shape) { append throws(CheckpointError) in
        try unsafe bytes.span.withUnsafeBytes { piece throws(CheckpointError) in
          try unsafe append(piece)
        }
      }
    }
  }

  /// Writes a file: first all of it under a temporary name in the same folder, then, when it is
  /// safe on the disk, under its own. A failure leaves what stood there before.
  ///
  /// The same tensors and metadata give the same bytes. Tensors stand in the order given, wider
  /// elements before narrower ones, and the data begin at a multiple of eight: so every tensor is
  /// aligned for its elements, as several readers demand.
  ///
  /// - Throws: `CheckpointError` for repeated names, bytes that do not fit a shape, a header over
  ///   the format's limit, and failures of the file system.
  public static func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
    let tensors = inOrderOfWidth(tensors)
    let header = try header(tensors, metadata, url)
    let file = try ReplacementFile(url)
    try unsafe header.span.withUnsafeBytes { bytes throws(CheckpointError) in
      try unsafe file.append(bytes)
    }
    for tensor in tensors {
      let start = file.count
      try unsafe tensor.content { piece throws(CheckpointError) in try unsafe file.append(piece) }
      let count = tensor.type.byteCount(tensor.shape)
      guard file.count - start == count else {
        throw .unwritable(
          file: url.path,
          problem: "tensor \"\(tensor.name)\" gave \(file.count - start) bytes, "
            + "\(tensor.type.rawValue) \(tensor.shape) needs \(count ?? 0)")
      }
    }
    try file.finish()
  }

  private static func inOrderOfWidth(_ tensors: [Tensor]) -> [Tensor] {
    tensors.enumerated().sorted {
      let (a, b) = ($0.element.type.bitCount, $1.element.type.bitCount)
      return a != b ? a > b : $0.offset < $1.offset
    }.map(\.element)
  }

  private static func header(
    _ tensors: [Tensor], _ metadata: [String: String], _ url: URL
  ) throws(CheckpointError) -> [UInt8] {
    var members: [JSONValue.Member] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { JSONValue.Member($0.key, .string($0.value)) }
      members.append(JSONValue.Member("__metadata__", .object(texts)))
    }
    var end = 0
    for tensor in tensors {
      guard let count = tensor.type.byteCount(tensor.shape),
        case (let next, let overflow) = end.addingReportingOverflow(count), !overflow
      else {
        throw .unwritable(
          file: url.path,
          problem: "tensor \"\(tensor.name)\": the bytes of \(tensor.type.rawValue) "
            + "\(tensor.shape) are not whole or overflow")
      }
      members.append(
        JSONValue.Member(
          tensor.name,
          .object([
            JSONValue.Member("dtype", .string(tensor.type.rawValue)),
            JSONValue.Member("shape", .array(tensor.shape.map { .integer($0) })),
            JSONValue.Member("data_offsets", .array([.integer(end), .integer(next)])),
          ])))
      end = next
    }
    let document = JSONValue.object(members)
    if tensors.contains(where: { $0.name.isExactly("__metadata__") }) {
      throw .unwritable(file: url.path, problem: "no tensor may be called __metadata__")
    }
    if let name = document.repeatedName {
      throw .unwritable(file: url.path, problem: "two tensors are called \"\(name)\"")
    }
    var text = document.encoded()
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= headerLimit else {
      throw .unwritable(
        file: url.path, problem: "the header of \(text.count) bytes is over the format's limit")
    }
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }
}
