import Checkpoints
import Foundation
import Layers
import Published
import Tensors
import TestSupport
import Testing

/// A folder of published weights, whatever format they have.
@Suite struct ModelFolderTests {
  private static let source = Fixture.root.appendingPathComponent("transformers-gpt2")

  /// A folder with the configuration of a network of its own, gone after the body.
  private func inFolder(_ body: (URL, Checkpoint) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("model folder \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(
      at: Self.source.appendingPathComponent("config.json"),
      to: folder.appendingPathComponent("config.json"))
    try body(folder, Checkpoint(Self.source.appendingPathComponent("model.safetensors")))
  }

  @Test(
    .enabled(if: Fixture.areOwn),
    arguments: ["pytorch_model.bin", "model.npz", "epoch-12.pth", "diffusion_pytorch_model.bin"])
  func `Weights of every format give the same network`(_ name: String) throws {
    try inFolder { folder, weights in
      try weights.write(to: folder.appendingPathComponent(name))
      try expectEqual(ModelFolder(folder))
    }
  }

  @Test(.enabled(if: Fixture.areOwn), arguments: ["model.safetensors", "pytorch_model.bin"])
  func `Weights in shards give the same network`(_ name: String) throws {
    try inFolder { folder, weights in
      let half = weights.entries.count / 2
      let parts = [weights.entries[..<half], weights.entries[half...]]
      var places: [String] = []
      for (i, part) in parts.enumerated() {
        let shard = "part-\(i).\(name.split(separator: ".")[1])"
        let tensors = try part.map { entry in
          NewTensor(
            name: entry.name, type: entry.type, shape: entry.shape,
            bytes: try weights.bytes(of: entry))
        }
        let url = folder.appendingPathComponent(shard)
        if name.hasSuffix(".bin") {
          try PyTorch.write(tensors, to: url)
        } else {
          try Safetensors.write(tensors, to: url)
        }
        places += part.map { #""\#($0.name)": "\#(shard)""# }
      }
      try Data(#"{"weight_map": {\#(places.joined(separator: ", "))}}"#.utf8)
        .write(to: folder.appendingPathComponent("\(name).index.json"))
      try expectEqual(ModelFolder(folder))
    }
  }

  @Test(.enabled(if: Fixture.areOwn))
  func `PyTorch's files must have every tensor, as safetensors must`() throws {
    try inFolder { folder, weights in
      let first = try #require(weights.entries.first)
      let tensors = try weights.entries.dropFirst().map { entry in
        NewTensor(
          name: entry.name, type: entry.type, shape: entry.shape,
          bytes: try weights.bytes(of: entry))
      }
      try PyTorch.write(tensors, to: folder.appendingPathComponent("pytorch_model.bin"))
      let error = #expect(throws: PublishedError.self) { try ModelFolder(folder).model() }
      let message = try #require(error).description
      #expect(message.contains("\(first.name) \(first.shape) is missing in the file"), "\(message)")
    }
  }

  @Test(.enabled(if: Fixture.areOwn))
  func `Safetensors come before other files, and two unknown ones are no choice`() throws {
    try inFolder { folder, weights in
      try Data("none".utf8).write(to: folder.appendingPathComponent("pytorch_model.bin"))
      try weights.write(to: folder.appendingPathComponent("model.safetensors"))
      try expectEqual(ModelFolder(folder))
    }
    try inFolder { folder, weights in
      for name in ["a.pth", "b.npz"] { try weights.write(to: folder.appendingPathComponent(name)) }
      let error = #expect(throws: PublishedError.self) { try ModelFolder(folder).model() }
      #expect(try #require(error).description.contains("put the weights beside config.json"))
    }
  }

  /// Expects the network of a folder to have the weights of the source.
  private func expectEqual(_ folder: ModelFolder) throws {
    let (found, wanted) = (try folder.model(), try ModelFolder(Self.source).model())
    #expect(found.leaves.map(\.name) == wanted.leaves.map(\.name))
    for (a, b) in zip(found.leaves, wanted.leaves) {
      #expect(a.tensor.doubles() == b.tensor.doubles(), "\(a.name)")
    }
  }
}
