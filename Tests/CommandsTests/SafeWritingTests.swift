import Foundation
import Testing

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

@Suite("Whatever stops apus convert", .enabled(if: Binary.isBuilt, "apus is not built"))
struct SafeWritingTests {
  /// A file of 8 MB and what stands where it shall be written.
  private struct Files {
    let scratch = Scratch()
    let source: String
    let old = Data("the old file".utf8)
    var target: String { scratch.path("out.safetensors") }

    init() throws {
      let size = 8 << 20
      let header = #"{"a":{"dtype":"F32","shape":[\#(size / 4)],"data_offsets":[0,\#(size)]}}"#
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
      source = try scratch.write(
        length + Array(header.utf8) + [UInt8](repeating: 1, count: size), to: "in.safetensors")
      try old.write(to: URL(fileURLWithPath: target))
    }

    func found() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: target)) }
  }

  @Test("with kill -9, the old file is whole or the new one is")
  func killed() throws {
    let files = try Files()
    var (old, new) = (0, 0)
    for round in 0..<24 {
      try files.old.write(to: URL(fileURLWithPath: files.target))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(Binary.path))
      process.arguments = ["convert", files.source, files.target, "--dtype", "float16"]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(UInt32(round) * 4000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if try files.found() == files.old {
        old += 1
      } else {
        #expect(try Binary.run("inspect", files.target, "--check").status == 0)
        new += 1
      }
    }
    #expect(old + new == 24 && old > 0)
  }

  @Test("with a full disk, the old file stays and nothing half is left")
  func full() throws {
    let files = try Files()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // A file that may not grow further is refused as by a full disk.
    process.arguments = [
      "-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\"", try #require(Binary.path),
      "convert", files.source, files.target, "--dtype", "float16",
    ]
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 1)
    #expect(String(decoding: text, as: UTF8.self).contains("out.safetensors"))
    #expect(try files.found() == files.old)
    let left = try FileManager.default.contentsOfDirectory(atPath: files.scratch.folder.path)
    #expect(left.allSatisfy { !$0.hasSuffix(".part") }, "\(left)")
  }
}
