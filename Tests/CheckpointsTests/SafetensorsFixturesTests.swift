import Checkpoints
import Documents
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsFixturesTests {
  @Test(
    "There are fixtures of every kind", .enabled(if: Fixture.areOwn),
    arguments: ["good", "hostile", "mutated"])
  func present(kind: String) {
    #expect(FormatFixtures.files(kind, ".safetensors").count > 0)
  }

  @Test(
    "A good file gives every tensor's type, shape and bytes",
    arguments: FormatFixtures.files("good", ".safetensors"))
  func good(_ fixture: FormatFixtures.File) throws {
    let file = try SafetensorsFile(fixture.url)
    let tensors = try #require(fixture.expected["tensors"]?.members)
    #expect(file.entries.count == tensors.count)
    for tensor in tensors {
      let entry = try #require(file[tensor.name], "\(tensor.name)")
      #expect(entry.type.rawValue == tensor.value["dtype"]?.string)
      #expect(entry.shape == tensor.value["shape"]?.elements?.compactMap(\.integer))
      let hex = file.bytes(of: entry).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
      #expect(hex.joined() == tensor.value["hex"]?.string, "\(tensor.name)")
    }
    for text in fixture.expected["metadata"]?.members ?? [] {
      #expect(file.metadata[text.name] == text.value.string)
    }
  }

  @Test(
    "A hostile file is refused with the kind of its fault and its name",
    arguments: FormatFixtures.files("hostile", ".safetensors"))
  func hostile(_ fixture: FormatFixtures.File) throws {
    let kind = try #require(fixture.expected["refuse"]?.string)
    let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(fixture.url) }
    let found = try #require(error?.refusal?.rawValue)
    // Neighbours: an end that is missing is also a header or a range that leaves the file.
    let neighbours = ["header": ["truncated"], "bounds": ["truncated"], "truncated": ["bounds"]]
    #expect(found == kind || neighbours[kind]?.contains(found) == true, "\(found), not \(kind)")
    #expect(error?.description.contains(fixture.url.lastPathComponent) == true)
  }

  @Test(
    "A damaged file is refused, or its tensors fit their shapes",
    arguments: FormatFixtures.files("mutated", ".safetensors"))
  func mutated(_ fixture: FormatFixtures.File) throws {
    do {
      let file = try SafetensorsFile(fixture.url)
      for entry in file.entries {
        #expect(file.bytes(of: entry).count == entry.type.byteCount(entry.shape))
      }
    } catch {
      #expect(error.refusal != nil)
      // The reference refuses them all; so do we, which makes this test able to fail.
    }
    #expect(throws: CheckpointError.self) { try SafetensorsFile(fixture.url) }
  }
}
