import Foundation

/// A file that grows at its end and can be cut there.
final class AppendedFile {
  let path: String
  private let handle: FileHandle

  /// Opens the file, or makes an empty one.
  init(path: String) throws(ReportsError) {
    self.path = path
    if !FileManager.default.fileExists(atPath: path),
      !FileManager.default.createFile(atPath: path, contents: nil)
    {
      throw .file(path: path, reason: "it cannot be made; does its folder exist?")
    }
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw .file(path: path, reason: "it cannot be opened for writing")
    }
    self.handle = handle
  }

  deinit { try? handle.close() }

  func contents() throws(ReportsError) -> Data {
    try attempt("it cannot be read") {
      try handle.seek(toOffset: 0)
      return try handle.readToEnd() ?? Data()
    }
  }

  /// Cuts the file and goes on at its end.
  func truncate(to size: Int) throws(ReportsError) {
    try attempt("it cannot be cut") {
      try handle.truncate(atOffset: UInt64(size))
      try handle.seek(toOffset: UInt64(size))
    }
  }

  func append(_ data: Data) throws(ReportsError) {
    try attempt("it cannot be written; is the disk full?") { try handle.write(contentsOf: data) }
  }

  func synchronize() throws(ReportsError) {
    try attempt("it cannot be brought to the disk") { try handle.synchronize() }
  }

  static func read(_ path: String) throws(ReportsError) -> Data {
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw .file(path: path, reason: "it cannot be read")
    }
    return contents
  }

  private func attempt<Value>(_ reason: String, _ body: () throws -> Value) throws(ReportsError)
    -> Value
  {
    do {
      return try body()
    } catch {
      throw .file(path: path, reason: reason)
    }
  }
}
