import Documents
import Foundation
import Testing

/// The recipes of the built command.
enum BuiltRecipes {
  static let names: [String] =
    ((try? Binary.run("train", "--list", "--json").lines()) ?? []).compactMap { $0["name"]?.string }

  /// One that is quickly measured and trains on data which are always there.
  static let first = names.contains("realnvp-2d") ? "realnvp-2d" : names.first
}

@Suite(
  "apus train and what reads its runs", .serialized,
  .enabled(if: Binary.isBuilt && BuiltRecipes.first != nil, "apus is not built or has no recipes"))
struct TrainTests {
  private let recipe: String
  private let scratch = Scratch()

  init() throws { recipe = try #require(BuiltRecipes.first) }

  @Test("trains, goes on, and is listed, measured and sampled")
  func wholeLife() throws {
    let run = scratch.path("run")
    let outcome = try Binary.run(
      "train", recipe, "--out", run, "--steps", "3", "--seed", "5", "--json", "--set",
      "evaluate_every=3", "--set", "sample_every=3")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let events = try outcome.lines()
    let steps = events.filter { $0["event"]?.string == "step" }
    #expect(steps.compactMap { $0["step"]?.integer } == [1, 2, 3])
    for key in ["epoch", "loss", "learning_rate", "items_per_s", "rss_mb", "seconds_left"] {
      #expect(steps[0].names.contains(key), "\(key)")
    }
    #expect(events.contains { $0["event"]?.string == "eval" && $0["metrics"] != nil })
    #expect(events.contains { $0["event"]?.string == "checkpoint" && $0["path"] != nil })
    #expect(events.last?["event"]?.string == "done")
    #expect(events.last?["run"]?.string != nil)

    let resumed = try Binary.run("train", "--resume", run, "--steps", "4", "--json")
    #expect(resumed.status == 0)
    #expect(try resumed.lines().last?["step"]?.integer == 4)

    let listed = try Binary.run("runs", scratch.folder.path, "--json").json()
    #expect(listed.names.starts(with: ["run", "recipe", "status", "step"]))
    #expect(listed["status"]?.string == "finished")

    let measured = try Binary.run("eval", "--run", run, "--json")
    #expect(measured.status == 0)
    let metric = try #require(try measured.json()["metrics"]?.members?.first?.value)
    #expect(metric.names.starts(with: ["value", "unit", "kind"]))
    let told = try resumed.lines().last?["metrics"]?.members?.first?.value
    #expect(String(describing: metric["value"]) == String(describing: told))

    let folder = scratch.path("model")
    try FileManager.default.moveItem(
      at: URL(fileURLWithPath: run + "/checkpoints/last").resolvingSymlinksInPath(),
      to: URL(fileURLWithPath: folder))
    let alone = try Binary.run("eval", "--model", folder, "--json")
    #expect(alone.status == 0 && alone.output == measured.output)
    let points = try Binary.run("sample", "--model", folder, "--count", "3", "--json").json()
    #expect(points["outputs"]?.elements?.count == 3)
    let prompted = try Binary.run("sample", "--model", folder, "--prompt", "a", "--json")
    #expect(prompted.status == 2 && prompted.errorKind == "invalid")
    #expect(try Binary.run("sample", "--model", folder, "--run", run).status == 64)
    #expect(try Binary.run("sample", "--model", folder, "--dtype", "int3").status == 4)
  }

  @Test("goes on with a prompt, as many times as asked")
  func prompts() throws {
    let run = scratch.path("text")
    let settings = ["width=8", "length=16", "batch_size=2"].flatMap { ["--set", $0] }
    let arguments = ["train", "lstm-text", "--out", run, "--steps", "1"] + settings
    #expect(try Binary.run(arguments: arguments).status == 0)
    let samples = try Binary.run(
      "sample", "--run", run, "--prompt", "an old é", "--count", "3", "--json"
    ).json()
    let texts = samples["outputs"]?.elements?.compactMap(\.string) ?? []
    #expect(texts.count == 3 && texts.allSatisfy { $0.hasPrefix("an old é") })
    #expect(Set(texts).count == 3)
  }

  @Test("says that a folder has a run already, and replaces it when asked")
  func existing() throws {
    let run = scratch.path("run")
    #expect(try Binary.run("train", recipe, "--out", run, "--steps", "0").status == 0)
    let again = try Binary.run("train", recipe, "--out", run, "--steps", "0")
    #expect(again.status == 64)
    #expect(again.errors.contains("apus train --resume"))
    let replaced = try Binary.run("train", recipe, "--out", run, "--steps", "0", "--overwrite")
    #expect(replaced.status == 0)
  }

  @Test("takes a value from the flag, else the environment, else the file")
  func precedence() throws {
    let file = try scratch.write(Array("steps: 0\nseed: 7\n".utf8), to: "mine.yaml")
    func configuration(_ name: String) throws -> String {
      try String(contentsOfFile: scratch.path(name) + "/config.yaml", encoding: .utf8)
    }
    let environment = ["APUS_SEED": "8"]
    _ = try Binary.run("train", recipe, "--out", scratch.path("a"), "--config", file)
    _ = try Binary.run(
      "train", recipe, "--out", scratch.path("b"), "--config", file, environment: environment)
    _ = try Binary.run(
      "train", recipe, "--out", scratch.path("c"), "--config", file, "--seed", "9",
      environment: environment)
    #expect(try configuration("a").contains("seed: 7\n"))
    #expect(try configuration("b").contains("seed: 8\n"))
    #expect(try configuration("c").contains("seed: 9\n"))
    #expect(try configuration("c").contains("steps: 0\n"))
  }

  @Test("refuses what it cannot do, each with its exit code")
  func refusals() throws {
    let out = scratch.path("run")
    #expect(try Binary.run("train", recipe + "x", "--out", out, "--json").errorKind == "usage")
    #expect(try Binary.run("train").status == 64)
    #expect(try Binary.run("train", recipe, "--out", out, "--set", "nothing=1").status == 64)
    #expect(try Binary.run("train", recipe, "--out", out, "--device", "abacus").status == 4)
    #expect(try Binary.run("train", "--resume", out).status == 3)
    #expect(try Binary.run("eval", "--run", out, "--json").errorKind == "missing")
    #expect(try Binary.run("sample", "--run", out).status == 3)
    let variable = try Binary.run(
      "train", recipe, "--out", out, environment: ["APUS_SEED": "many"])
    #expect(variable.status == 64)
    #expect(variable.errors.contains("APUS_SEED"))
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  @Test("saves at SIGTERM, says how to go on, and exits with 130")
  func interruption() throws {
    let run = scratch.path("run")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Binary.path))
    process.arguments = ["train", recipe, "--out", run, "--steps", "100000000", "--json"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    // The first line says that it steps.
    _ = output.fileHandleForReading.availableData
    process.terminate()
    let rest = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let last = try #require(rest.split(separator: UInt8(ascii: "\n")).last)
    let event = try JSONValue(parsing: Array(last))
    #expect(event["event"]?.string == "interrupted")
    let step = try #require(event["step"]?.integer)
    let resumed = try Binary.run("train", "--resume", run, "--steps", "\(step + 1)", "--json")
    #expect(resumed.status == 0)
    #expect(try resumed.lines().last?["step"]?.integer == step + 1)
  }

  @Test("makes a gallery of one page and one JSON object")
  func gallery() throws {
    let folder = scratch.path("gallery")
    let outcome = try Binary.run(
      "gallery", "--out", folder, "--minutes", "0.05", "--only", recipe, "--seed", "3", "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try outcome.json()
    #expect(report["version"]?.string?.isEmpty == false)
    #expect(report["seed"]?.integer == 3)
    let method = try #require(report["methods"]?.elements?.first)
    for key in ["name", "family", "seconds", "peak_rss_mb", "metric", "command", "artifacts"] {
      #expect(method.names.contains(key), "\(key)")
    }
    #expect(method["status"]?.string == "ok")
    for path in method["artifacts"]?.elements?.compactMap(\.string) ?? [] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + path), "\(path)")
    }
    let page = try String(contentsOfFile: folder + "/index.html", encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>"))
    let written = try String(contentsOfFile: folder + "/gallery.json", encoding: .utf8)
    #expect(written == outcome.output)
    #expect(try Binary.run("gallery", "--only", "nothing", "--json").errorKind == "usage")
  }
}
