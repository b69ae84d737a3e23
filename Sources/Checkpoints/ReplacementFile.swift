import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file that is written under a temporary name and takes its own name only when it is complete
/// and on the disk; unfinished ones disappear, those of killed programs when the file is written the next time.
final class ReplacementFile {
  /// Bytes appended so far.
  private(set) var count = 0

  var path: String { url.path }
  private let url: URL
  private let temporary: String
  private var descriptor: Int32

  init(_ url: URL) throws(CheckpointError) {
    self.url = url
    Self.removeLeftovers(of: url)
    let name = ".\(url.lastPathComponent).\(UUID().uuidString).part"
    temporary = url.deletingLastPathComponent().appendingPathComponent(name).path
    repeat {
      descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor < 0 { throw failure() }
      // The lock says that somebody writes here; it ends with the program, however that ends.
      flock(descriptor, LOCK_EX)
      // Another program may have taken the file for a leftover before it was locked.
    } while wasRemoved()
  }

  private func wasRemoved() -> Bool {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_nlink == 0 else { return false }
    close(descriptor)
    return true
  }

  /// Removes unfinished files of this name that nobody writes any more.
  private static func removeLeftovers(of url: URL) {
    let folder = url.deletingLastPathComponent()
    let (beginning, end) = (".\(url.lastPathComponent).", ".part")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(beginning) && name.hasSuffix(end) {
      let middle = name.dropFirst(beginning.count).dropLast(end.count)
      guard UUID(uuidString: String(middle)) != nil else { continue }
      let path = folder.appendingPathComponent(name).path
      let leftover = unsafe open(path, O_RDWR | O_CLOEXEC)
      guard leftover >= 0 else { continue }
      if flock(leftover, LOCK_EX | LOCK_NB) == 0 { unsafe unlink(path) }
      close(leftover)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unsafe unlink(temporary)
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let written = unsafe write(descriptor, rest.baseAddress, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure()
      }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      count += written
    }
  }

  /// Writes over bytes that were appended before.
  func overwrite(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
    var done = 0
    while done < bytes.count {
      let written = unsafe bytes.span.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(offset + done))
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw failure()
      }
      done += written
    }
  }

  func append(_ bytes: [UInt8]) throws(CheckpointError) {
    try unsafe bytes.span.withUnsafeBytes { bytes throws(CheckpointError) in
      try unsafe append(bytes)
    }
  }

  /// Makes the file safe on the disk and gives it its name.
  func finish() throws(CheckpointError) {
    guard fsync(descriptor) == 0, unsafe rename(temporary, url.path) == 0 else { throw failure() }
    close(descriptor)
    descriptor = -1
    synchronizeFolder(url.deletingLastPathComponent())
  }

  private func failure() -> CheckpointError {
    .writing(url.path)
  }
}

/// Makes the names in a folder safe on the disk; a file system that cannot do this has done its
/// best.
func synchronizeFolder(_ url: URL) {
  let folder = unsafe open(url.path, O_RDONLY | O_CLOEXEC)
  if folder >= 0 {
    fsync(folder)
    close(folder)
  }
}

extension CheckpointError {
  /// The system's last failure, met while writing a file.
  package static func writing(_ file: String) -> CheckpointError {
    switch errno {
    case ENOSPC, EDQUOT: .diskFull(file: file)
    case EROFS, EACCES, EPERM: .readOnly(file: file)
    case ENOENT: .unwritable(file: file, problem: "its folder does not exist")
    case ENOTDIR: .unwritable(file: file, problem: "a part of the path is no folder")
    case EEXIST: .unwritable(file: file, problem: "a file of this name exists")
    case EISDIR: .unwritable(file: file, problem: "a folder of this name exists")
    default: .unwritable(file: file, problem: systemError())
    }
  }
}
