import Documents
public import Foundation

extension Safetensors {
  /// A tensor to be written.
  public typealias Tensor = NewTensor

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
    try written(tensors, metadata, url).finish()
  }

  /// The complete file, before it takes its name.
  static func written(
    _ tensors: [NewTensor], _ metadata: [String: String], _ url: URL
  ) throws(CheckpointError) -> ReplacementFile {
    let tensors = inOrderOfWidth(tensors)
    let header = try header(tensors, metadata, url)
    let file = try ReplacementFile(url)
    try file.append(header)
    for tensor in tensors { try unsafe tensor.write(to: file) }
    return file
  }

  /// The text of an index of shards.
  static func index(_ shards: [[NewTensor]], _ names: [String]) -> [UInt8] {
    let map = zip(shards, names).flatMap { tensors, name in
      tensors.map { JSONValue.Member($0.name, .string(name)) }
    }
    let size = shards.joined().reduce(0) { $0 + ($1.type.byteCount($1.shape) ?? 0) }
    return JSONValue.object([
      .init("metadata", .object([.init("total_size", .integer(size))])),
      .init("weight_map", .object(map)),
    ]).encoded(indented: true)
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
    if let tensor = tensors.first(where: { !$0.type.isInSafetensors }) {
      throw .unwritable(
        file: url.path,
        problem: "tensor \"\(tensor.name)\" is \(tensor.type.rawValue), which the safetensors "
          + "format has not; .npz and .pth have it")
    }
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
