#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// The physical memory that this process holds, in bytes.
public enum ResidentMemory {
  /// Now; 0 where the system does not say.
  public static var now: Int {
    #if canImport(Darwin)
      var info = mach_task_basic_info()
      var count = mach_msg_type_number_t(
        MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
      let capacity = Int(count)
      let status = unsafe withUnsafeMutablePointer(to: &info) { pointer in
        unsafe pointer.withMemoryRebound(to: integer_t.self, capacity: capacity) { words in
          unsafe task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), words, &count)
        }
      }
      return status == KERN_SUCCESS ? Int(info.resident_size) : 0
    #else
      // The second number of statm counts resident pages.
      let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { return 0 }
      defer { close(file) }
      var buffer = [UInt8](repeating: 0, count: 128)
      let length = unsafe read(file, &buffer, buffer.count)
      let fields = buffer.prefix(max(0, length)).split(separator: UInt8(ascii: " "))
      guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else {
        return 0
      }
      return pages * sysconf(Int32(_SC_PAGESIZE))
    #endif
  }

  /// The most so far; 0 where the system does not say.
  public static var peak: Int {
    var usage = rusage()
    #if canImport(Darwin)
      guard unsafe getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #else
      #if canImport(Glibc)
        let own = __rusage_who_t(RUSAGE_SELF.rawValue)
      #else
        let own = RUSAGE_SELF
      #endif
      guard unsafe getrusage(own, &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024
    #endif
  }
}
