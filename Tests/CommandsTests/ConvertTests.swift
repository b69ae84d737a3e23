import Documents
import Foundation
import Testing

@Suite("apus convert", .enabled(if: Binary.isBuilt, "apus is not built"))
struct ConvertTests {
  private func weights(_ scratch: Scratch) throws -> String {
    let header = """
      {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
      "n":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}
      """
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    let bytes = length + Array(header.utf8) + (0..<32).map { UInt8($0 % 7) * 8 }
    return try scratch.write(bytes, to: "in.safetensors")
  }

  @Test("writes the format that the ending names, and inspect finds no difference")
  func formats() throws {
    let scratch = Scratch()
    let source = try weights(scratch)
    for (ending, format) in [("pth", "pytorch"), ("npz", "npz"), ("safetensors", "safetensors")] {
      let target = scratch.path("out.\(ending)")
      let outcome = try Binary.run("convert", source, target, "--json")
      #expect(outcome.status == 0)
      #expect(try outcome.json()["format"]?.string == format)
      let same = try Binary.run("inspect", source, "--diff", target, "--json")
      #expect(same.status == 0)
      #expect(try same.json()["equal"]?.bool == true)
    }
    let half = scratch.path("half.safetensors")
    #expect(try Binary.run("convert", source, half, "--dtype", "float8_e5m2").status == 0)
    let other = try Binary.run("inspect", source, "--diff", half, "--json")
    #expect(other.status == 1)
    let differences = try #require(try other.json()["differences"]?.elements)
    #expect(differences.compactMap { $0["name"]?.string } == ["a"])
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)
    #expect(left.allSatisfy { !$0.hasSuffix(".part") })
  }

  @Test("says what cannot be written, and leaves what is there")
  func failures() throws {
    let scratch = Scratch()
    let source = try weights(scratch)
    let before = try Data(contentsOf: URL(fileURLWithPath: source))
    #expect(try Binary.run("convert", source, scratch.path("x.gguf"), "--json").status == 1)
    let type = try Binary.run("convert", source, source, "--dtype", "float23", "--json")
    #expect(type.status == 64)
    let size = try Binary.run("convert", source, source, "--shard-size", "many", "--json")
    #expect(size.status == 64)
    let folder = try Binary.run("convert", source, scratch.path("none/x.pth"), "--json")
    #expect(folder.status == 1)
    let array = scratch.path("x.npy")
    let several = try Binary.run("convert", source, array)
    #expect(several.status == 1)
    #expect(several.errors.contains("npz"))
    #expect(!FileManager.default.fileExists(atPath: array))
    #expect(try Data(contentsOf: URL(fileURLWithPath: source)) == before)
  }
}
