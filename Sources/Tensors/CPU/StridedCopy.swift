internal import CKernels

/// A copy between two strided views of one shape: transposes, slices, broadcasts, parts of concatenations.
struct StridedCopy {
  var sizes: [Int]
  var sourceStrides: [Int]
  var sourceOffset = 0
  var destinationStrides: [Int]
  var destinationOffset = 0
  var dataType: DataType

  /// Copies a view into contiguous memory of shape `sizes`.
  init(_ sizes: [Int], reading strides: [Int], offset: Int = 0, _ dataType: DataType) {
    self.sizes = sizes
    sourceStrides = strides
    sourceOffset = offset
    destinationStrides = sizes.rowMajorStrides
    self.dataType = dataType
  }

  /// Copies contiguous memory of shape `sizes` into a view.
  init(_ sizes: [Int], writing strides: [Int], offset: Int, _ dataType: DataType) {
    self.sizes = sizes
    sourceStrides = sizes.rowMajorStrides
    destinationStrides = strides
    destinationOffset = offset
    self.dataType = dataType
  }

  /// Joins neighbouring axes that both views walk as one, and drops axes of size 1.
  private func collapsed() -> StridedCopy {
    var copy = self
    copy.sizes = []
    copy.sourceStrides = []
    copy.destinationStrides = []
    for axis in sizes.indices where sizes[axis] != 1 {
      let (size, source, destination) = (sizes[axis], sourceStrides[axis], destinationStrides[axis])
      if let last = copy.sizes.indices.last, copy.sourceStrides[last] == source * size,
        copy.destinationStrides[last] == destination * size
      {
        copy.sizes[last] *= size
        copy.sourceStrides[last] = source
        copy.destinationStrides[last] = destination
      } else {
        copy.sizes.append(size)
        copy.sourceStrides.append(source)
        copy.destinationStrides.append(destination)
      }
    }
    return copy
  }

  func kernel() -> PreparedKernel {
    let copy = collapsed()
    guard copy.sizes.count <= Int(APUS_MAX_RANK) else {
      fail("a copy of \(sizes) moves more than \(APUS_MAX_RANK) axes separately; reshape first")
    }
    var description = apus_copy()
    description.rank = Int32(copy.sizes.count)
    description.element_size = Int32(dataType.byteCount)
    description.source_offset = Int64(copy.sourceOffset)
    description.destination_offset = Int64(copy.destinationOffset)
    copyInt64(copy.sizes, to: &description.sizes)
    copyInt64(copy.sourceStrides, to: &description.source_strides)
    copyInt64(copy.destinationStrides, to: &description.destination_strides)
    return unsafe PreparedKernel("copy") { unsafe apus_copy_prepare(&description, $0) }
  }
}

/// Writes numbers into a fixed-size array of a C structure.
func copyInt64<T>(_ values: [Int], to tuple: inout T) {
  unsafe withUnsafeMutableBytes(of: &tuple) { bytes in
    for (i, value) in values.enumerated() {
      unsafe bytes.storeBytes(of: Int64(value), toByteOffset: i * 8, as: Int64.self)
    }
  }
}
