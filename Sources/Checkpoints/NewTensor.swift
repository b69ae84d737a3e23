/// Takes pieces of a tensor's bytes, in order.
public typealias AppendBytes = (UnsafeRawBufferPointer) throws(CheckpointError) -> Void

/// A tensor to be written: its description, and its bytes when their turn comes.
@safe public struct NewTensor {
  public let name: String
  public let type: ElementType
  public let shape: [Int]
  let content: (AppendBytes) throws(CheckpointError) -> Void

  /// A tensor whose bytes are made while the file is written, so that only a piece of them need
  /// be in memory.
  ///
  /// - Parameter content: Hands over all bytes, row-major and little-endian, in any number of
  ///   pieces.
  public init(
    name: String, type: ElementType, shape: [Int],
    content: @escaping (AppendBytes) throws(CheckpointError) -> Void
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

  /// Hands the bytes to a file and sees that they fit the shape.
  func write(to file: ReplacementFile, also observe: AppendBytes = { _ in })
    throws(CheckpointError)
  {
    let start = file.count
    try unsafe content { piece throws(CheckpointError) in
      try unsafe observe(piece)
      try unsafe file.append(piece)
    }
    let count = type.byteCount(shape)
    guard file.count - start == count else {
      throw .unwritable(
        file: file.path,
        problem: "tensor \"\(name)\" gave \(file.count - start) bytes, "
          + "\(type.rawValue) \(shape) needs \(count ?? 0)")
    }
  }
}
