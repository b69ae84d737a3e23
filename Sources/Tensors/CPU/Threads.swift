internal import CKernels

/// The threads that compute on the CPU.
public enum Threads {
  /// How many, the calling one included: 1 to 256. The default is the number of processors that the process may use, or
  /// what the environment variable `APUS_THREADS` says. No result depends on it.
  public static var count: Int {
    get { Int(apus_threads()) }
    set { apus_set_threads(Int32(clamping: Swift.min(Swift.max(newValue, 1), 256))) }
  }
}
