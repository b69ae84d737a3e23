public import Foundation

/// NumPy's files of arrays.
public enum Numpy {
  /// Writes an `.npz` archive, uncompressed, under the tensors' names. It takes its name when it is
  /// complete and on the disk; the same tensors give the same bytes.
  /// - Throws: `CheckpointError` for repeated names, types that NumPy has not, failures of the disk.
  public static func write(_ tensors: [NewTensor], to url: URL) throws(CheckpointError) {
    try CheckpointError.refuseRepeated(tensors.map(\.name), url)
    var archive = try ZipWriter(url)
    for tensor in tensors {
      let header = try header(tensor, url)
      let count = header.count + (tensor.type.byteCount(tensor.shape) ?? 0)
      try unsafe archive.add(tensor.name + ".npy", count: count) { append throws(CheckpointError) in
        try unsafe header.span.withUnsafeBytes { bytes throws(CheckpointError) in
          try unsafe append(bytes)
        }
        try unsafe tensor.content(append)
      }
    }
    try archive.finish()
  }

  /// Writes a single array as `.npy`; its name is lost.
  public static func write(array tensor: NewTensor, to url: URL) throws(CheckpointError) {
    let header = try header(tensor, url)
    let file = try ReplacementFile(url)
    try file.append(header)
    try unsafe tensor.write(to: file)
    try file.finish()
  }

  private static func header(_ tensor: NewTensor, _ url: URL) throws(CheckpointError) -> [UInt8] {
    guard let kind = kinds[tensor.type], tensor.type.byteCount(tensor.shape) != nil else {
      throw .unwritable(
        file: url.path,
        problem:
          "tensor \"\(tensor.name)\" is \(tensor.type.rawValue) \(tensor.shape), which NumPy "
          + "has not; convert it to F32 or F16")
    }
    let sizes = tensor.shape.map { "\($0)," }.joined(separator: " ")
    let shape = tensor.shape.count > 1 ? String(sizes.dropLast()) : sizes
    var text = Array("{'descr': '\(kind)', 'fortran_order': False, 'shape': (\(shape)), }".utf8)
    while (text.count + 11) % 64 != 0 { text.append(UInt8(ascii: " ")) }
    text.append(UInt8(ascii: "\n"))
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)]
      + text
  }

  private static let kinds: [ElementType: String] = [
    .f16: "<f2", .f32: "<f4", .f64: "<f8", .i8: "|i1", .i16: "<i2", .i32: "<i4", .i64: "<i8",
    .u8: "|u1", .u16: "<u2", .u32: "<u4", .u64: "<u8", .bool: "|b1", .c64: "<c8", .c128: "<c16",
  ]
}

extension CheckpointError {
  static func refuseRepeated(_ names: [String], _ url: URL) throws(CheckpointError) {
    var seen = Set<[UInt8]>()
    if let name = names.first(where: { !seen.insert(Array($0.utf8)).inserted }) {
      throw .unwritable(file: url.path, problem: "two tensors are called \"\(name)\"")
    }
  }
}
