import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The bytes of a file, brought into memory by the system page by page as they are read.
///
/// The file must not become shorter while this lives; writing it anew under a temporary name and
/// renaming, as this package does, leaves an open file as it was.
@safe final class MappedFile: @unchecked Sendable {
  // Never written after initialisation, and the pages are read-only: safe from every thread.
  private let pages: UnsafeRawBufferPointer

  var count: Int { unsafe pages.count }

  init(_ url: URL) throws(CheckpointError) {
    let descriptor = unsafe open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.unreadable(url) }
    defer { close(descriptor) }
    var information = stat()
    guard unsafe fstat(descriptor, &information) == 0 else { throw Self.unreadable(url) }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(file: url.path, problem: "it is not a regular file")
    }
    let size = Int(information.st_size)
    if size == 0 {
      unsafe pages = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let start = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard unsafe start != MAP_FAILED else { throw Self.unreadable(url) }
    unsafe pages = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = unsafe UnsafeMutableRawPointer(mutating: pages.baseAddress) {
      unsafe munmap(start, pages.count)
    }
  }

  /// The bytes of a range that lies inside the file, valid during the call.
  func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try unsafe body(UnsafeRawBufferPointer(rebasing: pages[range]))
  }

  private static func unreadable(_ url: URL) -> CheckpointError {
    .unreadable(file: url.path, problem: systemError())
  }
}

/// What the system says about its last failure.
func systemError() -> String { unsafe String(cString: strerror(errno)) }
