import Checkpoints
import Documents
import Foundation
import TestSupport
import Testing

@Suite struct FormatFixturesTests {
  @Test(
    "There are fixtures of every kind", .enabled(if: Fixture.areOwn),
    arguments: ["good", "hostile", "mutated"])
  func present(kind: String) {
    #expect(FormatFixtures.files(kind).count > 0)
  }

  @Test(
    "A good file gives every tensor's type, shape and bytes, and its plain values",
    arguments: FormatFixtures.files("good"))
  func good(_ fixture: FormatFixtures.File) throws {
    let file = try Checkpoint(fixture.url)
    let tensors = try #require(fixture.expected["tensors"]?.members)
    #expect(file.entries.count == tensors.count)
    for tensor in tensors {
      let entry = try #require(file[tensor.name], "\(tensor.name)")
      #expect(entry.type.rawValue == tensor.value["dtype"]?.string)
      #expect(entry.shape == tensor.value["shape"]?.elements?.compactMap(\.integer))
      let bytes = try file.bytes(of: entry)
      #expect(
        FormatFixtures.hexadecimal(bytes) == tensor.value["hex"]?.string, "\(tensor.name)")
    }
    for tensor in fixture.expected["as_float32"]?.members ?? [] {
      let entry = try #require(file[tensor.name], "\(tensor.name)")
      let bytes = try file.bytes(of: entry, as: .f32)
      #expect(
        FormatFixtures.hexadecimal(bytes) == tensor.value["hex"]?.string, "\(tensor.name)")
    }
    for text in fixture.expected["metadata"]?.members ?? [] {
      #expect(file.metadata[text.name] == text.value.string)
    }
    for value in fixture.expected["values"]?.members ?? [] {
      let found = file.values.first { $0.name.isExactly(value.name) }
      #expect(found?.value.encoded() == value.value.encoded(), "\(value.name)")
    }
  }

  @Test(
    "A hostile file is refused with the kind of its fault and its name",
    arguments: FormatFixtures.files("hostile"))
  func hostile(_ fixture: FormatFixtures.File) throws {
    let kind = try #require(fixture.expected["refuse"]?.string)
    do {
      try Checkpoint(fixture.url).verify()
      #expect(fixture.expected["or"] != nil, "it is read, not refused as \(kind)")
    } catch {
      let found = try #require(error.refusal?.rawValue)
      #expect(error.description.contains(fixture.url.lastPathComponent))
      if fixture.expected["or"] != nil { return }
      // Neighbours: an end that is missing is also a header or a range that leaves the file.
      let neighbours = [
        "header": ["truncated", "corrupt"], "bounds": ["truncated"], "corrupt": ["header"],
        "truncated": ["bounds"],
      ]
      #expect(
        found == kind || neighbours[kind]?.contains(found) == true, "\(error), not \(kind)")
    }
  }

  @Test(
    "A damaged file is refused, or its tensors fit their shapes",
    arguments: FormatFixtures.files("mutated"))
  func mutated(_ fixture: FormatFixtures.File) throws {
    do {
      let file = try Checkpoint(fixture.url)
      for entry in file.entries {
        let bytes = try file.bytes(of: entry)
        #expect(bytes.count == entry.type.byteCount(entry.shape))
      }
      // No checksum guards a legacy pickle; everything else has one, or says too much of itself.
      let mayBeRead = fixture.expected["reference"]?.string?.hasPrefix("reads") == true
      #expect(mayBeRead || !fixture.name.hasSuffix(".safetensors"))
    } catch {
      #expect(error.refusal != nil)
      #expect(error.description.contains(fixture.url.lastPathComponent))
    }
  }
}
