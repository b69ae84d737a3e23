import Checkpoints
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct AdapterTests {
  /// The network of Reference/adapters.py.
  private struct Network: Module {
    var conv: Convolution
    var point: Convolution
    var hidden: Linear
    var out: Linear

    init(key: RandomKey = RandomKey(seed: 1)) {
      conv = Convolution(
        inputs: 2, outputs: 3, kernel: [3, 3], padding: .same, key: key.fork(0))
      point = Convolution(inputs: 3, outputs: 4, kernel: [1, 1], key: key.fork(1))
      hidden = Linear(inputs: 4, outputs: 6, key: key.fork(2))
      out = Linear(inputs: 6, outputs: 5, key: key.fork(3))
    }

    /// - Parameter x: [batch, height, width, channels].
    func callAsFunction(_ x: Tensor) -> Tensor {
      out(hidden(point(conv(x).tanh()).mean([1, 2])).tanh())
    }

    mutating func visit(_ visitor: inout Visitor) {
      visitor("conv", &conv)
      visitor("point", &point)
      visitor("hidden", &hidden)
      visitor("out", &out)
    }
  }

  /// Folders with an adapter, and what it makes of this network.
  private static let folders = Fixture.places.filter { folder in
    ["adapter/adapter_config.json", "reference.safetensors"].allSatisfy {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
    }
  }

  private func expectNear(_ a: Tensor, _ b: Tensor, _ name: String) {
    #expect(a.shape == b.shape, "\(name)")
    let distance = zip(a.floats(), b.floats()).map { abs($0 - $1) }.max() ?? 0
    let largest = b.floats().map { abs($0) }.max() ?? 0
    #expect(distance < 2e-6 * (1 + largest), "\(name) differs by \(distance)")
  }

  @Test("PEFT's adapters give its outputs, gradients and merged weights", arguments: folders)
  func golden(folder: URL) throws {
    let reference = try SafetensorsFile(folder.appendingPathComponent("reference.safetensors"))
    func tensor(_ name: String) throws -> Tensor {
      let entry = try #require(reference[name], "\(name)")
      return Tensor(bytes: reference.bytes(of: entry), TensorType(entry.shape, .float32))
    }
    var model = Network()
    model.replaceTensors(try model.leaves.map { try tensor("base." + $0.name) })
    let adapters = try LowRankAdapters(from: folder.appendingPathComponent("adapter"))
    #expect(adapters.pairs.count == 4)
    try adapters.check(model)
    let x = try tensor("x").transposed([0, 2, 3, 1])
    expectNear(adapters.applied(to: model)(x), try tensor("y"), "y")

    let probe = try tensor("probe")
    let (_, gradient) = valueAndGradient(at: adapters) {
      ($0.applied(to: model)(x) * probe).sum()
    }
    for leaf in gradient.leaves {
      expectNear(leaf.tensor, try tensor("grad.base_model.model." + leaf.name), leaf.name)
    }
    let merged = adapters.merged(into: model)
    for leaf in merged.leaves {
      expectNear(leaf.tensor, try tensor("merged." + leaf.name), leaf.name)
    }
    for (a, b) in zip(adapters.unmerged(from: merged).leaves, model.leaves) {
      expectNear(a.tensor, b.tensor, a.name)
    }
  }

  @Test("A folder that is written is read again, bit for bit")
  func roundTrip() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let settings = LowRankAdapters.Settings(
      rank: 2, alpha: 6, dropout: 0.25, targets: ["conv", "out"], isRankStabilized: true,
      ranks: ["conv": 3], alphas: ["out": 2.5])
    var adapters = try LowRankAdapters(for: Network(), settings, key: RandomKey(seed: 3))
    adapters = adapters.mapTensors { $0 + 0.125 }
    try adapters.save(to: folder, base: "some/model")
    let back = try LowRankAdapters(from: folder)
    #expect(back.settings == settings)
    #expect(back.leaves.map { $0.name } == adapters.leaves.map { $0.name })
    #expect(back.pairs["conv"]?.scale == 6 / 3.0.squareRoot())
    #expect(back.pairs["out"]?.scale == 2.5 / 2.0.squareRoot())
    for (a, b) in zip(back.tensors, adapters.tensors) { #expect(a.bytes() == b.bytes()) }
    let names = try Checkpoint(folder.appendingPathComponent("adapter_model.safetensors")).entries
    #expect(names.contains { $0.name == "base_model.model.conv.lora_A.weight" })
    try Data(#"{"peft_type":"LORA","r":2,"lora_alpha":2,"use_dora":true}"#.utf8)
      .write(to: folder.appendingPathComponent("adapter_config.json"))
    let error = #expect(throws: CheckpointError.self) { try LowRankAdapters(from: folder) }
    #expect(error?.refusal == .unsupported)
  }

  @Test("New adapters change nothing, and merging numbers that have room is undone exactly")
  func merging() throws {
    let model = Network().mapTensors { ($0 * 16).floor() * 0.0625 }
    let settings = LowRankAdapters.Settings(rank: 2, alpha: 4, targets: ["hidden", "conv"])
    var adapters = try LowRankAdapters(for: model, settings, key: RandomKey(seed: 5))
    for (a, b) in zip(adapters.merged(into: model).tensors, model.tensors) {
      #expect(a.bytes() == b.bytes())
    }
    adapters = adapters.mapTensors { (($0 + 0.3) * 16).floor() * 0.0625 }
    let merged = adapters.merged(into: model)
    #expect(merged.hidden.weight.bytes() != model.hidden.weight.bytes())
    #expect(merged.out.weight.bytes() == model.out.weight.bytes())
    for (a, b) in zip(adapters.unmerged(from: merged).tensors, model.tensors) {
      #expect(a.bytes() == b.bytes())
    }
    let x = RandomKey(seed: 2).normal([2, 4, 4, 2])
    #expect(merged(x).bytes() == adapters.applied(to: model)(x).bytes())
  }

  @Test("Weights that are [inputs, outputs] are changed by the transposed product")
  func inputFirst() throws {
    let model = Linear(weight: .zeros([2, 3]))
    let settings = LowRankAdapters.Settings(
      rank: 1, alpha: 2, targets: ["0"], isInputFirst: true)
    let down = Tensor([1.0, 2], shape: [1, 2])
    let up = Tensor([1.0, 10, 100], shape: [3, 1])
    let adapters = LowRankAdapters(
      pairs: ["0": .init(down: down, up: up, scale: 2)], settings: settings)
    #expect(
      adapters.merged(into: [model])[0].weight.floats() == [2, 20, 200, 4, 40, 400])
    let made = try LowRankAdapters(for: [model], settings, key: RandomKey(seed: 0))
    #expect(made.pairs["0"]?.down.shape == [1, 2])
    #expect(made.pairs["0"]?.up.shape == [3, 1])
  }

  @Test("Dropout leaves out inputs in training alone, and its mean is the whole")
  func dropout() throws {
    let model = [Linear(weight: .zeros([1, 4000]))]
    let settings = LowRankAdapters.Settings(rank: 1, alpha: 1, dropout: 0.25, targets: ["0"])
    let adapters = LowRankAdapters(
      pairs: ["0": .init(down: .ones([1, 4000]), up: .ones([1, 1]), scale: 1)], settings: settings)
    #expect(adapters.merged(into: model)[0].weight.floats().allSatisfy { $0 == 1 })
    let weight = adapters.applied(to: model, .training(RandomKey(seed: 7)))[0].weight.floats()
    #expect(Set(weight) == Set<Float>([0, 1 / 0.75]))
    let mean: Float = weight.reduce(0, +) / 4000
    #expect(abs(mean - 1) < 0.05)
  }

  @Test("Targets and shapes that do not fit are errors with what there is")
  func refusals() throws {
    let none = LowRankAdapters.Settings(targets: ["query"])
    let error = #expect(throws: LowRankError.self) {
      try LowRankAdapters(for: Network(), none, key: RandomKey(seed: 0))
    }
    #expect(error?.description.contains("hidden, out") == true)
    let adapters = LowRankAdapters(
      pairs: ["out": .init(down: .zeros([1, 3]), up: .zeros([5, 1]), scale: 1)], settings: none)
    #expect(throws: LowRankError.shape(module: "out", weight: [5, 6], adapter: [5, 3])) {
      try adapters.check(Network())
    }
  }
}
