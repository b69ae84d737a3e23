import Checkpoints
import Foundation
import Layers
import Tensors
import Testing

@Suite struct ModuleFilesTests {
  private struct Mixed: Module {
    var tensors: [String: Tensor]
    mutating func visit(_ visitor: inout Visitor) { visitor("part", &tensors) }
  }

  private func withFile<R>(_ body: (URL) throws -> R) rethrows -> R {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("module-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
  }

  private func ramp(_ type: DataType, _ shape: [Int], from start: Double) -> Tensor {
    let values = (0..<shape.reduce(1, *)).map { start + Double($0) }
    return Tensor(values, shape: shape).cast(to: type)
  }

  @Test func everyTypeComesBackBitForBit() throws {
    let types = DataType.allCases
    let saved = Mixed(
      tensors: Dictionary(
        uniqueKeysWithValues: types.map { ("\($0)", ramp($0, [2, 3], from: 0)) }
      ).merging(["empty": .zeros([0, 4]), "scalar": Tensor(2.5)]) { a, _ in a })
    try withFile { url in
      try saved.save(to: url, metadata: ["step": "7"])
      var loaded = Mixed(tensors: saved.tensors.mapValues { $0.zerosLike() })
      try loaded.load(from: url)
      for (name, tensor) in saved.tensors {
        #expect(loaded.tensors[name]?.bytes() == tensor.bytes(), "\(name)")
        #expect(loaded.tensors[name]?.type == tensor.type)
      }
      let file = try SafetensorsFile(url)
      #expect(file.metadata == ["format": "pt", "step": "7"])
      #expect(file["part.float32"]?.type == .f32)
    }
  }

  @Test func floatingTypesAreConverted() throws {
    try withFile { url in
      try Mixed(tensors: ["a": ramp(.bfloat16, [3], from: 1)]).save(to: url)
      var model = Mixed(tensors: ["a": .zeros([3])])
      try model.load(from: url)
      #expect(model.tensors["a"]?.dataType == .float32)
      #expect(model.tensors["a"]?.floats() == [1, 2, 3])
    }
  }

  @Test func allDifferencesAreNamedAtOnceAndNothingIsChanged() throws {
    try withFile { url in
      try Mixed(
        tensors: [
          "b": .ones([2, 3]), "c": .ones([4]), "extra": .ones([1]), "n": .ones([2], .int32),
        ]
      ).save(to: url)
      var model = Mixed(
        tensors: [
          "a": .zeros([5]), "b": .zeros([3, 2]), "c": .zeros([4]), "n": .zeros([2], .int64),
        ])
      let expected = CheckpointError.mismatched(
        file: url.path,
        [
          .shape(name: "part.b", file: [2, 3], module: [3, 2]),
          .surplus(name: "part.extra", shape: [1]),
          .type(name: "part.n", file: "I32", module: "I64"),
          .missing(name: "part.a", shape: [5]),
        ])
      #expect(throws: expected) { try model.load(from: url) }
      #expect(model.tensors["c"]?.floats() == [0, 0, 0, 0])
      let text = "\(expected)"
      #expect(text.contains("part.b is [2, 3] in the file, [3, 2] in the model"))
      #expect(text.contains("config.json"))
    }
  }

  @Test func withoutStrictnessWhatFitsIsLoaded() throws {
    try withFile { url in
      try Mixed(tensors: ["b": .ones([2]), "extra": .ones([1])]).save(to: url)
      var model = Mixed(tensors: ["a": .zeros([1]), "b": .zeros([2])])
      try model.load(from: url, strict: false)
      #expect(model.tensors["b"]?.floats() == [1, 1])
      #expect(model.tensors["a"]?.floats() == [0])
      var other = Mixed(tensors: ["b": .zeros([3])])
      #expect(throws: CheckpointError.self) { try other.load(from: url, strict: false) }
    }
  }

  @Test func aTornCheckpointIsNoneAndIsClearedAway() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    let store = CheckpointStore(url)
    try store.prepare()
    try store.write(step: 5, ["a.txt": .bytes([1])])
    let torn = url.appendingPathComponent(".step-000007.0.part")
    try FileManager.default.createDirectory(at: torn, withIntermediateDirectories: true)
    #expect(store.steps == [5])
    try store.prepare()
    #expect(!FileManager.default.fileExists(atPath: torn.path))
    try store.write(step: 5, ["a.txt": .bytes([2])])
    let file = store.folder(5).appendingPathComponent("a.txt")
    #expect(FileManager.default.contents(atPath: file.path) == Data([2]))
  }
}
