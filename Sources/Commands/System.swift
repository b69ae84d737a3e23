import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes a text to a descriptor.
/// - Returns: 0, or the system's error number.
func writeAll(_ text: String, _ descriptor: Int32) -> Int32 {
  unsafe Array(text.utf8).withUnsafeBytes { unsafe writeAll($0, descriptor) }
}

/// Writes all bytes to a descriptor.
/// - Returns: 0, or the system's error number.
func writeAll(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) -> Int32 {
  var rest = unsafe bytes
  while unsafe !rest.isEmpty {
    let count = unsafe write(descriptor, rest.baseAddress, rest.count)
    if count >= 0 {
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    } else if errno == EAGAIN {
      // A pipe that somebody set not to wait: wait for it.
      var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = unsafe poll(&ready, 1, -1)
    } else if errno != EINTR {
      return errno
    }
  }
  return 0
}

/// What an error number of the system means for whoever called the command.
func reason(ofError number: Int32) -> String {
  switch number {
  case ENOSPC: "the disk is full"
  case EDQUOT: "the quota of the disk is used up"
  case EROFS: "the file system is read-only"
  case EACCES, EPERM: "permission denied"
  case ENOENT: "its folder does not exist"
  case ENOTDIR: "a part of the path is no folder"
  case EISDIR: "a folder of this name exists"
  default: unsafe String(cString: strerror(number)).lowercased()
  }
}
