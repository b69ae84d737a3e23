import Documents
import Foundation

/// An open file whose description has been read and checked in full; the tensors' data are read
/// one at a time, when asked for.
protocol TensorSource: Sendable {
  var url: URL { get }
  /// "safetensors", "pytorch", "npz" …
  var format: String { get }
  /// Names are unique, scalar by scalar.
  var tensors: [TensorDescription] { get }
  /// What the file holds beside its tensors, by dotted path.
  var values: [JSONValue.Member] { get }

  /// Hands over the bytes of a tensor, row-major and little-endian, and fails where they do not
  /// match a checksum of the file.
  func read(_ index: Int, _ append: AppendBytes) throws(CheckpointError)
}

/// A tensor of a file.
struct TensorDescription: Sendable, Hashable {
  let name: String
  let type: ElementType
  let shape: [Int]
}

/// How a tensor's elements lie in the bytes of a storage, which holds all of them.
struct StridedLayout: Sendable {
  let type: ElementType
  let shape: [Int]
  /// In elements, one for each axis.
  let strides: [Int]
  /// Bytes before the first element.
  var offset = 0
  var isBigEndian = false

  /// Row-major strides.
  static func contiguous(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] &* max(1, shape[axis + 1])
    }
    return strides
  }

  /// Column-major strides.
  static func columnMajor(_ shape: [Int]) -> [Int] { contiguous(shape.reversed()).reversed() }

  private var isContiguous: Bool {
    zip(zip(shape, strides), Self.contiguous(shape)).allSatisfy { $0.0 < 2 || $0.1 == $1 }
  }

  /// Hands over the elements in row-major order: in one piece where they lie so.
  func read(_ storage: UnsafeRawBufferPointer, _ append: AppendBytes) throws(CheckpointError) {
    guard let byteCount = type.byteCount(shape), byteCount > 0 else { return }
    let swaps = isBigEndian && type.bitCount > 8
    if isContiguous && !swaps {
      return try unsafe append(
        UnsafeRawBufferPointer(rebasing: storage[offset..<offset + byteCount]))
    }
    switch type.bitCount / (type.isComplex ? 2 : 1) {
    case 64: try unsafe gather(storage, append, as: UInt64.self)
    case 32: try unsafe gather(storage, append, as: UInt32.self)
    case 16: try unsafe gather(storage, append, as: UInt16.self)
    default: try unsafe gather(storage, append, as: UInt8.self)
    }
  }

  private func gather<Scalar: FixedWidthInteger & BitwiseCopyable>(
    _ storage: UnsafeRawBufferPointer, _ append: AppendBytes, as: Scalar.Type
  ) throws(CheckpointError) {
    // A complex number is a row of two scalars.
    let shape = type.isComplex ? shape + [2] : shape + [1]
    let strides = type.isComplex ? strides.map { $0 * 2 } + [1] : strides + [1]
    let size = MemoryLayout<Scalar>.size
    var piece: [Scalar] = []
    piece.reserveCapacity(8192)
    func flush() throws(CheckpointError) {
      try unsafe piece.span.withUnsafeBytes { bytes throws(CheckpointError) in
        try unsafe append(bytes)
      }
      piece.removeAll(keepingCapacity: true)
    }
    var place = [Int](repeating: 0, count: shape.count)
    var position = offset
    while true {
      let value = unsafe storage.loadUnaligned(fromByteOffset: position, as: Scalar.self)
      piece.append(isBigEndian ? value.byteSwapped : value)
      if piece.count == 8192 { try flush() }
      var axis = shape.count - 1
      while axis >= 0 {
        place[axis] += 1
        position += strides[axis] * size
        if place[axis] < shape[axis] { break }
        position -= strides[axis] * size * shape[axis]
        place[axis] = 0
        axis -= 1
      }
      if axis < 0 { break }
    }
    if !piece.isEmpty { try flush() }
  }
}
