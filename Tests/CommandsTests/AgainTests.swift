import Documents
import Foundation
import Testing

@Suite("apus again", .enabled(if: Binary.isBuilt, "apus is not built"))
struct AgainTests {
  /// The pictures inside the program: fewer of them.
  private let small = ["XDG_DATA_DIRS": "/nowhere", "APUS_CACHE": "/nowhere"]

  @Test("makes the same bytes from a picture's own file, while its checkpoint is there")
  func wholeLife() throws {
    let scratch = Scratch()
    let (run, picture) = (scratch.path("run"), scratch.path("a.png"))
    let trained = try Binary.run(
      "train", "rbm-fashion", "--out", run, "--steps", "1", "--seed", "3", environment: small)
    #expect(trained.status == 0, "\(trained.errors)")
    let sampled = try Binary.run(
      "sample", "--run", run, "--count", "3", "--seed", "18446744073709551615", "--out", picture,
      environment: small)
    #expect(sampled.status == 0, "\(sampled.errors)")

    let listing = try Binary.run("inspect", picture, "--json").json()
    #expect(listing["format"]?.string == "png")
    let note = try #require(listing["notes"]?["apus"])
    #expect(note["recipe"]?.string == "rbm-fashion")
    #expect(note["seed"]?.string == "18446744073709551615")
    #expect(note["count"]?.integer == 3)
    #expect(note["settings"]?.string?.contains("seed: 3") == true)
    #expect(try Binary.run("inspect", picture).output.contains("recipe: rbm-fashion"))

    // Going on with the run changes its newest checkpoint, and not the picture's.
    let resumed = try Binary.run("train", "--resume", run, "--steps", "2", environment: small)
    #expect(resumed.status == 0, "\(resumed.errors)")
    let copy = scratch.path("b.png")
    let again = try Binary.run("again", picture, "--out", copy, "--json", environment: small)
    #expect(again.status == 0, "\(again.output)")
    #expect(try again.json()["identical"]?.bool == true)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: picture))
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == bytes)

    let moved = scratch.path("moved")
    try FileManager.default.moveItem(atPath: run, toPath: moved)
    let gone = try Binary.run("again", picture, "--json")
    #expect(gone.status == 3 && gone.errorKind == "missing")
    #expect(gone.output.contains("--model"))
    let found = try Binary.run("again", picture, "--model", moved, "--json", environment: small)
    #expect(found.status == 0, "\(found.output)")
  }

  @Test("makes the pictures of a run, wherever the run lies, while their checkpoint is there")
  func figures() throws {
    let scratch = Scratch()
    let (old, run) = (scratch.path("old"), scratch.path("run"))
    let trained = try Binary.run(
      "train", "vae-fashion", "--out", old, "--steps", "3", "--seed", "5", "--set",
      "sample_every=1", "--set", "batch_size=8", "--set", "checkpoint_every=1", "--set", "keep=1",
      "--set",
      "evaluate_every=3", environment: small)
    #expect(trained.status == 0, "\(trained.errors)")
    try FileManager.default.moveItem(atPath: old, toPath: run)
    let pictures = try FileManager.default.contentsOfDirectory(atPath: run + "/samples")
      .filter { $0.hasSuffix(".png") }
    let last = pictures.filter { $0.hasPrefix("step-000003") }
    #expect(!last.isEmpty && pictures.count == 3 * last.count)
    for name in last {
      let picture = run + "/samples/" + name
      let note = try Binary.run("inspect", picture, "--json").json()["notes"]?["apus"]
      #expect(note?["recipe"]?.string == "vae-fashion" && note?["seed"]?.string == "5")
      let again = try Binary.run("again", picture, "--json", environment: small)
      #expect(again.status == 0, "\(again.output)")
      #expect(try again.json()["identical"]?.bool == true)
    }
    let gone = try Binary.run("again", run + "/samples/step-000001.png")
    #expect(gone.status == 3)
    #expect(gone.errors.contains("checkpoints/step-000001") && gone.errors.contains("keep=N"))
  }

  @Test("refuses files that carry no such note")
  func refusals() throws {
    let scratch = Scratch()
    let plain = scratch.path("plain.png")
    #expect(try Binary.run("data", "show", "toy", "--out", plain).status == 0)
    let outcome = try Binary.run("again", plain, "--json")
    #expect(outcome.status == 2 && outcome.errorKind == "invalid")
    #expect(try Binary.run("again", scratch.path("none.png")).status == 3)
    let text = try scratch.write(Array("no picture".utf8), to: "text.png")
    #expect(try Binary.run("again", text).status == 2)
  }
}
