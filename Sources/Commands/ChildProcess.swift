import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Another run of this program: its lines are read as they come, and its memory is its own.
///
/// It has a process group of its own, so that Ctrl-C reaches it only through `stop`.
final class ChildProcess {
  /// How a process ended.
  enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  private let process: pid_t
  private let descriptor: Int32
  private var rest: [UInt8] = []

  /// Starts this program with other arguments, or another program.
  /// - Parameters:
  ///   - other: the name of another program, which is looked for in `PATH`.
  ///   - errors: the file for what it says on standard error.
  init(_ arguments: [String], of other: String? = nil, errors: String) throws(Failure) {
    guard let program = other ?? Bundle.main.executablePath else {
      throw Failure(.failed, "this program cannot find its own file.")
    }
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else {
      throw Failure(.failed, "no pipe: \(reason(ofError: errno)).")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    unsafe posix_spawn_file_actions_addopen(
      &actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { _ = unsafe words.map { unsafe free($0) } }
    var process: pid_t = 0
    let problem = unsafe posix_spawnp(&process, program, &actions, &attributes, &words, environ)
    guard problem == 0 else {
      close(ends[0])
      throw Failure(.failed, "\(program) cannot be started: \(reason(ofError: problem)).")
    }
    self.process = process
    descriptor = ends[0]
  }

  deinit { close(descriptor) }

  /// The lines that came; waits a quarter of a second for some. Nothing at their end.
  func lines() -> [String]? {
    var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&ready, 1, 250) > 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe read(descriptor, &buffer, buffer.count)
    if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
    if count == 0 { return nil }
    rest += buffer[..<count]
    var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let unfinished = lines.removeLast()
    rest = Array(unfinished)
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads its output to the end, for its length alone.
  func countBytes() -> Int {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var total = 0
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count > 0 { total += count }
      if count == 0 || count < 0 && errno != EINTR { return total }
    }
  }

  /// Asks it to save its work and end.
  func stop() { kill(process, SIGTERM) }

  /// Waits for its end.
  func wait() -> (ending: Ending, peakBytes: Int) {
    var status: Int32 = 0
    var usage = rusage()
    while unsafe wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    #if canImport(Darwin)
      let peak = usage.ru_maxrss
    #else
      let peak = usage.ru_maxrss * 1024
    #endif
    let signal = status & 0x7F
    return (signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal), peak)
  }
}
