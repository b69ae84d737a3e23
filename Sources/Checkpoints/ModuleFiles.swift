public import Foundation
public import Layers
package import Tensors

extension Module {
  /// Writes all tensors, trained or not, as a safetensors file under their dotted names. The file
  /// takes its name when it is complete and on the disk.
  ///
  /// - Parameter metadata: Texts for `__metadata__`; `format` is "pt" unless given, as readers
  ///   written for PyTorch's files want it.
  public func save(to url: URL, metadata: [String: String] = [:]) throws(CheckpointError) {
    try Safetensors.write(leaves, metadata: metadata, to: url)
  }

  /// Puts the tensors of a file of any format that `Checkpoint` reads in place of the module's own,
  /// by their dotted names.
  ///
  /// Floating-point types are converted to the module's; all others must agree.
  ///
  /// - Parameter strict: Whether every tensor of either side needs its counterpart; if not, those
  ///   that have none are left alone. Shapes must agree in either case.
  /// - Throws: `CheckpointError.mismatched` with every difference, or what is wrong with the file;
  ///   the module is then as it was.
  public mutating func load(from url: URL, strict: Bool = true) throws(CheckpointError) {
    let file = try Checkpoint(url)
    replaceTensors(
      try file.tensors(for: leaves, allowsSurplus: !strict, allowsMissing: !strict))
  }
}

extension Safetensors {
  /// Writes tensors of modules under their names.
  package static func write(
    _ leaves: [Visitor.Leaf], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
    let storages = Evaluation.values(of: leaves.map(\.tensor))
    let tensors = zip(leaves, storages).map { leaf, storage in
      let type = leaf.tensor.type
      return unsafe Safetensors.Tensor(
        name: leaf.name, type: ElementType(type.dataType), shape: type.shape
      ) { append throws(CheckpointError) in
        try unsafe append(UnsafeRawBufferPointer(start: storage.pointer, count: type.byteCount))
        withExtendedLifetime(storage) {}
      }
    }
    let metadata = metadata.merging(["format": "pt"]) { given, _ in given }
    try write(tensors, metadata: metadata, to: url)
  }
}

extension Checkpoint {
  /// A copy of each tensor that `leaves` name, in their order and types.
  package func tensors(
    for leaves: [Visitor.Leaf], allowsSurplus: Bool = false, allowsMissing: Bool = false
  ) throws(CheckpointError) -> [Tensors.Tensor] {
    var tensors = leaves.map(\.tensor)
    let places = Dictionary(
      leaves.indices.map { (Array(leaves[$0].name.utf8), $0) },
      uniquingKeysWith: { first, _ in first })
    var isFound = [Bool](repeating: false, count: leaves.count)
    var mismatches: [TensorMismatch] = []
    for entry in entries {
      guard let place = places[Array(entry.name.utf8)] else {
        if !allowsSurplus { mismatches.append(.surplus(name: entry.name, shape: entry.shape)) }
        continue
      }
      isFound[place] = true
      let wanted = leaves[place].tensor.type
      if entry.shape != wanted.shape {
        mismatches.append(.shape(name: entry.name, file: entry.shape, module: wanted.shape))
      } else if let type = entry.type.dataType, type.converts(to: wanted.dataType) {
        if mismatches.isEmpty {
          tensors[place] = try tensor(entry, type).converted(to: wanted.dataType)
        }
      } else {
        mismatches.append(
          .type(
            name: entry.name, file: entry.type.rawValue,
            module: Safetensors.ElementType(wanted.dataType).rawValue))
      }
    }
    if !allowsMissing {
      mismatches += leaves.indices.filter { !isFound[$0] }.map {
        .missing(name: leaves[$0].name, shape: leaves[$0].tensor.shape)
      }
    }
    guard mismatches.isEmpty else { throw .mismatched(file: url.path, mismatches) }
    return tensors
  }

  /// A copy of an entry's tensor, of the type that `ElementType.dataType` has for it.
  package func tensor(_ entry: Entry, _ type: DataType) throws(CheckpointError) -> Tensors.Tensor {
    let storage = Storage(byteCount: entry.byteCount)
    var position = 0
    try unsafe read(entry) { piece in
      guard let start = piece.baseAddress else { return }
      unsafe (storage.pointer + position).copyMemory(from: start, byteCount: piece.count)
      position += piece.count
    }
    if type == .bool {
      // Any byte may stand in a file; kernels rely on 0 and 1.
      for i in 0..<entry.byteCount where storage.load(i, as: UInt8.self) > 1 {
        storage.store(UInt8(1), at: i)
      }
    }
    return Tensors.Tensor(storage, TensorType(entry.shape, type))
  }
}

extension Tensors.Tensor {
  fileprivate func converted(to type: DataType) -> Tensors.Tensor {
    dataType == type ? self : cast(to: type)
  }
}

extension DataType {
  fileprivate func converts(to other: DataType) -> Bool {
    self == other || isFloatingPoint && other.isFloatingPoint
  }
}

extension Safetensors.ElementType {
  /// The format's name of a tensor's type.
  package init(_ type: DataType) {
    self =
      switch type {
      case .float32: .f32
      case .float16: .f16
      case .bfloat16: .bf16
      case .float64: .f64
      case .int32: .i32
      case .int64: .i64
      case .uint8: .u8
      case .bool: .bool
      }
  }

  /// The tensors' type for it, where there is one.
  package var dataType: DataType? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    case .f64: .float64
    case .i32: .int32
    case .i64: .int64
    case .u8: .uint8
    case .bool: .bool
    case .i8, .f4, .f6E2M3, .f6E3M2, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ, .i16,
      .u16, .u32, .u64, .c64, .c128:
      nil
    }
  }
}
