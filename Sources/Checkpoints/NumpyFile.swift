import Documents
import Foundation

/// NumPy's files: one array (`.npy`), or a zip archive of them (`.npz`).
struct NumpyFile: TensorSource {
  let url: URL
  let format: String
  let tensors: [TensorDescription]
  let values: [JSONValue.Member] = []

  private enum Content: Sendable {
    case archive(ZipArchive)
    case file(MappedFile)
  }

  private let content: Content
  private let layouts: [StridedLayout]

  func read(_ index: Int, _ append: AppendBytes) throws(CheckpointError) {
    let layout = layouts[index]
    func read(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
      try unsafe layout.read(bytes, append)
    }
    switch content {
    case .archive(let archive): try unsafe archive.withBytes(index, read)
    case .file(let file): try unsafe file.withBytes(0..<file.count, read)
    }
  }

  /// A single array, whose name is empty.
  init(array url: URL, _ file: MappedFile) throws(CheckpointError) {
    let beginning = unsafe file.withBytes(0..<min(file.count, NumpyHeader.limit)) {
      unsafe [UInt8]($0)
    }
    let layout = try Self.layout(
      beginning, count: file.count, part: "the array", refuse: Refuse(file: url.path))
    (self.url, format, content, layouts) = (url, "npy", .file(file), [layout])
    tensors = [TensorDescription(name: "", type: layout.type, shape: layout.shape)]
  }

  init(_ url: URL, _ archive: ZipArchive) throws(CheckpointError) {
    let refuse = Refuse(file: url.path)
    var tensors: [TensorDescription] = []
    var layouts: [StridedLayout] = []
    for (index, entry) in archive.entries.enumerated() {
      guard entry.name.hasSuffix(".npy") else {
        throw refuse(.header, "the entry \"\(entry.name)\" is no .npy array")
      }
      let layout = try Self.layout(
        try archive.prefix(index, NumpyHeader.limit), count: entry.byteCount,
        part: "the entry \"\(entry.name)\"", refuse: refuse)
      layouts.append(layout)
      tensors.append(
        TensorDescription(
          name: String(entry.name.dropLast(4)), type: layout.type, shape: layout.shape))
    }
    (self.url, format, content) = (url, "npz", .archive(archive))
    (self.tensors, self.layouts) = (tensors, layouts)
  }

  private static func layout(
    _ beginning: [UInt8], count: Int, part: String, refuse: Refuse
  ) throws(CheckpointError) -> StridedLayout {
    let header = try NumpyHeader(beginning, fileCount: count, part: part, refuse: refuse)
    let (there, wanted) = (count - header.byteCount, header.type.byteCount(header.shape) ?? 0)
    guard there >= wanted else {
      throw refuse(
        .truncated,
        "\(part): \(header.type.rawValue) \(header.shape) needs \(wanted) bytes, it has \(there)")
    }
    guard there == wanted else {
      throw refuse(.bounds, "\(part): \(there - wanted) bytes after the last element")
    }
    return StridedLayout(
      type: header.type, shape: header.shape,
      strides: header.isColumnMajor
        ? StridedLayout.columnMajor(header.shape) : StridedLayout.contiguous(header.shape),
      offset: header.byteCount, isBigEndian: header.isBigEndian)
  }
}
