import Checkpoints
import Foundation

/// Files that a command writes: whole, or not at all.
enum OutputFile {
  /// Writes a file under a temporary name beside its own and renames it.
  /// - Throws: a failure that names the path and what hinders.
  static func write(_ bytes: some Sequence<UInt8>, to path: String) throws(Failure) {
    try attempt { () throws(CheckpointError) in
      try CheckpointStore.write(Array(bytes), to: URL(fileURLWithPath: path))
    }
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(Failure) {
    try attempt { () throws(CheckpointError) in
      try CheckpointStore.makeFolder(URL(fileURLWithPath: path))
    }
  }

  private static func attempt(_ body: () throws(CheckpointError) -> Void) throws(Failure) {
    do { try body() } catch { throw Failure(error) }
  }
}
