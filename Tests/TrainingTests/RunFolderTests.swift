import Checkpoints
import Foundation
import Reports
import Testing
import Training

@Suite struct RunFolderTests {
  @Test func aRunLeavesTheFilesThatOthersLookFor() throws {
    let scratch = Scratch()
    try train(scratch["run"])
    let names = try FileManager.default.subpathsOfDirectory(atPath: scratch["run"].path)
    for name in [
      "config.yaml", "command.txt", "environment.json", "metrics.jsonl", "timing.jsonl", "log.txt",
      "samples/step-000040.json", "samples/step-000040.txt", "checkpoints/last",
      "checkpoints/best", "checkpoints/step-000040/config.json",
      "checkpoints/step-000040/model.safetensors", "checkpoints/step-000040/ema.safetensors",
      "checkpoints/step-000040/optimizer.safetensors",
      "checkpoints/step-000040/trainer_state.json", "checkpoints/step-000040/README.md",
    ] {
      #expect(names.contains(name), "\(name) is missing")
    }
    #expect(names.contains { $0.hasPrefix("events.out.tfevents.") })
    let command = try String(contentsOf: scratch["run/command.txt"], encoding: .utf8)
    #expect(command == "apus train 'it'\\''s'\n")
    let run = try Run(scratch["run"])
    #expect(run.recipe == "denoise-moons" && run.seed == 1 && run.steps == 40 && run.step == 40)
    #expect(run.metrics.first?.unit == "mean square")
    #expect(run.figures.count == 1)
    #expect(Run.all(in: scratch.url).map(\.url.lastPathComponent) == ["run"])
  }

  @Test func modelAndAverageHaveTheSameNamesAndOtherValues() throws {
    let scratch = Scratch()
    try train(scratch["run"])
    let folder = try Run(scratch["run"]).checkpoints.folder(40)
    let model = try SafetensorsFile(folder.appendingPathComponent("model.safetensors"))
    let average = try SafetensorsFile(folder.appendingPathComponent("ema.safetensors"))
    let names = ["center", "fc1.weight", "fc1.bias", "fc2.weight"]
    #expect(model.entries.map(\.name) == names && average.entries.map(\.name) == names)
    #expect(model.metadata["format"] == "pt")
    #expect(model.bytes(of: model.entries[1]) != average.bytes(of: average.entries[1]))
    let rest = try SafetensorsFile(folder.appendingPathComponent("optimizer.safetensors"))
    #expect(rest["optimizer.exp_avg.fc1.weight"]?.shape == [2, 8])
    #expect(rest["optimizer.step"] != nil && rest["model.fc1.weight"] == nil)
  }

  @Test func aRunIsNotOverwrittenWithoutBeingAsked() throws {
    let scratch = Scratch()
    try train(scratch["run"], ["steps=2"])
    #expect(throws: TrainingError.self) { try train(scratch["run"], ["steps=3"]) }
    #expect(try Run(scratch["run"]).steps == 2)
    try Data("mine".utf8).write(to: scratch["run/notes.txt"])
    let request = TrainingRequest(folder: scratch["run"], steps: 3, overwrites: true)
    _ = try DenoisingRecipe.train(request)
    #expect(try Run(scratch["run"]).steps == 3)
    #expect(FileManager.default.fileExists(atPath: scratch["run/notes.txt"].path))
  }

  @Test func oneProgramAtATimeTrainsInAFolder() throws {
    let scratch = Scratch()
    var second: TrainingError?
    var status: Run.Status?
    try train(scratch["run"]) { event in
      guard case .step(let step) = event, step.step == 3 else { return }
      status = try? Run(scratch["run"]).status
      do { _ = try DenoisingRecipe.resume(scratch["run"]) } catch {
        second = error as? TrainingError
      }
    }
    #expect(status == .running)
    guard case .inUse? = second else {
      Issue.record("a second trainer got in: \(String(describing: second))")
      return
    }
  }

  @Test(arguments: ["model.safetensors", "optimizer.safetensors", "trainer_state.json"])
  func aDamagedCheckpointIsPassedOverWithAMessage(file: String) throws {
    let scratch = Scratch()
    try train(scratch["straight"])
    let stop = StopRequest()
    try train(scratch["run"], ["checkpoint_every=10"], stop: stop) { event in
      if case .step(let step) = event, step.step == 25 { stop.request() }
    }
    let store = try Run(scratch["run"]).checkpoints
    #expect(store.steps.last == 25)
    let damaged = store.folder(25).appendingPathComponent(file)
    let bytes = try Data(contentsOf: damaged)
    try bytes.prefix(bytes.count / 2).write(to: damaged)
    var messages: [String] = []
    _ = try DenoisingRecipe.resume(scratch["run"]) { event in
      if case .message(let text) = event { messages.append(text) }
    }
    #expect(messages.count == 1)
    #expect(messages.first?.contains(file) == true)
    #expect(messages.first?.contains("going on from step-0000") == true)
    let names =
      ["metrics.jsonl"]
      + ["model", "ema", "optimizer"].map {
        "step-000040/\($0).safetensors"
      }
    let differences = scratch["run"].differences(to: scratch["straight"])
    #expect(names.filter(differences.contains) == [])
  }

  @Test func withoutAnyGoodCheckpointTheRunIsRefused() throws {
    let scratch = Scratch()
    try train(scratch["run"])
    let store = try Run(scratch["run"]).checkpoints
    for step in store.steps {
      try Data().write(to: store.folder(step).appendingPathComponent("model.safetensors"))
    }
    #expect {
      _ = try DenoisingRecipe.resume(scratch["run"])
    } throws: { error in
      guard case .noCheckpoint(_, let problems)? = error as? TrainingError else { return false }
      return problems.count == store.steps.count
    }
  }

  @Test func aFolderThatIsNoRunIsNamed() {
    let scratch = Scratch()
    #expect {
      _ = try DenoisingRecipe.resume(scratch["nothing"])
    } throws: { ($0 as? TrainingError)?.exitCode == 3 }
  }
}
