/// Several kernels run one after the other as one, each on a selection of the buffers.
@safe
final class KernelSequence: HostKernel {
  private struct Step {
    let kernel: PreparedKernel
    let buffers: [Int]
    let first: Int
  }

  private let steps: [Step]
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// Kernels with the numbers of the buffers they use. None may need shared memory.
  init(_ kernels: [(kernel: PreparedKernel, buffers: [Int])]) {
    var first = 0
    steps = kernels.map { kernel, buffers in
      guard kernel.sharedBytes == 0 else {
        fail("a kernel within a sequence cannot have shared memory")
      }
      defer { first += buffers.count }
      return Step(kernel: kernel, buffers: buffers, first: first)
    }
    unsafe table = .allocate(capacity: max(first, 1))
    unsafe table.initialize(repeating: nil, count: max(first, 1))
  }

  deinit { unsafe table.deallocate() }

  var sharedBytes: Int { 0 }

  func run(_ buffers: UnsafePointer<UnsafeMutableRawPointer?>) {
    for step in steps {
      for (i, buffer) in step.buffers.enumerated() {
        unsafe table[step.first + i] = buffers[buffer]
      }
      unsafe step.kernel.run(UnsafePointer(table + step.first))
    }
  }
}
