/// A kernel whose buffers are parts of the buffers it is given: several operands in one tensor.
@safe
final class OffsetKernel: HostKernel {
  struct Buffer {
    let number: Int
    /// In bytes.
    let offset: Int
    init(_ number: Int, offset: Int = 0) {
      self.number = number
      self.offset = offset
    }
  }

  private let kernel: PreparedKernel
  private let buffers: [Buffer]
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// The kernel may not need shared memory.
  init(_ kernel: PreparedKernel, _ buffers: [Buffer]) {
    guard kernel.sharedBytes == 0 else {
      fail("a kernel on parts of buffers cannot have shared memory")
    }
    self.kernel = kernel
    self.buffers = buffers
    unsafe table = .allocate(capacity: buffers.count)
    unsafe table.initialize(repeating: nil, count: buffers.count)
  }

  deinit { unsafe table.deallocate() }

  var sharedBytes: Int { 0 }

  func run(_ given: UnsafePointer<UnsafeMutableRawPointer?>) {
    for (i, buffer) in buffers.enumerated() {
      unsafe table[i] = given[buffer.number].map { unsafe $0 + buffer.offset }
    }
    unsafe kernel.run(UnsafePointer(table))
  }
}
