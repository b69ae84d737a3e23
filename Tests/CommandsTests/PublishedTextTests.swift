import Documents
import Foundation
import Testing

/// A folder as libraries publish it: a small GPT-2 of another library with its numbers, and a tokenizer whose tokens are
/// numbered words.
private struct PublishedFolder {
  let scratch = Scratch()
  var path: String { scratch.folder.path }
  private let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Goldens/transformers-gpt2")

  init() throws {
    for name in ["config.json", "generation_config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        at: source.appendingPathComponent(name), to: scratch.folder.appendingPathComponent(name))
    }
    let words = (0..<131).map { JSONValue.Member("t\($0)", .integer($0)) }
    let tokenizer = JSONValue.object([
      .init(
        "model",
        .object([
          .init("type", .string("WordLevel")), .init("vocab", .object(words)),
          .init("unk_token", .string("t3")),
        ])),
      .init("pre_tokenizer", .object([.init("type", .string("WhitespaceSplit"))])),
    ])
    _ = try scratch.write(tokenizer.encoded(), to: "tokenizer.json")
  }

  /// What the other library computes, for `apus verify`.
  func addReference() throws {
    try FileManager.default.copyItem(
      at: source.appendingPathComponent("reference.safetensors"),
      to: scratch.folder.appendingPathComponent("reference.safetensors"))
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path + "/" + name)
  }

  func replace(_ text: String, with new: String, in name: String) throws {
    let old = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
    #expect(old.contains(text))
    _ = try scratch.write(Array(old.replacing(text, with: new).utf8), to: name)
  }

  func sample(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(arguments: ["sample", "--model", path] + arguments)
  }

  /// What the library's greedy search makes of two prompts: `output.generate.greedy.sequences`.
  static let prompts = ["t107 t89 t40 t11 t114", "t123 t103 t87"]
  static let continuations = [
    Array(repeating: "t29", count: 12), ["t94", "t29", "t94"] + Array(repeating: "t29", count: 9),
  ].map { $0.joined(separator: " ") }
}

@Suite("Published language models", .enabled(if: Binary.isBuilt, "apus is not built"))
struct PublishedTextTests {
  private let folder: PublishedFolder

  init() throws { folder = try PublishedFolder() }

  @Test("write what their library writes, for one prompt and for several")
  func greedy() throws {
    let prompts = PublishedFolder.prompts
    let expected = zip(prompts, PublishedFolder.continuations).map { $0 + $1 }
    let outcome = try folder.sample(
      "--prompt", prompts[0], "--prompt", prompts[1], "--max-new-tokens", "12", "--no-draw",
      "--json")
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(try outcome.json()["outputs"]?.elements?.compactMap(\.string) == expected)
    #expect(try outcome.json()["tokens"]?.integer == 24)
    let single = try folder.sample(
      "--prompt", prompts[1], "--max-new-tokens", "12", "--no-draw", "--quiet")
    #expect(single.status == 0)
    #expect(single.output == expected[1] + "\n")
    #expect(single.errors.isEmpty)
  }

  @Test("end before a stop string, and give pieces as they are written")
  func stops() throws {
    let arguments = ["--prompt", PublishedFolder.prompts[1], "--max-new-tokens", "12", "--no-draw"]
    let outcome = try Binary.run(
      arguments: ["sample", "--model", folder.path] + arguments + [
        "--stop", "94 t29 t29", "--json",
      ])
    #expect(
      try outcome.json()["outputs"]?.elements?.first?.string
        == PublishedFolder.prompts[1] + "t94 t29 t")
    // A reader that has gone ends the writing of pieces, and nothing else.
    let pipe = Pipe()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Binary.path))
    process.arguments = ["sample", "--model", folder.path] + arguments
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(
      String(decoding: text, as: UTF8.self)
        == PublishedFolder.prompts[1] + PublishedFolder.continuations[1] + "\n")
  }

  @Test("are read from pytorch_model.bin where nothing else is, by every command")
  func pyTorchFile() throws {
    try folder.addReference()
    let bin = folder.scratch.path("pytorch_model.bin")
    #expect(
      try Binary.run("convert", folder.scratch.path("model.safetensors"), bin).status == 0)
    try folder.remove("model.safetensors")
    let sample = try folder.sample(
      "--prompt", PublishedFolder.prompts[1], "--max-new-tokens", "12", "--no-draw", "--quiet")
    #expect(
      sample.output == PublishedFolder.prompts[1] + PublishedFolder.continuations[1] + "\n",
      "\(sample.errors)")
    let vector = try Binary.run("embed", "--model", folder.path, "t4", "--quiet")
    #expect(vector.status == 0 && vector.output.split(separator: " ").count == 32)
    let verified = try Binary.run("verify", folder.path, "--json")
    #expect(verified.status == 0, "\(verified.output)")
    #expect(try verified.json()["status"]?.string == "pass")
    // Cut short, it is refused by its name.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: bin))
    _ = try folder.scratch.write(bytes.dropLast(100), to: "pytorch_model.bin")
    let damaged = try folder.sample("--prompt", "t4", "--json")
    #expect(damaged.status == 2 && damaged.output.contains("pytorch_model.bin"))
    #expect(try Binary.run("verify", folder.path).status == 2)
  }

  @Test("say what hinders them, each with its exit code")
  func errors() throws {
    let long = Array(repeating: "t5", count: 60).joined(separator: " ")
    let tooLong = try folder.sample("--prompt", long, "--json")
    #expect(tooLong.status == 2 && tooLong.errorKind == "invalid")
    #expect(tooLong.output.contains("48"))
    let empty = try folder.sample("--json")
    #expect(empty.status != 0)
    #expect(try folder.sample("--prompt", "t4", "--set", "top_p=7", "--json").status != 0)
    try folder.remove("tokenizer.json")
    let none = try folder.sample("--prompt", "t4", "--json")
    #expect(none.status == 3 && none.output.contains("tokenizer.json"))
    let vectors = try Binary.run("embed", "--model", folder.path, "t4", "--json")
    #expect(vectors.status == 3 && vectors.output.contains("tokenizer.json"))
    try folder.replace("gpt2", with: "gpt99", in: "config.json")
    try folder.replace("GPT2LMHeadModel", with: "GPT99", in: "config.json")
    let unknown = try folder.sample("--prompt", "t4", "--json")
    #expect(unknown.status == 2 && unknown.output.contains("GPT99"))
    let missing = try Binary.run(
      "sample", "--model", folder.path + "/none", "--prompt", "t4", "--json")
    #expect(missing.status == 3 && missing.errorKind == "missing")
  }

  @Test("turn texts into vectors of length one, on standard output or in a file")
  func embeddings() throws {
    let outcome = try Binary.run("embed", "--model", folder.path, "t4 t5", "t6", "--json")
    #expect(outcome.status == 0, "\(outcome.output)")
    let rows = try outcome.lines()
    #expect(rows.compactMap { $0["text"]?.string } == ["t4 t5", "t6"])
    for row in rows {
      let vector = (row["embedding"]?.elements ?? []).compactMap { value -> Double? in
        if case .number(let number) = value { number } else { value.integer.map(Double.init) }
      }
      #expect(vector.count == 32)
      #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }
    let file = folder.scratch.path("vectors.safetensors")
    #expect(try Binary.run("embed", "--model", folder.path, "t4", "--out", file).status == 0)
    let listing = try Binary.run("inspect", file, "--json").json()
    #expect(listing["tensors"]?.elements?.first?["name"]?.string == "embeddings")
  }
}
