import Datasets
import Foundation
import Images

/// A folder for one test, removed with its last user.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "apus-data-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Places with nothing in the system and this folder as cache.
  var places: DataPlaces { DataPlaces(systemFolders: [path + "/system"], cache: path + "/cache") }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }
}

/// An IDX file of bytes: its dimensions, then as many bytes as given.
func idx(_ dimensions: [Int], _ bytes: [UInt8]) throws -> [UInt8] {
  let header = [0x800 | dimensions.count] + dimensions
  let content = header.flatMap { number in
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }
  return try Deflate.deflate(content + bytes, into: .gzip)
}

/// Whether a data set of the system is here, for tests that need it.
func present(_ name: String) -> Bool {
  (try? DatasetCatalog.entry(named: name))?.status() == .present
}
