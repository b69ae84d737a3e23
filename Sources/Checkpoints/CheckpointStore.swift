public import Foundation
public import Layers

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A run's checkpoints: a folder of folders `step-000500`, and links to the last and the best.
///
/// Each is written under a hidden name, brought to the disk and renamed, so that a folder with a
/// step's name is always whole, whenever the program or the machine stops.
public struct CheckpointStore: Sendable {
  /// What a file of a checkpoint holds.
  public enum Content: Sendable {
    case tensors([Visitor.Leaf])
    case bytes([UInt8])
  }

  public let url: URL

  public init(_ url: URL) { self.url = url }

  /// The folder of a step, there or not.
  public func folder(_ step: Int) -> URL { url.appendingPathComponent(Self.name(step)) }

  /// A step's name, such as "step-000500".
  public static func name(_ step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// The steps that have a checkpoint, in their order.
  public var steps: [Int] {
    names.filter { $0.hasPrefix("step-") }.compactMap { Int($0.dropFirst(5)) }.sorted()
  }

  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
  }

  /// Makes the folder, and clears away what a killed program left half written.
  public func prepare() throws(CheckpointError) {
    try Self.makeFolder(url)
    for name in names where name.hasPrefix(".") && name.hasSuffix(".part") {
      try? FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
  }

  /// Writes the checkpoint of a step. One that is there is replaced.
  ///
  /// - Parameter files: What to write by file name.
  /// - Throws: `CheckpointError`; what was there before is unharmed, and nothing new has appeared.
  public func write(step: Int, _ files: [String: Content]) throws(CheckpointError) {
    let temporary = hidden(Self.name(step))
    try Self.makeFolder(temporary)
    do {
      for (name, content) in files.sorted(by: { $0.key < $1.key }) {
        let file = temporary.appendingPathComponent(name)
        switch content {
        case .tensors(let leaves): try Safetensors.write(leaves, to: file)
        case .bytes(let bytes): try Self.write(bytes, to: file)
        }
      }
      try rename(temporary, to: folder(step))
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
    synchronizeFolder(url)
  }

  /// Points a link such as "last" to a step, in one go.
  public func link(_ name: String, to step: Int) throws(CheckpointError) {
    let link = url.appendingPathComponent(name)
    let target = Self.name(step)
    if (try? FileManager.default.destinationOfSymbolicLink(atPath: link.path)) == target { return }
    let temporary = hidden(name)
    guard unsafe symlink(target, temporary.path) == 0 else { throw .writing(link.path) }
    guard renamePath(temporary.path, link.path) == 0 else {
      let error = CheckpointError.writing(link.path)
      unsafe unlink(temporary.path)
      throw error
    }
    synchronizeFolder(url)
  }

  /// The step that a link points to, if its checkpoint is there.
  public func target(of name: String) -> Int? {
    let link = url.appendingPathComponent(name).path
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link)
    return steps.first { Self.name($0) == target }
  }

  /// Removes all checkpoints but the newest `count` and those of `steps`.
  public func prune(keepingNewest count: Int, and kept: Set<Int>) throws(CheckpointError) {
    for step in steps.dropLast(max(1, count)) where !kept.contains(step) {
      // First out of the way, so that a half removed one is never taken for a checkpoint.
      let doomed = hidden(Self.name(step))
      try rename(folder(step), to: doomed)
      try? FileManager.default.removeItem(at: doomed)
    }
  }

  /// Writes a file under a temporary name, brings it to the disk and renames it.
  package static func write(_ bytes: [UInt8], to url: URL) throws(CheckpointError) {
    let file = try ReplacementFile(url)
    try unsafe bytes.span.withUnsafeBytes { bytes throws(CheckpointError) in
      try unsafe file.append(bytes)
    }
    try file.finish()
  }

  private func hidden(_ name: String) -> URL {
    url.appendingPathComponent(".\(name).\(UUID().uuidString).part")
  }

  /// Makes a folder and those above it.
  package static func makeFolder(_ url: URL) throws(CheckpointError) {
    if unsafe mkdir(url.path, 0o777) == 0 { return }
    if errno == ENOENT, !url.path.isEmpty {
      try makeFolder(url.deletingLastPathComponent())
      if unsafe mkdir(url.path, 0o777) == 0 { return }
    }
    var isFolder: ObjCBool = false
    let error = CheckpointError.writing(url.path)
    if unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder),
      isFolder.boolValue
    {
      return
    }
    throw error
  }

  private func rename(_ source: URL, to target: URL) throws(CheckpointError) {
    var old: URL?
    if FileManager.default.fileExists(atPath: target.path) {
      // A folder cannot be renamed onto one that holds files.
      let aside = hidden(target.lastPathComponent)
      guard renamePath(target.path, aside.path) == 0 else { throw .writing(target.path) }
      old = aside
    }
    guard renamePath(source.path, target.path) == 0 else {
      let error = CheckpointError.writing(target.path)
      if let old { _ = renamePath(old.path, target.path) }
      throw error
    }
    if let old { try? FileManager.default.removeItem(at: old) }
  }
}

/// The system's `rename`, which the method of that name hides.
private func renamePath(_ source: String, _ target: String) -> Int32 {
  unsafe rename(source, target)
}
