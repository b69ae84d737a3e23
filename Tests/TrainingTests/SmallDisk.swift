import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file system of a few kilobytes in memory; only root can have one, and only on Linux.
final class SmallDisk {
  static let isAvailable: Bool = {
    guard geteuid() == 0, let disk = SmallDisk(kilobytes: 64) else { return false }
    return FileManager.default.isWritableFile(atPath: disk.url.path)
  }()

  let url: URL

  init?(kilobytes: Int) {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("disk-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    guard Self.mount(["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", url.path]) else {
      try? FileManager.default.removeItem(at: url)
      return nil
    }
  }

  deinit {
    _ = Self.run("umount", [url.path])
    try? FileManager.default.removeItem(at: url)
  }

  func resize(kilobytes: Int) { _ = Self.mount(["-o", "remount,size=\(kilobytes)k", url.path]) }

  func makeReadOnly() { _ = Self.mount(["-o", "remount,ro", url.path]) }

  private static func mount(_ arguments: [String]) -> Bool { run("mount", arguments) }

  private static func run(_ tool: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
