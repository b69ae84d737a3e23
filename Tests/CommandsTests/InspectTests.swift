import Documents
import Foundation
import Testing

@Suite("apus inspect", .enabled(if: Binary.isBuilt, "apus is not built"))
struct InspectTests {
  /// A safetensors file of this header, followed by `bytes` zeros.
  private func file(_ header: String, bytes: Int) -> [UInt8] {
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    return length + Array(header.utf8) + [UInt8](repeating: 0, count: bytes)
  }

  private let header = """
    {"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
    "a":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}
    """

  @Test("lists the tensors of a safetensors file by the promised keys")
  func safetensors() throws {
    let scratch = Scratch()
    let path = try scratch.write(file(header, bytes: 26), to: "model.safetensors")
    let outcome = try Binary.run("inspect", path, "--json")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let listing = try outcome.json()
    #expect(listing["format"]?.string == "safetensors")
    #expect(listing["parameters"]?.integer == 7)
    #expect(listing["bytes"]?.integer == 26)
    #expect(listing["metadata"]?["format"]?.string == "pt")
    let tensors = try #require(listing["tensors"]?.elements)
    #expect(
      tensors.map(\.names) == Array(repeating: ["name", "shape", "dtype", "bytes"], count: 2))
    #expect(tensors[0]["name"]?.string == "b")
    #expect(tensors[0]["shape"]?.elements?.compactMap(\.integer) == [2, 3])
    #expect(tensors[1]["dtype"]?.string == "BF16")
    let text = try Binary.run("inspect", path)
    #expect(text.output.contains("2 × 3"))
    #expect(text.output.contains("7 parameters"))
  }

  @Test("takes milliseconds for a file of 64 GB")
  func large() throws {
    let scratch = Scratch()
    let size = 64_000_000_000
    let header = #"{"a":{"dtype":"U8","shape":[\#(size)],"data_offsets":[0,\#(size)]}}"#
    let bytes = file(header, bytes: 0)
    let path = try scratch.write(bytes, to: "large.safetensors")
    let handle = try #require(FileHandle(forWritingAtPath: path))
    do {
      try handle.truncate(atOffset: UInt64(bytes.count + size))
    } catch {
      return  // A file system without holes or with smaller files.
    }
    let clock = ContinuousClock()
    let start = clock.now
    let outcome = try Binary.run("inspect", path, "--json")
    #expect(clock.now - start < .seconds(1))
    #expect(try outcome.json()["bytes"]?.integer == size)
  }

  @Test("puts the shards of an index together, by the index or by its folder")
  func shards() throws {
    let scratch = Scratch()
    let one = #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    let two = #"{"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    _ = try scratch.write(file(one, bytes: 4), to: "model-1.safetensors")
    _ = try scratch.write(file(two, bytes: 8), to: "model-2.safetensors")
    let index = """
      {"metadata":{"total_size":12},"weight_map":{"x":"model-1.safetensors","y":"model-2.safetensors"}}
      """
    let path = try scratch.write(Array(index.utf8), to: "model.safetensors.index.json")
    for argument in [path, scratch.folder.path] {
      let listing = try Binary.run("inspect", argument, "--json").json()
      #expect(listing["parameters"]?.integer == 3)
      #expect(listing["tensors"]?.elements?.compactMap { $0["name"]?.string } == ["x", "y"])
    }
    let lie = #"{"weight_map":{"z":"model-1.safetensors"}}"#
    let wrong = try scratch.write(Array(lie.utf8), to: "wrong.index.json")
    let outcome = try Binary.run("inspect", wrong, "--json")
    #expect(outcome.status == 2)
    #expect(outcome.errorKind == "invalid")
    let outside = #"{"weight_map":{"z":"../model-1.safetensors"}}"#
    let leaving = try scratch.write(Array(outside.utf8), to: "leaving.index.json")
    #expect(try Binary.run("inspect", leaving).status == 2)
  }

  @Test("names a format that it does not read")
  func otherFormats() throws {
    let scratch = Scratch()
    let file = try scratch.write(Array("GGUF".utf8) + [3, 0, 0, 1, 0], to: "model.gguf")
    let outcome = try Binary.run("inspect", file)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("a GGUF file, which is not read"))
    #expect(outcome.errors.contains("safetensors"))
  }

  @Test("tells a missing file from a damaged one")
  func damaged() throws {
    let scratch = Scratch()
    let missing = try Binary.run("inspect", scratch.path("nothing"), "--json")
    #expect(missing.status == 3)
    #expect(missing.errorKind == "missing")
    let short = try scratch.write(file(header, bytes: 3), to: "short.safetensors")
    let damaged = try Binary.run("inspect", short, "--json")
    #expect(damaged.status == 2)
    #expect(damaged.errorKind == "invalid")
    #expect(try damaged.json()["error"]?["hint"]?.string?.contains("again") == true)
    let folder = try Binary.run("inspect", scratch.folder.path + "/..", "--json")
    #expect([2, 3].contains(folder.status))
  }

  @Test("shows no control characters of somebody else's file")
  func controlCharacters() throws {
    let scratch = Scratch()
    let header = #"{"a\u001b[31m":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let path = try scratch.write(file(header, bytes: 1), to: "colour.safetensors")
    let outcome = try Binary.run("inspect", path)
    #expect(outcome.status == 0)
    #expect(!outcome.output.contains("\u{1B}"))
  }
}
