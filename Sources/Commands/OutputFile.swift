import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files that a command writes: whole, or not at all.
enum OutputFile {
  /// Writes a file under a temporary name beside its own and renames it.
  /// - Throws: a failure that names the path and what hinders.
  static func write(_ bytes: some ContiguousBytes, to path: String) throws(Failure) {
    let temporary = path + ".\(getpid()).part"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path) }
    var problem = unsafe bytes.withUnsafeBytes { buffer in unsafe writeAll(buffer, descriptor) }
    if close(descriptor) != 0, problem == 0 { problem = errno }
    if problem == 0, unsafe rename(temporary, path) != 0 { problem = errno }
    guard problem != 0 else { return }
    unsafe unlink(temporary)
    throw failure(path, problem)
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(Failure) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += part
      if unsafe mkdir(made, 0o777) != 0, errno != EEXIST {
        let problem = errno
        // A folder that is there may also be refused because its parent is not writable.
        var isFolder: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: made, isDirectory: &isFolder)
        if !(exists && isFolder.boolValue) {
          throw Failure(
            .unwritable, "the folder \(path) cannot be made: \(reason(ofError: problem)).")
        }
      }
      made += "/"
    }
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else {
      throw Failure(.unwritable, "the folder \(path) cannot be made: a file of this name exists.")
    }
  }

  private static func failure(_ path: String, _ problem: Int32 = errno) -> Failure {
    Failure(.unwritable, "\(path) cannot be written: \(reason(ofError: problem)).")
  }
}
