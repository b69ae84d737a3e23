package import CKernels

/// A kernel that was chosen and created when its program was compiled; running it allocates nothing.
///
/// Its buffers are the operands, the results and, where `sharedBytes` is not 0, one block of memory of its own.
@safe
public final class PreparedKernel {
  @safe
  package enum Work {
    /// Phases of chunks on the pool.
    case chunks(apus_kernel)
    /// Swift code that runs on the calling thread and uses the pool itself (a loop over a body program).
    case host(any HostKernel)
  }

  package let work: Work
  /// Results that may be written over an operand that dies here: `(result, operand)`.
  package let inPlace: [InPlace]

  package struct InPlace: Hashable, Sendable {
    package let output: Int
    package let input: Int
  }

  /// Prepares a kernel of `CKernels` or `COneDNN`. `prepare` returns 0, or fails for a reason that is a mistake of ours.
  package init(
    _ name: String, inPlace: [InPlace] = [], _ prepare: (UnsafeMutablePointer<apus_kernel>) -> Int32
  ) {
    var kernel = unsafe apus_kernel()
    let status = unsafe prepare(&kernel)
    guard status == 0 else { fail("\(name): the kernel could not be prepared (status \(status))") }
    unsafe work = .chunks(kernel)
    self.inPlace = inPlace
    let scratch = unsafe PreparedKernel.phases(kernel).map(\.scratch_bytes).max() ?? 0
    apus_reserve_scratch(scratch)
  }

  package init(host: any HostKernel) {
    work = .host(host)
    inPlace = []
  }

  deinit {
    if case .chunks(var kernel) = work { unsafe apus_kernel_destroy(&kernel) }
  }

  /// Bytes of the extra last buffer.
  package var sharedBytes: Int {
    switch work {
    case .chunks(let kernel): unsafe Int(kernel.shared_bytes)
    case .host(let host): host.sharedBytes
    }
  }

  /// Runs the kernel. `skippingInvariant`: the phases that depend on the invariant operand alone have run already.
  package func run(
    _ buffers: UnsafePointer<UnsafeMutableRawPointer?>, skippingInvariant: Bool = false
  ) {
    switch work {
    case .chunks(let kernel):
      unsafe withUnsafePointer(to: kernel) { pointer in
        unsafe apus_kernel_run_phases(
          pointer, buffers, skippingInvariant ? pointer.pointee.invariant_phases : 0,
          pointer.pointee.phase_count)
      }
    case .host(let host): unsafe host.run(buffers)
    }
  }

  /// Runs only the phases that depend on the invariant operand.
  package func runInvariant(_ buffers: UnsafePointer<UnsafeMutableRawPointer?>) {
    guard case .chunks(let kernel) = work else { return }
    unsafe withUnsafePointer(to: kernel) { pointer in
      unsafe apus_kernel_run_phases(pointer, buffers, 0, pointer.pointee.invariant_phases)
    }
  }

  /// The operand whose phases may be run once for many runs, nil where there is none.
  package var invariantInput: Int? {
    guard case .chunks(let kernel) = work, unsafe kernel.invariant_phases > 0 else { return nil }
    return unsafe Int(kernel.invariant_input)
  }

  private static func phases(_ kernel: apus_kernel) -> [apus_phase] {
    let (a, b, c, d) = unsafe kernel.phases
    return unsafe Array([a, b, c, d].prefix(Int(kernel.phase_count)))
  }
}

/// A kernel written in Swift.
package protocol HostKernel: AnyObject {
  var sharedBytes: Int { get }
  func run(_ buffers: UnsafePointer<UnsafeMutableRawPointer?>)
}
