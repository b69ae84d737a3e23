import Checkpoints
import Documents
import Foundation
import Images
import Layers
import Published
import Recipes
import Reports
import Tensors
import Testing
import Training

@Suite struct FinetuneTests {
  @Test(
    arguments: ["timm-vit", "torchvision-resnet-basic", "transformers-vit"], ["", "lora_rank=2"])
  func `ten steps on pictures run, and go on where they stopped`(folder: String, kind: String)
    throws
  {
    let scratch = try TuningScratch()
    let data = try scratch.pictures()
    try scratch.checkResume(
      ["model=\(golden(folder))", "data=\(data)", "size=\(folder.contains("vit") ? 24 : 32)"]
        + (kind.isEmpty ? [] : [kind]))
  }

  @Test(arguments: ["", "lora_rank=2", "freeze=true"])
  func `ten steps on labelled texts run, and go on where they stopped`(kind: String) throws {
    let scratch = try TuningScratch()
    let model = try scratch.model("transformers-bert-classifier", words: 60)
    let table = try scratch.table()
    try scratch.checkResume(
      ["model=\(model)", "data=\(table)"] + (kind.isEmpty ? [] : [kind]))
  }

  @Test(arguments: ["", "lora_rank=2"])
  func `ten steps on a text run, and go on where they stopped`(kind: String) throws {
    let scratch = try TuningScratch()
    let model = try scratch.model("transformers-gpt2", words: 60)
    let text = try scratch.text()
    try scratch.checkResume(
      ["model=\(model)", "data=\(text)", "length=16"] + (kind.isEmpty ? [] : [kind]))
    let metrics = try scratch.metrics
    #expect(metrics.map(\.name) == ["bits per byte", "perplexity"])
  }

  @Test func `a checkpoint of a tuned network is a folder that its library reads`() throws {
    let scratch = try TuningScratch()
    let data = try scratch.pictures()
    let run = try scratch.train(
      ["model=\(golden("transformers-vit"))", "data=\(data)", "size=24"], steps: 2)
    let folder = try ModelFolder(run.last)
    #expect(folder.configuration.classNames == ["black", "white"])
    let model = try folder.model()
    #expect(model.leaves.first { $0.name == "head.weight" }?.tensor.shape == [2, 32])
    let names = try Checkpoint(run.last.appending(path: "model.safetensors")).entries.map(\.name)
    #expect(names.contains("vit.encoder.layer.0.attention.attention.query.weight"))
  }

  @Test func `merged weights are those that the adapters make`() throws {
    let scratch = try TuningScratch()
    let data = try scratch.pictures()
    let golden = golden("timm-vit")
    let run = try scratch.train(
      ["model=\(golden)", "data=\(data)", "size=24", "lora_rank=3", "merge=true"], steps: 4)
    let adapters = try JSONValue(
      parsing: [UInt8](Data(contentsOf: run.last.appending(path: "adapter_config.json"))))
    #expect(adapters["modules_to_save"]?.elements?.compactMap(\.string) == ["head"])
    #expect(adapters["r"]?.integer == 3)

    // By hand: W + alpha / rank · B A.
    let merged = try tensors(run.last.appending(path: "model.safetensors"))
    let base = try tensors(URL(fileURLWithPath: golden + "/model.safetensors"))
    let pairs = try tensors(run.last.appending(path: "adapter_model.safetensors"))
    let module = "blocks.1.attn.proj"
    let down = try #require(pairs["base_model.model.\(module).lora_A.weight"])
    let up = try #require(pairs["base_model.model.\(module).lora_B.weight"])
    let change = matrixProduct(up, down) * (16.0 / 3)
    #expect(up.abs().sum().scalar > 0)
    let expected = try #require(base["\(module).weight"]) + change
    let difference = try #require(merged["\(module).weight"]) - expected
    #expect(difference.abs().doubles().max()! < 1e-6)
    #expect(
      merged["blocks.1.mlp.fc1.weight"]!.doubles() == base["blocks.1.mlp.fc1.weight"]!.doubles())
    #expect(
      merged["head.weight"]!.doubles() == pairs["base_model.model.head.weight"]!.doubles())

    // The merged folder answers as the run does.
    let whole = try Finetune.evaluate(TrainedModel(folder: run.last))
    let again = try scratch.train(
      ["model=\(run.last.path)", "data=\(data)", "size=24"], steps: 0, name: "again")
    let other = try Finetune.evaluate(TrainedModel(folder: again.last))
    #expect(abs(whole.last!.value - other.last!.value) < 1e-5)
  }

  @Test(arguments: [["lora_rank=4", "learning_rate=1e-2"], ["learning_rate=1e-3"]])
  func `accuracy rises where classes are easily told apart`(settings: [String]) throws {
    let scratch = try TuningScratch()
    let data = try scratch.pictures()
    let run = try scratch.train(
      ["model=\(golden("timm-vit"))", "data=\(data)", "size=24"] + settings, steps: 30)
    let accuracy = try #require(try Finetune.evaluate(TrainedModel(folder: run.last)).first)
    #expect(accuracy.name == "accuracy" && accuracy.value == 100, "\(accuracy)")
  }

  @Test func `what cannot be fine-tuned is told in a sentence`() throws {
    let scratch = try TuningScratch()
    let data = try scratch.pictures()
    for (settings, words) in [
      ([], "model takes a folder"), (["model=/nowhere", "data=emoji"], "/nowhere/config.json"),
      (["model=\(golden("timm-vit"))", "data=\(data)", "size=25"], "24 x 24 pixels"),
      (
        ["model=\(golden("timm-vit"))", "data=\(data)", "lora_rank=2", "lora_targets=[nothing]"],
        "no module \"nothing\""
      ),
      (["model=\(golden("timm-vit"))", "data=\(data)/none"], "none"),
    ] as [([String], String)] {
      do {
        _ = try scratch.train(settings, steps: 1, name: "refused")
        Issue.record("\(settings) was taken")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
    }
  }

  private func golden(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/\(name)").path
  }

  private func tensors(_ file: URL) throws -> [String: Tensor] {
    var tensors = Dictionary(
      uniqueKeysWithValues: try Checkpoint(file).entries.map { ($0.name, Tensor.zeros($0.shape)) })
    try tensors.load(from: file)
    return tensors
  }
}

/// A folder with small data and runs, removed with its owner.
private final class TuningScratch {
  let url = FileManager.default.temporaryDirectory.appending(path: "apus-tune-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: url) }

  struct Trained {
    let folder: URL
    var last: URL { folder.appending(path: "checkpoints/last").resolvingSymlinksInPath() }
  }

  private static let loop = ["batch_size=4", "evaluate_every=10", "checkpoint_every=5"]

  func train(
    _ settings: [String], steps: Int, name: String = "run", stop: StopRequest = StopRequest(),
    stopping step: Int? = nil
  ) throws -> Trained {
    let folder = url.appending(path: name)
    let request = TrainingRequest(
      folder: folder, assignments: settings + Self.loop, seed: 3, steps: steps)
    _ = try Finetune.train(request, stop: stop) { event in
      if case .step(let made) = event, made.step == step { stop.request() }
    }
    return Trained(folder: folder)
  }

  /// Ten steps end with the same bits whether or not they are interrupted.
  func checkResume(_ settings: [String]) throws {
    let straight = try train(settings, steps: 10)
    let stopped = try train(settings, steps: 10, name: "stopped", stopping: 5)
    _ = try Finetune.resume(stopped.folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: straight.last.path).filter {
      $0.hasSuffix(".safetensors")
    }
    #expect(names.count >= 2)
    for name in names {
      let (a, b) = (straight.last.appending(path: name), stopped.last.appending(path: name))
      #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(name)")
    }
    for metric in try Run(straight.folder).metrics { #expect(metric.value.isFinite, "\(metric)") }
  }

  /// Those of the first run.
  var metrics: [Metric] { get throws { try Run(url.appending(path: "run")).metrics } }

  /// Dark and light pictures, 20 of each.
  func pictures() throws -> String {
    let folder = url.appending(path: "pictures")
    for (name, level) in [("black", 20), ("white", 200)] {
      let place = folder.appending(path: name)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for i in 0..<20 {
        let pixels = (0..<(8 * 8 * 3)).map { UInt8(level + ($0 * 7 + i * 13) % 40) }
        let image = Image(width: 8, height: 8, channels: 3, pixels: pixels)
        try Data(image.pngData()).write(to: place.appending(path: "\(i).png"))
      }
    }
    return folder.path
  }

  func table() throws -> String {
    let lines = (0..<40).map { i in
      #"{"text": "w\#(i % 2) w\#(2 + i % 7) w\#(9 + i % 11)", "label": "\#(i % 2 == 0 ? "even" : "odd")"}"#
    }
    let file = url.appending(path: "table.jsonl")
    try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  func text() throws -> String {
    let file = url.appending(path: "text.txt")
    let words = (0..<3000).map { "w\(($0 * $0 + 3 * $0) % 50)" }
    try words.joined(separator: " ").write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  /// A copy of a golden folder with a tokenizer of words w0, w1, ….
  func model(_ name: String, words: Int) throws -> String {
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Goldens/\(name)")
    let folder = url.appending(path: name)
    try FileManager.default.copyItem(at: golden, to: folder)
    let vocabulary = (0..<words).map { #""w\#($0)": \#($0 + 3)"# }.joined(separator: ", ")
    let tokenizer =
      #"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "#
      + #""normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "#
      + #""post_processor": null, "decoder": null, "#
      + #""model": {"type": "WordLevel", "vocab": {"<unk>": 0, \#(vocabulary)}, "#
      + #""unk_token": "<unk>"}}"#
    try tokenizer.write(
      to: folder.appending(path: "tokenizer.json"), atomically: true, encoding: .utf8)
    return folder.path
  }
}
