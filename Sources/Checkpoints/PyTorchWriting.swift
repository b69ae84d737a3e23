public import Foundation

/// Files as `torch.save` writes them.
public enum PyTorch {
  /// Writes a zip archive that `torch.load(…, weights_only=True)` reads: a dictionary of the tensors
  /// by their names, or a bare tensor where there is only one and its name is empty. It takes its
  /// name when it is complete and on the disk; the same tensors give the same bytes.
  /// - Throws: `CheckpointError` for repeated names, types that PyTorch has not, failures of the disk.
  public static func write(_ tensors: [NewTensor], to url: URL) throws(CheckpointError) {
    try CheckpointError.refuseRepeated(tensors.map(\.name), url)
    var pickler = Pickler()
    for (key, tensor) in tensors.enumerated() {
      guard pickler.add(tensor, key: key, isBare: tensors.count == 1 && tensor.name.isEmpty) else {
        throw .unwritable(
          file: url.path,
          problem: "tensor \"\(tensor.name)\" is \(tensor.type.rawValue) \(tensor.shape), which "
            + "PyTorch has not")
      }
    }
    var archive = try ZipWriter(url)
    let root = "archive/"
    try archive.add(root + "data.pkl", pickler.finished)
    try archive.add(root + "byteorder", Array("little".utf8))
    for (key, tensor) in tensors.enumerated() {
      let count = tensor.type.byteCount(tensor.shape) ?? 0
      try unsafe archive.add(root + "data/\(key)", count: count) { append throws(CheckpointError) in
        try unsafe tensor.content(append)
      }
    }
    try archive.add(root + "version", Array("3\n".utf8))
    try archive.finish()
  }
}

/// Writes the pickle of a dictionary of tensors, in protocol 2.
private struct Pickler {
  private var members: [UInt8] = []
  private var isBare = false

  /// The whole pickle.
  var finished: [UInt8] {
    let beginning: [UInt8] = [0x80, 2]
    return beginning + (isBare ? members : Array("}(".utf8) + members + Array("u".utf8))
      + Array(".".utf8)
  }

  /// Adds a tensor whose data are under `key`; false where PyTorch has not its type.
  mutating func add(_ tensor: NewTensor, key: Int, isBare: Bool) -> Bool {
    guard let byteCount = tensor.type.byteCount(tensor.shape) else { return false }
    self.isBare = isBare
    if !isBare { text(tensor.name) }
    // The storage classes are older than some types, which stand on plain bytes.
    let storage = Self.storages[tensor.type]
    guard let name = PickleGlobal.systematicName(tensor.type) else { return false }
    global("torch._utils", storage == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    members += Array("((".utf8)
    text("storage")
    if let storage {
      global("torch", storage + "Storage")
    } else {
      global("torch.storage", "UntypedStorage")
    }
    text("\(key)")
    text("cpu")
    integer(storage == nil ? byteCount : byteCount / (tensor.type.bitCount / 8))
    members += Array("tQ".utf8)
    integer(0)
    integers(tensor.shape)
    integers(StridedLayout.contiguous(tensor.shape))
    members.append(0x89)
    global("collections", "OrderedDict")
    members += Array(")R".utf8)
    if storage == nil { global("torch", name) }
    members += Array("tR".utf8)
    return true
  }

  private mutating func global(_ module: String, _ name: String) {
    members += Array("c\(module)\n\(name)\n".utf8)
  }

  private mutating func text(_ text: String) {
    members.append(UInt8(ascii: "X"))
    little(text.utf8.count, 4)
    members += Array(text.utf8)
  }

  private mutating func integer(_ value: Int) {
    members += [0x8A, 8]
    little(value, 8)
  }

  private mutating func integers(_ values: [Int]) {
    members.append(UInt8(ascii: "("))
    for value in values { integer(value) }
    members.append(UInt8(ascii: "t"))
  }

  private mutating func little(_ value: Int, _ width: Int) {
    for byte in 0..<width { members.append(UInt8(value >> (8 * byte) & 0xFF)) }
  }

  private static let storages: [ElementType: String] = [
    .f64: "Double", .f32: "Float", .f16: "Half", .bf16: "BFloat16", .i64: "Long", .i32: "Int",
    .i16: "Short", .i8: "Char", .u8: "Byte", .bool: "Bool", .c64: "ComplexFloat",
    .c128: "ComplexDouble",
  ]
}
